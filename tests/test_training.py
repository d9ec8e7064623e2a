import numpy as np
import pytest
import torch
from lecture_loop import loaders, train
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

from diagonal.shell.errors import InputError
from diagonal.training import models
from diagonal.training.architecture import Architecture
from diagonal.training.batches import Batches, make_balanced_sampler

# lecture-facts: epochs, then loss and val_loss of the first and of the last epoch, accuracy
LECTURE = {
    "logistic": (100, "0.698373 0.652573 0.515938 0.543607", 0.65),
    "deepish": (100, "0.698251 0.661803 0.517853 0.550928", 0.65),
    "relu": (50, "0.697113 0.693407 0.262673 0.194797", 1.0),
}


def build(name, n_pixels, dtype, seed=17):
    hidden = {} if name == "logistic" else {"hidden": [5, 3]}
    return getattr(models, name)(n_pixels, **hidden, seed=seed, dtype=dtype)


def architecture(model, data, *, lr=0.1, batch_size=16, hflip=0.5):
    dtype = next(model.parameters()).dtype
    x, y, x_val, y_val = (each.to(dtype) for each in (data.x, data.y, data.x_val, data.y_val))
    result = Architecture(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=lr))
    result.set_loaders(
        Batches(
            (x - 0.5) / 0.5,
            y,
            batch_size=batch_size,
            sampler=make_balanced_sampler(y),
            hflip=hflip,
        ),
        Batches((x_val - 0.5) / 0.5, y_val, batch_size=batch_size),
    )
    return result


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", LECTURE)
def test_the_lectures_losses_come_out(lecture_data, name, dtype):
    n_epochs, losses, accuracy = LECTURE[name]
    ours = architecture(build(name, 25, dtype), lecture_data)
    ours.train(n_epochs, seed=42)
    found = (ours.losses[0], ours.val_losses[0], ours.losses[-1], ours.val_losses[-1])
    assert " ".join(f"{loss:.6f}" for loss in found) == losses
    predicted = ours.predict((lecture_data.x_val - 0.5) / 0.5) > 0.5
    assert (predicted == lecture_data.y_val.numpy()).mean() == pytest.approx(accuracy)


@pytest.mark.parametrize("name", LECTURE)
@pytest.mark.parametrize(
    ("n", "n_val", "size", "batch_size", "hflip", "seed"),
    [
        (240, 60, 5, 16, 0.5, 42),
        (100, 7, 3, 7, 0.2, 1),
        (50, 20, 8, 64, 1.0, 2),
        (9, 4, 2, 1, 0, 3),
    ],
)
def test_float32_training_is_the_lectures_to_the_bit(
    random_data, name, n, n_val, size, batch_size, hflip, seed
):
    data = random_data(n, n_val, size, seed)
    expected = build(name, size**2, torch.float32, seed)
    theirs = loaders(data.x, data.y, data.x_val, data.y_val, batch_size=batch_size, hflip=hflip)
    losses, val_losses = train(expected, 0.1, *theirs, n_epochs=4, seed=seed)

    model = build(name, size**2, torch.float32, seed)
    ours = architecture(model, data, batch_size=batch_size, hflip=hflip)
    ours.train(4, seed=seed)
    assert ours.losses == losses
    assert ours.val_losses == val_losses
    assert all(map(torch.equal, model.parameters(), expected.parameters()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_losses_collected_in_pieces_have_the_same_mean(lecture_data, monkeypatch, dtype):
    whole, pieces = (architecture(build("relu", 25, dtype), lecture_data) for _ in range(2))
    whole.train(3)
    monkeypatch.setattr("diagonal.training.architecture.AT_ONCE", 4)
    pieces.train(3)
    assert pieces.losses == whole.losses
    assert pieces.val_losses == whole.val_losses


def test_a_dataloader_trains_as_well(lecture_data):
    results = []
    for fast in (True, False):
        model = build("relu", 25, torch.float32)
        ours = architecture(model, lecture_data)
        if not fast:
            data = (lecture_data.x, lecture_data.y, lecture_data.x_val, lecture_data.y_val)
            ours.set_loaders(*loaders(*data, batch_size=16, hflip=0.5))
        ours.train(3)
        results.append((ours.losses, ours.val_losses, model.state_dict()))
    assert results[0][:2] == results[1][:2]
    assert all(map(torch.equal, results[0][2].values(), results[1][2].values()))


def test_training_works_without_validation_and_sampler(lecture_data):
    model = build("logistic", 25, torch.float32)
    ours = Architecture(model, nn.BCELoss(), optim.Adam(model.parameters()))
    ours.set_loaders(DataLoader(TensorDataset(lecture_data.x, lecture_data.y), 16, shuffle=True))
    seen = []
    ours.train(5, on_epoch=lambda *losses: seen.append(losses))
    assert ours.losses[-1] < ours.losses[0]
    assert ours.val_losses == []
    assert seen == [(loss, None) for loss in ours.losses]


def test_a_restored_checkpoint_goes_on_as_if_never_stopped(lecture_data, tmp_path):
    def fresh():
        model = build("relu", 25, torch.float64)
        result = architecture(model, lecture_data)
        result.optimizer = optim.Adam(model.parameters(), lr=0.01)  # has a state of its own
        return result

    through, stopped, resumed = fresh(), fresh(), fresh()
    through.train(2, seed=1)
    through.train(3, seed=2)
    stopped.train(2, seed=1)
    stopped.save_checkpoint(tmp_path / "checkpoint.safetensors")
    resumed.load_checkpoint(tmp_path / "checkpoint.safetensors")
    resumed.train(3, seed=2)
    assert resumed.losses == through.losses
    assert resumed.val_losses == through.val_losses
    for ours, expected in zip(resumed.model.parameters(), through.model.parameters(), strict=True):
        assert torch.equal(ours, expected)


def test_a_foreign_checkpoint_is_told_in_one_line(tmp_path):
    model = build("logistic", 25, torch.float32)
    ours = Architecture(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=0.1))
    torch.save({"model": model.state_dict()}, tmp_path / "pickled.pt")
    with pytest.raises(InputError, match=r"pickled\.pt: expected a readable \.safetensors"):
        ours.load_checkpoint(tmp_path / "pickled.pt")


def test_predictions_are_the_models_without_training_it(lecture_data):
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(25, 1), nn.Sigmoid())
    ours = Architecture(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=0.1))
    first, second = ours.predict(lecture_data.x), ours.predict(lecture_data.x.numpy())
    assert isinstance(first, np.ndarray)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("name", "parameters"), [("logistic", 25), ("deepish", 143), ("relu", 143)]
)
def test_parameters_are_counted(name, parameters):
    model = build(name, 25, torch.float32)
    ours = Architecture(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=0.1))
    assert ours.count_parameters() == parameters
    model[1].weight.requires_grad = False
    assert ours.count_parameters() < parameters


def test_a_seed_decides_the_run(lecture_data):
    def losses(seed):
        ours = architecture(build("logistic", 25, torch.float64), lecture_data)
        ours.train(2, seed=seed)
        return ours.losses

    assert losses(1) == losses(1)
    assert losses(1) != losses(2)
