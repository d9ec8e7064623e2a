"""Training against the lecture's loop, checkpoints, and what is told of a training."""

import numpy as np
import pytest
import torch
from lecture_loop import loaders, train
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

from diagonal.errors import InputError
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.transforms import scale_and_normalize
from diagonal.training import divergence
from diagonal.training.architecture import Architecture
from diagonal.training.batches import Batches
from diagonal.training.descent import Descent
from diagonal.training.models import network
from diagonal.training.sampling import make_balanced_sampler

PREPARED = scale_and_normalize(0.5, 0.5)
KINDS = pytest.mark.parametrize("kind", [Architecture, Descent])


def build(name, n_pixels, dtype=torch.float32, seed=17):
    hidden = () if name == "logistic" else (5, 3)
    return network([n_pixels, *hidden, 1], MODELS[name].activation, seed=seed, dtype=dtype)


def architecture(model, data, *, kind=Architecture, batch_size=16, hflip=0.5):
    """Put a model and data together as the stages do, on the model's device."""
    made = kind(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=0.1))
    images, labels = data.images.to(made.device), data.labels.to(made.device)
    options = {"batch_size": batch_size, "transform": PREPARED, "dtype": made.dtype}
    sampler = make_balanced_sampler(data.labels[data.train])
    made.set_loaders(
        Batches(images, labels, data.train, sampler=sampler, hflip=hflip, **options),
        Batches(images, labels, data.val, **options),
    )
    return made


@KINDS
@pytest.mark.parametrize(
    ("name", "n", "n_val", "size", "batch_size", "hflip", "seed"),
    [
        ("relu", 100, 7, 3, 7, 0.2, 1),
        ("deepish", 50, 20, 8, 64, 1.0, 2),
        ("logistic", 9, 4, 2, 1, 0, 3),
    ],
)
def test_float32_training_is_the_lectures_to_the_bit(
    random_data, name, n, n_val, size, batch_size, hflip, seed, kind
):
    data, options = random_data(n, n_val, size, seed), {"batch_size": batch_size, "hflip": hflip}
    expected, model = (build(name, size**2, seed=seed) for _ in range(2))
    losses = train(expected, *loaders(data, **options), n_epochs=4, seed=seed)
    ours = architecture(model, data, kind=kind, **options)
    ours.train(4, seed=seed)
    assert (ours.losses, ours.val_losses) == losses
    assert all(map(torch.equal, model.parameters(), expected.parameters()))


def test_dataloaders_train_with_dropout_and_validate_without_it(lecture_data):
    def fresh():
        torch.manual_seed(1)
        return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(25, 1), nn.Sigmoid())

    batches, model = loaders(lecture_data, batch_size=16, hflip=0.5), fresh()
    ours = Architecture(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=0.1))
    ours.set_loaders(*batches)
    ours.train(2, seed=3)
    assert (ours.losses, ours.val_losses) == train(fresh(), *batches, n_epochs=2, seed=3)


def test_training_works_without_validation_and_sampler(lecture_data):
    model, data = build("logistic", 25), lecture_data
    ours = Architecture(model, nn.BCELoss(), optim.Adam(model.parameters()))
    dataset = TensorDataset(PREPARED(data.images), data.labels.float()[:, None])
    ours.set_loaders(DataLoader(dataset, 16, shuffle=True))
    seen = []
    ours.train(5, on_epoch=lambda *losses: seen.append(losses))
    assert ours.losses[-1] < ours.losses[0]
    assert ours.val_losses == []
    assert seen == [(loss, None) for loss in ours.losses]


def test_a_restored_checkpoint_goes_on_as_if_never_stopped(lecture_data, tmp_path):
    def fresh(seed):
        torch.manual_seed(seed)
        layers = nn.Flatten(), nn.BatchNorm1d(25, affine=False), nn.Linear(25, 1), nn.Sigmoid()
        result = architecture(nn.Sequential(*layers).double(), lecture_data)
        result.optimizer = optim.Adam(result.model.parameters(), lr=0.01)
        return result

    through, stopped, resumed = fresh(1), fresh(1), fresh(2)
    through.train(2, seed=1)
    through.train(3, seed=2)
    stopped.train(2, seed=1)
    stopped.save_checkpoint(tmp_path / "new folder" / "checkpoint.pt")
    resumed.load_checkpoint(tmp_path / "new folder" / "checkpoint.pt")
    resumed.train(3, seed=2)
    assert (resumed.losses, resumed.val_losses) == (through.losses, through.val_losses)
    for ours, expected in zip(
        resumed.model.state_dict().values(), through.model.state_dict().values(), strict=True
    ):
        assert ours.dtype == expected.dtype
        assert torch.equal(ours, expected)


class Code:
    """What unpickling this does: it runs code."""

    def __reduce__(self):
        return pytest.fail, ("code was run",)


WEIGHTS = build("logistic", 25).state_dict()


def logistic(seed, optimizer=optim.Adam):
    model = build("logistic", 25, seed=seed)
    return Architecture(model, nn.BCELoss(), optimizer(model.parameters(), lr=0.1))


def test_a_checkpoint_of_the_course_goes_on_with_its_losses(lecture_data, tmp_path):
    saved = logistic(1)
    saved.set_loaders(architecture(saved.model, lecture_data).train_loader)
    saved.train(2)
    weights, state = saved.model.state_dict(), saved.optimizer.state_dict()
    checkpoint = {"epoch": 2, "model_state_dict": weights, "optimizer_state_dict": state}
    checkpoint |= {"loss": [np.mean([0.7]), np.float64(0.6)], "val_loss": [None, np.mean([0.5])]}
    torch.save(checkpoint, tmp_path / "checkpoint.pt")
    ours = logistic(2)
    ours.load_checkpoint(tmp_path / "checkpoint.pt")
    assert (ours.losses, ours.val_losses) == ([0.7, 0.6], [0.5])
    assert {type(x) for x in ours.losses + ours.val_losses} == {float}
    ours.set_loaders(saved.train_loader)
    for each in (ours, saved):
        each.train(1)
    assert torch.equal(ours.model.output.weight, saved.model.output.weight)


@pytest.mark.parametrize("prefix", ["", "_orig_mod.module."])
def test_a_plain_state_dict_is_loaded_whatever_wrapped_its_model(tmp_path, prefix):
    saved = WEIGHTS["output.weight"]
    torch.save({f"{prefix}output.weight": saved}, tmp_path / "weights.pt")
    ours, wrapped = logistic(2), nn.Sequential()
    wrapped.add_module("module", logistic(2).model)
    ours.losses, ours.val_losses = [0.7], [0.7]
    for model in (ours.model, wrapped):
        ours.model = model
        ours.load_checkpoint(tmp_path / "weights.pt")
        (weight,) = model.parameters()
        assert torch.equal(weight, saved)
    assert (ours.losses, ours.val_losses, ours.total_epochs) == ([], [], 0)


NO_CHECKPOINTS = {
    "code": lambda path: torch.save({"model": Code()}, path),
    "another shape": lambda path: torch.save(build("logistic", 36).state_dict(), path),
    "Adam's": lambda path: logistic(1).save_checkpoint(path),
}


@pytest.mark.parametrize("write", NO_CHECKPOINTS.values(), ids=NO_CHECKPOINTS)
def test_what_is_no_checkpoint_is_told_in_one_line_and_changes_nothing(tmp_path, write):
    path, ours = tmp_path / "checkpoint.pt", logistic(1, optim.SGD)
    write(path)
    before, settings = ours.model.output.weight.clone(), ours.optimizer.state_dict()
    with pytest.raises(InputError) as caught:
        ours.load_checkpoint(path)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{path}: expected a checkpoint of this model, found: ")
    assert torch.equal(ours.model.output.weight, before)
    assert ours.optimizer.state_dict() == settings


@KINDS
def test_weights_that_do_not_stay_finite_are_told_by_the_key_of_their_rate(kind):
    model = network([25, 64, 64, 1], seed=1, dtype=torch.float64)
    ours = kind(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=1e200))
    x = torch.randn(16, 1, 5, 5, dtype=torch.float64)
    ours.set_loaders([(x, torch.ones(16, 1, dtype=torch.float64))])
    with (
        pytest.raises(InputError, match=r"^params\.yaml: some\.lr: expected weights that stay"),
        divergence.finite(model, "params.yaml: some.lr", 1e200),
    ):
        ours.train(5)


def test_predictions_are_the_models_without_training_it(lecture_data):
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(25, 1), nn.Sigmoid())
    ours = Architecture(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=0.1))
    x = PREPARED(lecture_data.images)
    first, second = ours.predict(x), ours.predict(x.numpy())
    assert isinstance(first, np.ndarray)
    np.testing.assert_array_equal(first, second)
