"""Training against the lecture's loop, checkpoints, and what is told of a training."""

import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import numpy as np
import pytest
import torch
from lecture_loop import loaders, train
from safetensors.torch import save_file
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

ROOT = Path(__file__).parents[1]
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


def test_a_dataloader_trains_as_well(lecture_data):
    ours, theirs = (architecture(build("relu", 25), lecture_data) for _ in range(2))
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


def logistic(seed, optimizer=optim.Adam, n_pixels=25):
    model = build("logistic", n_pixels, seed=seed)
    return Architecture(model, nn.BCELoss(), optimizer(model.parameters(), lr=0.1))


@pytest.fixture
def saved(lecture_data):
    """A model that was trained by Adam for two epochs."""
    saved = logistic(1)
    saved.set_loaders(architecture(saved.model, lecture_data).train_loader)
    saved.train(2)
    return saved


FOREIGN = {  # losses as they are saved by the course, with its validation losses, and by tutorials
    "the course's": (
        lambda losses: [np.mean([x]) for x in losses],
        [np.mean([0.7]), np.float64(1)],
    ),
    "the course's without validation": (lambda losses: [np.mean([x]) for x in losses], [None] * 2),
    "a tensor": (lambda losses: torch.tensor(losses[-1], requires_grad=True).double(), None),
}


@pytest.mark.parametrize(("losses", "val_losses"), FOREIGN.values(), ids=FOREIGN)
def test_checkpoints_of_others_go_on_with_their_losses(saved, tmp_path, losses, val_losses):
    checkpoint = {
        "epoch": 2,
        "model_state_dict": saved.model.state_dict(),
        "optimizer_state_dict": saved.optimizer.state_dict(),
        "loss": losses(saved.losses),
    }
    checkpoint |= {} if val_losses is None else {"val_loss": val_losses}
    torch.save(checkpoint, tmp_path / "checkpoint.pt")
    ours = logistic(2)
    ours.load_checkpoint(tmp_path / "checkpoint.pt")
    n_kept = 2 if isinstance(checkpoint["loss"], list) else 1
    assert ours.losses == pytest.approx(saved.losses[-n_kept:])
    assert ours.val_losses == [x for x in val_losses or [] if x is not None]
    assert {type(x) for x in ours.losses + ours.val_losses} == {float}
    ours.set_loaders(saved.train_loader)
    for each in (ours, saved):
        each.train(1)
    assert torch.equal(ours.model.output.weight, saved.model.output.weight)


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.module."])
def test_a_plain_state_dict_is_loaded_whatever_wrapped_its_model(saved, tmp_path, prefix):
    weights = {prefix + name: each for name, each in saved.model.state_dict().items()}
    torch.save(weights, tmp_path / "weights.pt")
    ours = logistic(2)
    ours.losses, ours.val_losses = [0.7], [0.7]
    ours.load_checkpoint(tmp_path / "weights.pt")
    assert torch.equal(ours.model.output.weight, saved.model.output.weight)
    assert (ours.losses, ours.val_losses, ours.total_epochs) == ([], [], 0)


def test_a_model_that_is_wrapped_itself_comes_back(tmp_path):
    def wrapped(seed):
        model = torch.nn.Sequential()
        model.add_module("module", build("logistic", 25, seed=seed))
        return Architecture(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=0.1))

    saved, ours = wrapped(1), wrapped(2)
    saved.save_checkpoint(tmp_path / "checkpoint.pt")
    ours.load_checkpoint(tmp_path / "checkpoint.pt")
    assert all(map(torch.equal, ours.model.parameters(), saved.model.parameters()))


class Code:
    """What unpickling this does: it makes a folder."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


WEIGHTS = build("logistic", 25).state_dict()
NO_CHECKPOINTS = {
    "missing": lambda path: None,
    "a table": lambda path: path.write_text("epoch,loss\n1,0.5\n"),
    "code": lambda path: torch.save({"model": Code(path.with_name("made"))}, path),
    "a stage's output": lambda path: save_file(WEIGHTS, path),
    "a key more": lambda path: torch.save({**WEIGHTS, "output.bias": torch.ones(1)}, path),
    "another shape": lambda path: torch.save(build("logistic", 36).state_dict(), path),
    "Adam's": lambda path: logistic(1).save_checkpoint(path),
    "no parameters": lambda path: torch.save(
        {"model": WEIGHTS, "optimizer": {"state": {}, "param_groups": []}}, path
    ),
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
    assert list(tmp_path.iterdir()) in ([path], [])


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


def test_an_error_that_is_no_divergence_is_left_as_it_is():
    with (
        pytest.raises(RuntimeError, match="another"),
        divergence.finite(nn.Linear(1, 1), "params.yaml: some.lr", 0.1),
    ):
        raise RuntimeError("another")


def test_no_bar_without_a_terminal_and_none_that_tqdm_is_told_not_to_show():
    code = "from diagonal.training.progress import bar; [None for _ in bar(range(9))]"

    def shown(**variables):
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, 80))
        words = [sys.executable, "-c", code]
        subprocess.run(words, cwd=ROOT, env=os.environ | variables, stderr=theirs, check=True)
        os.close(theirs)
        try:
            return os.read(ours, 1000)
        except OSError:  # nothing, and nobody left to write
            return b""
        finally:
            os.close(ours)

    assert b"9/9" in shown()
    assert shown(TQDM_DISABLE="1") == b""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    assert done.stderr == b""


def test_predictions_are_the_models_without_training_it(lecture_data):
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(25, 1), nn.Sigmoid())
    ours = Architecture(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=0.1))
    x = PREPARED(lecture_data.images)
    first, second = ours.predict(x), ours.predict(x.numpy())
    assert isinstance(first, np.ndarray)
    np.testing.assert_array_equal(first, second)


def test_parameters_are_counted():
    model = build("relu", 25)
    ours = Architecture(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=0.1))
    assert ours.count_parameters() == 143
    model[1].weight.requires_grad = False
    assert ours.count_parameters() == 18
