import pytest
import torch
from lecture_loop import loaders

from diagonal.pipeline.transforms import scale_and_normalize
from diagonal.training import batches
from diagonal.training.batches import Batches
from diagonal.training.sampling import make_balanced_sampler

PREPARED = scale_and_normalize(0.5, 0.5)


def ours(data, *, batch_size, hflip, **options):
    options = {"batch_size": batch_size, "transform": PREPARED, **options}
    sampler = make_balanced_sampler(data.labels[data.train])
    images, labels = data.images, data.labels
    train = Batches(images, labels, data.train, sampler=sampler, hflip=hflip, **options)
    return train, Batches(images, labels, data.val, **options)


def epochs(train, val, n_epochs=2, seed=1):
    """Draw epochs; return all batches, and what the two streams give next."""
    torch.manual_seed(seed)
    train.sampler.generator.manual_seed(seed)
    drawn = [batch for _ in range(n_epochs) for loader in (train, val) for batch in loader]
    return drawn, (torch.rand(1).item(), torch.rand(1, generator=train.sampler.generator).item())


def assert_equal(drawn, expected):
    for batch, expected_batch in zip(drawn, expected, strict=True):
        for tensor, expected_tensor in zip(batch, expected_batch, strict=True):
            assert tensor.dtype == expected_tensor.dtype
            assert torch.equal(tensor, expected_tensor)


@pytest.mark.parametrize(
    ("n", "n_val", "size", "batch_size", "hflip", "seed"),
    [(240, 60, 5, 16, 0.5, 42), (33, 33, 8, 33, 0.3, 0), (50, 1, 4, 64, 1.0, 2**31)],
)
def test_batches_are_those_of_the_slides_loaders(
    random_data, n, n_val, size, batch_size, hflip, seed
):
    data, options = random_data(n, n_val, size, seed), {"batch_size": batch_size, "hflip": hflip}
    expected, expected_next = epochs(*loaders(data, **options), n_epochs=3, seed=seed)
    drawn, drawn_next = epochs(*ours(data, **options), n_epochs=3, seed=seed)
    assert_equal(drawn, expected)
    assert drawn_next == expected_next


@pytest.mark.parametrize(("n_processes", "batch_size"), [(3, 64), (4, 1)])
def test_shares_make_up_the_batch(random_data, monkeypatch, n_processes, batch_size):
    data, options = random_data(50, 10, 3, 0), {"batch_size": batch_size, "hflip": 0.5}
    whole, _ = epochs(*ours(data, **options))
    monkeypatch.setattr(batches, "GATHER", 9 * 20)
    shares = [epochs(*ours(data, share=(k, n_processes), **options)) for k in range(n_processes)]
    assert len({following for _, following in shares}) == 1
    for batch, *parts in zip(whole, *(drawn for drawn, _ in shares), strict=True):
        for tensor, *of_each in zip(batch, *parts, strict=True):
            assert torch.equal(torch.cat(of_each), tensor)
            assert max(map(len, of_each)) - min(map(len, of_each)) <= 1


def test_images_that_are_prepared_already_are_taken_as_they_are(random_data):
    data = random_data(40, 9, 3, 0)
    options = {"batch_size": 7, "hflip": 0.5, "dtype": torch.float64}
    expected, _ = epochs(*ours(data, **options))
    data.images = PREPARED(data.images)
    before = data.images.clone()
    drawn, _ = epochs(*ours(data, transform=None, **options))
    assert_equal(drawn, expected)
    assert {tensor.dtype for batch in drawn for tensor in batch} == {torch.float64}
    assert torch.equal(data.images, before)


def test_what_is_gathered_at_once_is_bounded_by_pixels():
    sizes = []

    def spy(x):
        sizes.append(len(x))
        return x

    for size, n, expected in ((64, 3000, [1024, 1024, 952]), (5, 3200, [3200])):
        images, labels = torch.zeros(n, 1, size, size).byte(), torch.arange(n) % 2
        options = {"batch_size": 16, "sampler": make_balanced_sampler(labels), "transform": spy}
        found = Batches(images, labels, **options)
        assert len(found) == len(list(found)) == -(-n // 16)
        assert sizes == expected
        sizes.clear()


def test_batches_start_where_tensors_of_their_own_would(random_data):
    data = random_data(50, 10, 3, 0)  # 3 images of 9 pixels are 108 bytes: no multiple of 64
    for x, _ in ours(data, batch_size=3, hflip=0.5)[0]:
        assert x.data_ptr() % 64 == 0
