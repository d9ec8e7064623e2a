"""The bonus chapter: its data, its networks, and what their spaces look like."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from diagonal.training.models import network
from study import parabolas
from study.bonus import spaces as module
from study.bonus.points import curves, generate_dataset
from study.params import load_study_params

ROOT = Path(__file__).parents[1]
PARAMS = load_study_params().parabolas
torch.set_num_threads(1)  # on matrices this small, threads would wait for each other


def build(hidden, kind, seed):
    return network([2, *hidden, 1], kind, bias=True, seed=seed, dtype=torch.float64)


def test_the_data_are_two_shuffled_parabolas():
    x, y = generate_dataset(1000, 13)
    assert x.shape == (2000, 2) and y.shape == (2000, 1)
    for label, shift in ((0, 0), (1, 0.5)):
        mine = x[y[:, 0] == label]
        np.testing.assert_allclose(mine[:, 1], mine[:, 0] ** 2 - shift, atol=1e-12)
        np.testing.assert_allclose(np.sort(mine[:, 0]), np.linspace(-1, 1, 1000), atol=1e-12)
    order = np.random.RandomState(13).permutation(2000)
    np.testing.assert_array_equal(y[:, 0], order >= 1000)


def test_training_keeps_the_epochs_that_are_shown_and_follows_torchs_own_loop():
    x, y = generate_dataset(40, 13)
    model = build([2], "tanh", seed=4)
    history = module.train(model, x, y, lr=0.3, momentum=0.9, n_epochs=5)
    assert list(history) == [0, 1, 2, 3, 4, 5]

    plain = build([2], "tanh", seed=4)
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.3, momentum=0.9)
    for _ in range(5):
        loss = torch.nn.functional.binary_cross_entropy(
            plain(torch.from_numpy(x)), torch.from_numpy(y)
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for name, weight in plain.state_dict().items():
        assert torch.allclose(history[5][name], weight, atol=1e-6)
        assert not torch.equal(history[0][name], history[5][name])
    probability, labels = plain(torch.from_numpy(x)).detach().numpy(), y == 1
    right, loss = module.accuracy_and_loss(plain, x, y)
    assert right == ((probability > 0.5) == labels).mean()
    assert loss == pytest.approx(-np.log(np.where(labels, probability, 1 - probability)).mean())


@pytest.mark.parametrize("kind", ["none", "tanh"])
def test_spaces_are_where_layers_put_points_and_regions_what_the_network_says_there(kind):
    x, y = generate_dataset(200, 13)
    model = build([5, 2], kind, seed=4)
    history = module.train(model, x, y, lr=0.3, momentum=0.9, n_epochs=150)
    assert len(history) == 21
    shown, boxes = module.spaces(model, [history[150]], n_points=30)
    points = torch.from_numpy(curves(30))
    says = (model[1:](points) > 0.5)[..., 0].numpy()
    ends = {"input": 1, "affine": -2 - (kind != "none"), "activation": -2}
    assert list(boxes) == list(ends)[: 2 if kind == "none" else 3]
    for name, box in boxes.items():
        space = shown[0][name]
        placed = model[1 : ends[name]](points).detach().numpy()
        np.testing.assert_allclose(space.curves * space.largest, placed, atol=1e-5)
        assert abs(space.curves).max() == 1
        cells = (space.curves - box[0]) / (box[1] - box[0]) * (module.SIDE - 1)
        columns, rows = np.round(cells).astype(int).transpose(2, 0, 1)
        assert (space.lower[rows, columns] == says).mean() > 0.95, name


NETWORKS = dict(PARAMS.networks)


def metrics(folder):
    return json.loads((folder / "study/metrics/parabolas.json").read_text())


@pytest.mark.parametrize("names", [["wider"], pytest.param([*NETWORKS], marks=pytest.mark.slow)])
def test_the_stage_makes_the_committed_files_again(names, tmp_path, monkeypatch):
    some = PARAMS.model_copy(update={"networks": [(name, NETWORKS[name]) for name in names]})
    monkeypatch.setattr(parabolas, "load_study_params", lambda: SimpleNamespace(parabolas=some))
    monkeypatch.chdir(tmp_path)
    parabolas.main()
    assert metrics(tmp_path) == {name: metrics(ROOT)[name] for name in names}
    made = [*tmp_path.glob("study/plots/parabolas/*")]
    assert len(made) == 2 * len(names)
    for path in made:
        assert path.read_bytes() == (ROOT / path.relative_to(tmp_path)).read_bytes(), path.name
