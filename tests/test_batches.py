import numpy as np
import pytest
import torch
from lecture_loop import loaders
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

from diagonal.training import batches
from diagonal.training.batches import Batches, draw, make_balanced_sampler


def normalised(x):
    return (x - 0.5) / 0.5


def ours(data, *, batch_size, hflip):
    sampler = make_balanced_sampler(data.y)
    x, x_val = normalised(data.x), normalised(data.x_val)
    train = Batches(x, data.y, batch_size=batch_size, sampler=sampler, hflip=hflip)
    return train, Batches(x_val, data.y_val, batch_size=batch_size)


def epochs(train, val, n_epochs, seed):
    """Draw epochs; return all batches, and what the two streams give next."""
    torch.manual_seed(seed)
    train.sampler.generator.manual_seed(seed)
    drawn = [batch for _ in range(n_epochs) for loader in (train, val) for batch in loader]
    return drawn, (torch.rand(1), torch.rand(1, generator=train.sampler.generator))


@pytest.mark.parametrize("seed", [0, 42, 2**31])
@pytest.mark.parametrize("hflip", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize(
    ("n", "n_val", "size", "batch_size"),
    [(240, 60, 5, 16), (100, 7, 3, 7), (33, 33, 8, 33), (50, 1, 4, 64), (12, 5, 2, 1)],
)
def test_batches_are_those_of_a_dataloader(random_data, n, n_val, size, batch_size, hflip, seed):
    data = random_data(n, n_val, size, seed)
    theirs = loaders(data.x, data.y, data.x_val, data.y_val, batch_size=batch_size, hflip=hflip)
    expected, expected_next = epochs(*theirs, n_epochs=3, seed=seed)
    drawn, drawn_next = epochs(*ours(data, batch_size=batch_size, hflip=hflip), 3, seed)
    assert len(drawn) == len(expected)
    for batch, expected_batch in zip(drawn, expected, strict=True):
        for tensor, expected_tensor in zip(batch, expected_batch, strict=True):
            assert torch.equal(tensor, expected_tensor)
    assert drawn_next == expected_next


def test_gathering_in_pieces_changes_nothing(random_data, monkeypatch):
    data = random_data(100, 10, 3, 0)
    whole, _ = epochs(*ours(data, batch_size=8, hflip=0.5), 2, 1)
    monkeypatch.setattr(batches, "GATHER", 180)
    pieces, _ = epochs(*ours(data, batch_size=8, hflip=0.5), 2, 1)
    assert all(
        torch.equal(a, b)
        for batch, piece in zip(whole, pieces, strict=True)
        for a, b in zip(batch, piece, strict=True)
    )


def test_length_counts_batches(random_data):
    for n, batch_size in [(1, 1), (16, 16), (17, 16), (240, 16), (5, 100)]:
        data = random_data(n, 2, 2, 0)
        batches = Batches(data.x, data.y, batch_size=batch_size)
        dataset = TensorDataset(data.x, data.y)
        assert len(batches) == len(list(batches)) == len(DataLoader(dataset, batch_size))


def test_images_stay_as_they_are(random_data):
    data = random_data(40, 2, 3, 0)
    before = data.x.clone()
    list(Batches(data.x, data.y, batch_size=8, sampler=make_balanced_sampler(data.y), hflip=1.0))
    assert torch.equal(data.x, before)


def test_the_lectures_first_epoch_draws_123_diagonals_of_240(lecture_data):
    sampler = make_balanced_sampler(lecture_data.y)
    sampler.generator.manual_seed(42)
    assert lecture_data.y[draw(sampler)].sum() == 123


def test_the_lectures_first_image_is_a_line_in_column_3(random_data, lecture_data):
    torch.manual_seed(13)
    torch.randperm(300)  # what the split leaves the stream at, when the loader is read after it
    train, _ = ours(lecture_data, batch_size=16, hflip=0.5)
    theirs, _ = loaders(
        lecture_data.x, lecture_data.y, lecture_data.x_val, lecture_data.y_val,
        batch_size=16, hflip=0.5,
    )  # fmt: skip
    state = torch.get_rng_state()
    x, _ = next(iter(train))
    torch.set_rng_state(state)
    expected, _ = next(iter(theirs))
    line = torch.full((5, 5), -1.0)
    line[:, 3] = 1
    assert torch.equal(x, expected)
    assert torch.equal(x[0, 0], line)


@pytest.mark.parametrize("hflip", [0.0, 0.5])
def test_batches_are_converted_as_they_are_gathered(random_data, monkeypatch, tmp_path, hflip):
    data = random_data(100, 30, 3, 0)
    np.save(tmp_path / "x.npy", data.x)
    mapped = torch.from_numpy(np.load(tmp_path / "x.npy", mmap_mode="c"))
    monkeypatch.setattr(batches, "GATHER", 180)
    results = []
    for x, y, dtype in ((data.x.double(), data.y.double(), None), (mapped, data.y, torch.float64)):
        sampler = make_balanced_sampler(data.y)
        options = {"batch_size": 8, "dtype": dtype}
        train = Batches(x, y, sampler=sampler, hflip=hflip, **options)
        drawn, _ = epochs(train, Batches(x, y, **options), 2, 1)
        results.append([tensor for batch in drawn for tensor in batch])
    for tensor, expected in zip(*reversed(results), strict=True):
        assert tensor.dtype == torch.float64
        assert torch.equal(tensor, expected)


def test_what_is_gathered_at_once_is_bounded_by_pixels(random_data):
    sizes = []

    class Spied(Batches):
        def _gather(self, indices, flips):
            sizes.append(len(indices))
            return super()._gather(indices, flips)

    for size, n, expected in ((64, 3000, [1024, 1024, 952]), (5, 3000, [3000])):
        x, y = torch.zeros(n, 1, size, size), torch.arange(n)[:, None] % 2
        sampler = make_balanced_sampler(y)
        assert len(list(Spied(x, y, batch_size=16, sampler=sampler))) == -(-n // 16)
        assert sizes == expected
        sizes.clear()


WEIGHTS = {
    "equal": lambda n, stream: torch.ones(n),
    "uniform": lambda n, stream: torch.rand(n, generator=stream, dtype=torch.float64) + 1e-9,
    "half of them zero": lambda n, stream: (torch.arange(n) % 2 == 0).double(),
    "zeros at the end": lambda n, stream: (torch.arange(n) <= n // 2).double(),
    "of many magnitudes": lambda n, stream: torch.rand(n, generator=stream) ** 20 + 1e-30,
}


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize("n", [1, 2, 7, 16, 240, 4097, 300_000])
@pytest.mark.parametrize("seed", [0, 42, 2**32 - 1])
def test_drawing_among_many_weights_is_multinomials_draw(monkeypatch, weights, n, seed):
    weights = weights(n, torch.Generator().manual_seed(seed))
    samplers = [WeightedRandomSampler(weights, 2 * n, True, torch.Generator()) for _ in range(2)]
    for sampler in samplers:
        sampler.generator.manual_seed(seed)
    expected = draw(samplers[0])
    monkeypatch.setattr(torch, "multinomial", None)
    monkeypatch.setattr(batches, "FEW", 0)
    assert torch.equal(draw(samplers[1]), expected)
    following = [torch.rand(1, generator=sampler.generator) for sampler in samplers]
    assert following[0] == following[1]


def test_more_weights_than_multinomial_takes_are_drawn():
    weights = torch.ones(2**24 + 1)
    weights[:-2] = 0
    with pytest.raises(RuntimeError, match="2"):
        torch.multinomial(weights, 4, True)
    sampler = WeightedRandomSampler(weights, 1000, True, torch.Generator().manual_seed(0))
    found, counts = draw(sampler).unique(return_counts=True)
    assert found.tolist() == [2**24 - 1, 2**24]
    assert counts.min() > 400
