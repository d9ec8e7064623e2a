import math
from pathlib import Path
from typing import Annotated

import pytest
from dvc.utils.serialize import load_yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from diagonal.pipeline import params
from diagonal.pipeline.errors import InputError
from diagonal.pipeline.params import load_params

ROOT = Path(__file__).parents[1]
LECTURE = (ROOT / "params.yaml").read_text()


def test_params_are_the_lectures():
    params = load_params(ROOT / "params.yaml").model_dump()
    del params["feature_space"], params["parabolas"], params["claims"]
    deep = {"lr": 0.1, "seed": 17, "hidden": (5, 3)}
    assert params == {
        "device": "cpu",
        "generate": {"img_size": 5, "n_images": 300, "seed": 13},
        "split": {"ratios": (80, 20), "seed": 13, "unit": "image"},
        "transforms": {"mean": 0.5, "std": 0.5, "hflip": 0.5},
        "balance": {"strategy": "inverse_frequency"},
        "train": {"batch_size": 16, "seed": 42, "precision": "float64", "launch": "python"},
        "train_logistic": {"lr": 0.1, "n_epochs": 100, "seed": 17},
        "train_deepish": {"n_epochs": 100, **deep},
        "train_relu": {"n_epochs": 50, **deep},
        "seeds": {"n": 256, "first": 0},
        "evaluate": {"threshold": 0.5, "tta": "none"},
    }


def test_params_cannot_be_changed():
    params = load_params(ROOT / "params.yaml")
    with pytest.raises(ValidationError, match="frozen"):
        params.train_relu.lr = 1.0


RANGES = {  # type or key -> least and largest number; of a list, how short and how long it may be
    params.Seed: (0, 2**32 - 1),
    params.Count: (1, 1_000_000),
    params.Members: (2, 65_536),
    params.Epochs: (1, 100_000),
    params.Width: (1, 65_536),
    params.Depth: (1, 32),
    params.LearningRate: (1e-6, 10.0),
    params.Ratio: (1e-3, 1e6),
    params.Leak: (math.ulp(0), 10.0),
    params.Slope: (-10.0, 10.0),
    params.Probability: (0.0, 1.0),
    params.Momentum: (0.0, math.nextafter(1, 0)),
    params.TwoEpochs: ([1] * 2, [1] * 2),
    params.LayerSizes: ([1], [1] * 32),
    params.Depths: ([1], [1] * 10),
    "generate.img_size": (2, 256),
    "generate.n_images": (1, 10**9),
    "split.ratios": ([1.0] * 2, [1.0] * 2),
    "transforms.mean": (-10.0, 10.0),
    "transforms.std": (0.01, 100.0),
    "seeds.n": (2, 2**31 - 1),
    "seeds.first": (0, 2**31 - 1),
    "feature_space.z_max": (0.1, 100.0),
    "parabolas.n_points": (2, 100_000),
    "claims.baseline.img_size": (3, 16),
    "claims.baseline.n_images": (20, 10_000),
    "claims.baseline.batch_size": (1, 10_000),
    "claims.activations.converged": (math.ulp(0), 100.0),
    "claims.augmentation.split_seeds": (2, 1000),
    "claims.augmentation.seeds_per_split": (1, 1000),
    "claims.variation.levels": (2, 256),
    "claims.one_matrix.n_shown": (2, 1000),
    "claims.parabolas.n_points": (2, 1000),
    "claims.parabolas.widths": ([1], [1] * 10),
}


def type_of(key: str) -> TypeAdapter:
    section: type[BaseModel] = params.Params
    *parents, name = key.split(".")
    for parent in parents:
        section = section.model_fields[parent].annotation
    field = section.model_fields[name]
    return TypeAdapter(Annotated[field.annotation, *field.metadata])


@pytest.mark.parametrize(("what", "ends"), RANGES.items(), ids=str)
def test_a_range_ends_where_it_says(what, ends):
    admits = type_of(what) if isinstance(what, str) else TypeAdapter(what)
    for end, beyond in zip(ends, (-1, 1), strict=True):
        admits.validate_python(end)
        if isinstance(end, list):
            outside = end + end[:1] if beyond > 0 else end[1:]
        elif isinstance(end, float):
            outside = math.nextafter(end, math.copysign(math.inf, beyond))
        else:
            outside = end + beyond
        with pytest.raises(ValidationError):
            admits.validate_python(outside)


BAD = {
    # what is replaced -> (by what, the line that tells)
    "a misspelt key": (
        "hflip: 0.5",
        "hflp: 0.5",
        "transforms.hflp: expected the key hflip, found this one",
    ),
    "a misspelt section": (
        "evaluate:",
        "evalate:",
        "evalate: expected the key evaluate, found this one",
    ),
    "a key too many": (
        "  lr: 0.1",
        "  momentum: 0.9\n  lr: 0.1",
        "train_logistic.momentum: expected the key lr or n_epochs or seed, found this one",
    ),
    "a hidden layer that cannot be drawn": (
        "hidden: [10, 2]",
        "hidden: [2, 10]",
        "parabolas.networks.wider.hidden: expected 2 units in the last hidden layer, found [2, 10]",
    ),
    "a missing key": ("  n_images: 300\n", "", "generate.n_images: expected this key, found none"),
    "a key given twice": (
        "  n_images: 300",
        "  n_images: 300\n  n_images: 3",
        "expected a YAML file, found: found duplicate key "
        '"n_images" with value "3" (original value: "300") (line 8, column 3)',
    ),
    "no YAML": (
        "ratios: [80, 20]",
        "ratios: [80, 20",
        "expected a YAML file, found: expected ',' or ']', but got '<scalar>' (line 12, column 3)",
    ),
    "a word for a number": (
        "lr: 0.1",
        "lr: fast",
        "train_logistic.lr: expected a valid number, found 'fast'",
    ),
    "a fraction for a count": (
        "n_images: 300",
        "n_images: 300.5",
        "generate.n_images: expected a valid integer, found 300.5",
    ),
    "true for a count": (
        "n_images: 300",
        "n_images: true",
        "generate.n_images: expected a valid integer, found True",
    ),
    "no image": (
        "n_images: 300",
        "n_images: 0",
        "generate.n_images: expected greater than or equal to 1, found 0",
    ),
    "a pixel for an image": (
        "img_size: 5",
        "img_size: 1",
        "generate.img_size: expected greater than or equal to 2, found 1",
    ),
    "an image whose lines do not fit into memory": (
        "img_size: 5",
        "img_size: 5000",
        "generate.img_size: expected less than or equal to 256, found 5000",
    ),
    "a seed that NumPy refuses": (
        "seed: 13",
        "seed: 4294967296",
        "generate.seed: expected less than 4294967296, found 4294967296",
    ),
    "one ratio": (
        "ratios: [80, 20]",
        "ratios: [80]",
        "split.ratios: expected a list of at least 2, found [80]",
    ),
    "three ratios": (
        "ratios: [80, 20]",
        "ratios: [80, 10, 10]",
        "split.ratios: expected a list of at most 2, found [80, 10, 10]",
    ),
    "a ratio of nothing": (
        "ratios: [80, 20]",
        "ratios: [80, 0]",
        "split.ratios.1: expected greater than or equal to 0.001, found 0",
    ),
    "ratios that are no list": (
        "ratios: [80, 20]",
        "ratios: 80",
        "split.ratios: expected a list, found 80",
    ),
    "std 0": (
        "std: 0.5",
        "std: 0",
        "transforms.std: expected greater than or equal to 0.01, found 0",
    ),
    "a flip that is no probability": (
        "hflip: 0.5",
        "hflip: 1.5",
        "transforms.hflip: expected less than or equal to 1, found 1.5",
    ),
    "a number that is none": (
        "lr: 0.1",
        "lr: .nan",
        "train_logistic.lr: expected a finite number, found nan",
    ),
    "an unknown unit": (
        "unit: image",
        "unit: line",
        "split.unit: expected 'image', 'pattern' or 'orbit', found 'line'",
    ),
    "an unknown strategy": (
        "strategy: inverse_frequency",
        "strategy: undersample",
        "balance.strategy: expected 'inverse_frequency' or 'none', found 'undersample'",
    ),
    "an unknown test-time augmentation": (
        "tta: none",
        "tta: vflip",
        "evaluate.tta: expected 'none' or 'hflip', found 'vflip'",
    ),
    "an unknown precision": (
        "precision: float64",
        "precision: float16",
        "train.precision: expected 'float64' or 'float32', found 'float16'",
    ),
    "an unknown device": (
        "device: cpu",
        "device: gpu",
        "device: expected cpu, cuda, cuda:N, mps or auto, found 'gpu'",
    ),
    "an unknown program": (
        "launch: python",
        "launch: mpirun -n 2",
        "train.launch: expected python, or torchrun and its options, found 'mpirun -n 2'",
    ),
    "python with options": (
        "launch: python",
        "launch: python -O",
        "train.launch: expected python, or torchrun and its options, found 'python -O'",
    ),
    "nothing to launch with": (
        "launch: python",
        "launch: ''",
        "train.launch: expected python, or torchrun and its options, found ''",
    ),
    "torchrun alone": (
        "launch: python",
        "launch: torchrun",
        "train.launch: expected python, or torchrun and its options, found 'torchrun'",
    ),
    "no hidden layer": (
        "hidden: [5, 3]",
        "hidden: []",
        "train_deepish.hidden: expected a list of at least 1, found []",
    ),
    "a hidden layer without units": (
        "hidden: [5, 3]",
        "hidden: [5, 0]",
        "train_deepish.hidden.1: expected greater than or equal to 1, found 0",
    ),
    "a section without keys": (
        "balance:\n  strategy",
        "balance:\n#",
        "balance: expected keys with values, found None",
    ),
}


@pytest.mark.parametrize(("old", "new", "message"), BAD.values(), ids=BAD.keys())
def test_bad_params_get_one_line_that_names_key_expected_and_found(tmp_path, old, new, message):
    assert old in LECTURE
    path = tmp_path / "params.yaml"
    path.write_text(LECTURE.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        load_params(path)
    assert str(caught.value) == f"{path}: {message}"


@pytest.mark.parametrize("options", ["--standalone", "--nnodes 2 --nproc-per-node gpu"])
def test_torchruns_options_are_its_own_to_read(tmp_path, options):
    path = tmp_path / "params.yaml"
    path.write_text(LECTURE.replace("launch: python", f"launch: torchrun {options}"))
    assert load_params(path).train.launch == f"torchrun {options}"


@pytest.mark.parametrize("text", ["", "# nothing but a comment", "[]", "5"])
def test_a_file_without_keys_is_told(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"params\.yaml: the file: expected keys with values"):
        load_params(path)


def test_every_fault_gets_its_line(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(
        LECTURE.replace("std: 0.5", "std: 0").replace("n_images: 300", "n_images: 0", 1)
    )
    with pytest.raises(InputError) as caught:
        load_params(path)
    assert len(str(caught.value).splitlines()) == 2


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.yaml: expected a YAML file, found: .*No such"):
        load_params(tmp_path / "absent.yaml")


@pytest.mark.parametrize("number", ["1e-3", "1.0e-3", "0.001", "1E-3", "1_0", "0o7", "07", "1:30"])
def test_numbers_are_read_as_dvc_reads_them(tmp_path, number):
    path = tmp_path / "params.yaml"
    path.write_text(LECTURE.replace("lr: 0.1", f"lr: {number}"))
    seen_by_dvc = load_yaml(path)["train_relu"]["lr"]
    if isinstance(seen_by_dvc, str):
        with pytest.raises(InputError, match=f"found '{number}'"):
            load_params(path)
    else:
        assert load_params(path).train_relu.lr == seen_by_dvc
