"""params.yaml and study/params.yaml: what they hold, what is refused, and in which words."""

import contextlib
from pathlib import Path

import pytest
from conftest import write_params
from dvc.utils.serialize import load_yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.difference import flat
from diagonal.errors import InputError
from diagonal.pipeline.params import Params, load_params
from study.params import StudyParams

ROOT = Path(__file__).parents[1]
LECTURE, STUDY = ((ROOT / name).read_text() for name in ("params.yaml", "study/params.yaml"))
FILES = {Params: LECTURE, StudyParams: STUDY}


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Load a file `params.yaml` of this content with a schema."""
    monkeypatch.chdir(tmp_path)

    def load(content, schema=Params):
        content = content.encode() if isinstance(content, str) else content
        Path("params.yaml").write_bytes(content)
        return load_params(schema=schema)

    return load


# What is refused

REFUSED = {  # what is replaced in params.yaml, by what -> what a user reads
    ("hflip: 0.5", "hflp: 0.5"): (
        "transforms.hflip: Field required",
        "transforms.hflp: Extra inputs are not permitted, found 0.5",
    ),
    ("  n_images: 300\n", "  n_images: 300\n  n_images: 3\n"): (
        "expected a YAML file, found: while constructing a mapping",
    ),
    ("n_images: 300", "n_images: true"): (
        "generate.n_images: Input should be a valid integer, found True",
    ),
    ("lr: 0.1", "lr: .nan"): ("train_logistic.lr: Input should be a finite number, found nan",),
    ("group_by: image", "unit: orbit"): (
        "split.group_by: Field required",
        "split.unit: unit is now group_by, and its value orbit is now mirror_group",
    ),
    (LECTURE, "# a comment alone"): ("the file: Input should be a valid dictionary",),
}  # fmt: skip


@pytest.mark.parametrize(("change", "messages"), REFUSED.items(), ids=[k[1] for k in REFUSED])
def test_a_bad_value_gets_a_line_with_its_key(load, change, messages):
    assert change[0] in LECTURE
    with pytest.raises(InputError) as caught:
        load(LECTURE.replace(*change, 1))
    lines = str(caught.value).splitlines()
    for line, message in zip(lines, messages, strict=True):
        assert line.startswith(f"params.yaml: {message}")


def test_the_studys_rules_are_told_by_their_keys(load):
    for old, new, message in (
        ("hidden: [10, 2]", "hidden: [2, 10]", "2 units in the last hidden layer"),
        ("patience: 50", "patience: 500", "more than patience, 500, found 500"),
    ):
        assert old in STUDY
        with pytest.raises(InputError, match=message):
            load(STUDY.replace(old, new), StudyParams)


EDGES = {  # of each kind of value a key: what is at its edges, and beyond
    "generate.img_size": ((2, 256), (1, 257)),
    "generate.seed": ((0, 2**32 - 1), (-1, 2**32)),
    "transforms.hflip": ((0, 1), (-0.1, 1.1)),
    "train.launch": (("python", "torchrun --standalone"), ("", "python -O", "torchrun")),
    "train_relu.lr": ((1e-6, 10), (0, 10.1, float("inf"))),
    "train_relu.hidden": (([1], [65_536] * 32), ([], [1] * 33, [65_537])),
    "seeds.n": ((2, 2**31 - 1), (1, 2**31)),
    "parabolas.momentum": ((0, 0.99), (-0.1, 1)),
    "claims.n": ((2, 65_536), (1, 65_537)),
    "claims.baseline.img_size": ((3, 16), (2, 17)),
    "claims.dead_units.leaks": (([10, 0.1],), ([], [0], [10.1])),
    "claims.parabolas.depths": (([1], [32] * 10), ([], [0], [33], [1] * 11)),
    "claims.bias.n_epochs": (([1, 100_000],), ([1], [1, 2, 3], [0, 1])),
}


@pytest.mark.parametrize("key", EDGES)
def test_a_range_ends_where_it_says(tmp_path, key):
    schema = Params if key.split(".")[0] in Params.model_fields else StudyParams
    path, (within, beyond) = tmp_path / "params.yaml", EDGES[key]
    for value in (*within, *beyond):
        path.write_text(FILES[schema])
        write_params(path, {key: value})
        if value in within:
            load_params(path, schema)
        else:
            with pytest.raises(InputError, match=rf"^{path}: {key}"):
                load_params(path, schema)


KEYS = sorted(flat(load_yaml(ROOT / "params.yaml")))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=3), parts),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None)
@given(key=st.sampled_from(KEYS), value=VALUES)
def test_whatever_a_key_holds_nothing_but_an_input_error_comes_out(tmp_path_factory, key, value):
    path = tmp_path_factory.getbasetemp() / "fuzzed.yaml"
    path.write_text(LECTURE)
    write_params(path, {key: value})
    with contextlib.suppress(InputError):
        load_params(path)


@pytest.mark.parametrize("number", ["1e-3", "1_0", "07"])
def test_numbers_are_read_as_dvc_reads_them(load, number):
    text = LECTURE.replace("lr: 0.1", f"lr: {number}")
    try:
        found = load(text).train_relu.lr
    except InputError as err:
        assert f"found '{number}'" in str(err)
        found = number
    assert load_yaml("params.yaml")["train_relu"]["lr"] == found
