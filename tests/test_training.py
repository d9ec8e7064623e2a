import os

import numpy as np
import pytest
import torch
from lecture_loop import loaders, train
from safetensors.torch import save_file
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

from diagonal.pipeline.errors import InputError
from diagonal.pipeline.models import MODELS
from diagonal.pipeline.transforms import scale_and_normalize
from diagonal.training.architecture import Architecture
from diagonal.training.batches import Batches
from diagonal.training.descent import Descent
from diagonal.training.models import network
from diagonal.training.sampling import make_balanced_sampler

PREPARED = scale_and_normalize(0.5, 0.5)
# lecture-facts: epochs, then loss and val_loss of the first and of the last epoch, accuracy
LECTURE = {
    "logistic": (100, "0.698373 0.652573 0.515938 0.543607", 0.65),
    "deepish": (100, "0.698251 0.661803 0.517853 0.550928", 0.65),
    "relu": (50, "0.697113 0.693407 0.262673 0.194797", 1.0),
}
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
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
@DTYPES
@pytest.mark.parametrize("name", LECTURE)
def test_the_lectures_losses_come_out(lecture_data, name, dtype, kind):
    n_epochs, losses, accuracy = LECTURE[name]
    ours = architecture(build(name, 25, dtype), lecture_data, kind=kind)
    ours.train(n_epochs, seed=42)
    found = (ours.losses[0], ours.val_losses[0], ours.losses[-1], ours.val_losses[-1])
    assert " ".join(f"{loss:.6f}" for loss in found) == losses
    val = lecture_data.val
    predicted = ours.predict(PREPARED(lecture_data.images[val]))[:, 0] > 0.5
    assert (predicted == lecture_data.labels[val].numpy()).mean() == pytest.approx(accuracy)


@KINDS
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
    random_data, name, n, n_val, size, batch_size, hflip, seed, kind
):
    data, options = random_data(n, n_val, size, seed), {"batch_size": batch_size, "hflip": hflip}
    expected, model = (build(name, size**2, seed=seed) for _ in range(2))
    losses = train(expected, *loaders(data, **options), n_epochs=4, seed=seed)
    ours = architecture(model, data, kind=kind, **options)
    ours.train(4, seed=seed)
    assert (ours.losses, ours.val_losses) == losses
    assert all(map(torch.equal, model.parameters(), expected.parameters()))


@DTYPES
def test_losses_collected_in_pieces_have_the_same_mean(lecture_data, monkeypatch, dtype):
    whole, pieces = (architecture(build("relu", 25, dtype), lecture_data) for _ in range(2))
    whole.train(3)
    monkeypatch.setattr("diagonal.training.architecture.AT_ONCE", 4)
    pieces.train(3)
    assert pieces.losses == whole.losses
    assert pieces.val_losses == whole.val_losses


@KINDS
def test_a_dataloader_trains_as_well(lecture_data, kind):
    ours, theirs = (architecture(build("relu", 25), lecture_data, kind=kind) for _ in range(2))
    theirs.set_loaders(*loaders(lecture_data, batch_size=16, hflip=0.5))
    for each in (ours, theirs):
        each.train(3)
    assert (ours.losses, ours.val_losses) == (theirs.losses, theirs.val_losses)
    assert all(map(torch.equal, ours.model.parameters(), theirs.model.parameters()))


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


OPTIMIZERS = {
    "sgd": lambda weights: optim.SGD(weights, lr=0.1),
    "momentum": lambda weights: optim.SGD(weights, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda weights: optim.Adam(weights, lr=0.01),
    "tensors": lambda weights: optim.Adam(
        weights, torch.tensor(0.01), (torch.tensor(0.9), torch.tensor(0.99)), foreach=False
    ),
    "two groups": lambda weights: optim.Adam(
        [{"params": [weight], "lr": lr} for weight, lr in zip(weights, (0.01, 0.1), strict=True)]
    ),
}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_restored_checkpoint_goes_on_as_if_never_stopped(
    lecture_data, tmp_path, optimizer, dtype
):
    def fresh(seed):
        torch.manual_seed(seed)
        layers = nn.Flatten(), nn.BatchNorm1d(25, affine=False), nn.Linear(25, 1), nn.Sigmoid()
        result = architecture(nn.Sequential(*layers).to(dtype), lecture_data)
        result.optimizer = optimizer(list(result.model.parameters()))
        return result

    through, stopped, resumed = fresh(1), fresh(1), fresh(2)
    through.train(2, seed=1)
    through.train(3, seed=2)
    stopped.train(2, seed=1)
    stopped.save_checkpoint(tmp_path / "new folder" / "checkpoint.pt")
    resumed.load_checkpoint(tmp_path / "new folder" / "checkpoint.pt")
    resumed.train(3, seed=2)
    assert resumed.losses == through.losses
    assert resumed.val_losses == through.val_losses
    for ours, expected in zip(
        resumed.model.state_dict().values(), through.model.state_dict().values(), strict=True
    ):
        assert ours.dtype == expected.dtype
        assert torch.equal(ours, expected)


def logistic(seed):
    torch.manual_seed(seed)
    model = build("logistic", 25)
    return Architecture(model, nn.BCELoss(), optim.Adam(model.parameters()))


def test_a_plain_state_dict_is_loaded_and_losses_start_anew(tmp_path):
    saved, ours = logistic(1), logistic(2)
    torch.save(saved.model.state_dict(), tmp_path / "weights.pt")
    ours.losses, ours.val_losses = [0.7], [0.7]
    ours.load_checkpoint(tmp_path / "weights.pt")
    assert torch.equal(ours.model.output.weight, saved.model.output.weight)
    assert (ours.losses, ours.val_losses, ours.total_epochs) == ([], [], 0)


@pytest.mark.parametrize("val_losses", [[np.mean([0.7, 0.5]), np.mean([0.5])], [None, None]])
def test_the_courses_checkpoint_is_loaded_though_its_losses_are_numpys(
    lecture_data, tmp_path, val_losses
):
    saved, ours = logistic(1), logistic(2)
    saved.set_loaders(architecture(saved.model, lecture_data).train_loader)
    saved.train(2)
    checkpoint = {
        "epoch": 2,
        "model_state_dict": saved.model.state_dict(),
        "optimizer_state_dict": saved.optimizer.state_dict(),
        "loss": [np.mean([loss]) for loss in saved.losses],  # as the course computes them
        "val_loss": val_losses,
    }
    torch.save(checkpoint, tmp_path / "checkpoint.pt")
    ours.load_checkpoint(tmp_path / "checkpoint.pt")
    assert torch.equal(ours.model.output.weight, saved.model.output.weight)
    assert (ours.losses, ours.total_epochs) == (saved.losses, 2)
    assert ours.val_losses == ([] if val_losses[0] is None else val_losses)
    saved.train(1)
    ours.set_loaders(saved.train_loader)
    ours.train(1)
    assert torch.equal(ours.model.output.weight, saved.model.output.weight)


def write_tensors(path):
    torch.save({"model": {"weight": torch.ones(1)}}, path)


def write_a_list(path):
    torch.save([1, 2], path)


class Code:
    """What unpickling this does: it makes a folder."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def write_code(path):
    torch.save({"model": Code(path.with_name("made"))}, path)


def truncate(path):
    torch.save({"model": torch.ones(100)}, path)
    path.write_bytes(path.read_bytes()[:500])


def write_a_smaller_models(path):
    torch.save(build("logistic", 9).state_dict(), path)


def write_a_larger_models(path):
    torch.save(build("logistic", 36).state_dict(), path)


def write_another_optimizers(path):
    torch.save(
        {
            "model_state_dict": build("logistic", 25).state_dict(),
            "optimizer_state_dict": {"state": {}, "param_groups": []},
            "loss": [],
            "val_loss": [],
        },
        path,
    )


def write_another_kind_of_optimizers(path):
    logistic(1).save_checkpoint(path)  # Adam's


def write_momentum_of_another_shape(path):
    model = build("logistic", 25)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    optimizer.state[model.output.weight]["momentum_buffer"] = torch.ones(3)
    Architecture(model, nn.BCELoss(), optimizer).save_checkpoint(path)


def write_a_stages_output(path):
    save_file(build("logistic", 25).state_dict(), path)


NO_CHECKPOINTS = {
    "a .safetensors": write_a_stages_output,
    "a smaller model's": write_a_smaller_models,
    "a larger model's": write_a_larger_models,
    "another optimizer's": write_another_optimizers,
    "another kind of optimizer's": write_another_kind_of_optimizers,
    "momentum of another shape": write_momentum_of_another_shape,
    "missing": lambda path: None,
    "a folder": lambda path: path.mkdir(),
    "empty": lambda path: path.touch(),
    "text": lambda path: path.write_text("epoch,loss\n1,0.5\n"),
    "truncated": truncate,
    "other tensors": write_tensors,
    "a list": write_a_list,
    "code": write_code,
}


@pytest.mark.parametrize("write", NO_CHECKPOINTS.values(), ids=NO_CHECKPOINTS)
def test_what_is_no_checkpoint_is_told_in_one_line_and_changes_nothing(tmp_path, write):
    path, model = tmp_path / "checkpoint.pt", build("logistic", 25)
    write(path)
    ours = Architecture(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=0.1))
    before, settings = model.output.weight.clone(), ours.optimizer.state_dict()
    with pytest.raises(InputError) as caught:
        ours.load_checkpoint(path)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{path}: expected ")
    assert ", found" in line
    assert torch.equal(model.output.weight, before)
    assert ours.optimizer.state_dict() == settings
    assert list(tmp_path.iterdir()) in ([path], [])


def test_predictions_are_the_models_without_training_it(lecture_data):
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(25, 1), nn.Sigmoid())
    ours = Architecture(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=0.1))
    x = PREPARED(lecture_data.images)
    first, second = ours.predict(x), ours.predict(x.numpy())
    assert isinstance(first, np.ndarray)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("name", "parameters"), [("logistic", 25), ("deepish", 143), ("relu", 143)]
)
def test_parameters_are_counted(name, parameters):
    model = build(name, 25)
    ours = Architecture(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=0.1))
    assert ours.count_parameters() == parameters
    model[1].weight.requires_grad = False
    assert ours.count_parameters() < parameters


def test_a_seed_decides_the_run(lecture_data):
    def losses(seed):
        ours = architecture(build("logistic", 25), lecture_data)
        ours.train(2, seed=seed)
        return ours.losses

    assert losses(1) == losses(1)
    assert losses(1) != losses(2)
