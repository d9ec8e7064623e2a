import pytest
import torch
from lecture_loop import loaders
from torch.utils.data import DataLoader, TensorDataset

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
