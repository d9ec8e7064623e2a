"""What stages hand on comes back, and what does not fit together is told."""

import numpy as np
import pytest

from diagonal.errors import InputError
from diagonal.pipeline import data, files
from diagonal.pipeline.data import Patterns

PATTERNS = Patterns(
    images=np.arange(12, dtype=np.uint8).reshape(3, 1, 2, 2),
    x=np.arange(12, dtype=np.float32).reshape(3, 1, 2, 2),
    labels=np.array([0, 1, 1]),
    train=np.array([5, 0, 2]),
    val=np.array([1, 0, 0]),
    population=np.array([2, 1, 0]),
    place=np.array([0, 1, -1]),
)


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def assert_equal(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


def test_patterns_come_back_each_column_under_its_name():
    files.write_tensors(data.PATTERNS, PATTERNS._asdict())
    assert_equal(data.read_patterns(), PATTERNS)


def test_models_are_judged_on_what_is_known():
    assert_equal(PATTERNS.eval_sets().values(), (PATTERNS.val, PATTERNS.population))
    unknown = PATTERNS._replace(population=np.zeros(3, np.int64))
    assert list(unknown.eval_sets()) == ["validation"]


@pytest.mark.parametrize(
    "columns",
    [
        {"labels": np.zeros(1)},
        PATTERNS._asdict() | {"x": PATTERNS.x * np.nan},
        PATTERNS._asdict() | {"val": PATTERNS.val.astype(np.int32)},
    ],
    ids=["others", "NaN", "another type"],
)
def test_tensors_that_are_no_patterns_are_refused_in_a_line(columns):
    files.write_tensors(data.PATTERNS, columns)
    with pytest.raises(InputError, match=rf"^{data.PATTERNS}: expected [^\n]*, found others$"):
        data.read_patterns()


def test_there_are_as_many_weights_as_training_images():
    files.write_array(data.WEIGHTS, np.array([0, 0.5, 2]))
    assert data.read_weights(3).tolist() == [0, 0.5, 2]
    with pytest.raises(InputError, match="expected 4 weights, found 3"):
        data.read_weights(4)
