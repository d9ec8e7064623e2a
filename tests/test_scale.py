"""Stages hold what grows with the number of images, never the images; what cannot fit is told."""

import re
import shutil
from types import SimpleNamespace

import pytest

from benchmarks import scale
from checks import params as check
from diagonal.pipeline import resources
from diagonal.pipeline.errors import InputError
from diagonal.pipeline.params import load_params

IMAGES = 60_000  # of 64 x 64 pixels: 246 MB as drawn


@pytest.fixture(scope="module")
def large(project_copy):
    scale.configure(project_copy, 64, IMAGES, 256)
    return project_copy


@pytest.mark.parametrize(  # PyTorch takes 300 MiB of it, torchvision 150
    ("stage", "mebibytes"),
    [("generate", 200), ("split", 600), ("balance", 400), ("train_deepish", 600)],
)
def test_a_stage_holds_little_whatever_the_size_of_the_images(large, stage, mebibytes):
    _, memory = scale.run(stage, large)
    assert memory < mebibytes * 2**20
    if stage == "generate":
        assert (large / "data/raw/images.npy").stat().st_size > 245 * 10**6


def test_memory_that_is_not_there_is_told_in_bytes(monkeypatch):
    resources.require_memory("generate", 300)
    monkeypatch.setattr(resources, "available_memory", lambda: 2 * 2**30)
    with pytest.raises(InputError) as caught:
        resources.require_memory("split", 10**9)
    assert re.fullmatch(
        r"split: expected \d\d,\d{3},\d{3},\d{3} bytes of memory for 1,000,000,000 images, "
        r"found 2,147,483,648",
        str(caught.value),
    )


def test_the_limit_of_a_control_group_is_found(monkeypatch, tmp_path):
    free = resources.psutil.virtual_memory().available
    monkeypatch.setattr(resources, "GROUPS", tmp_path)
    assert resources.available_memory() == pytest.approx(free, rel=0.2)
    (tmp_path / "memory.max").write_text("max\n")
    assert resources.available_memory() == pytest.approx(free, rel=0.2)
    (tmp_path / "memory.max").write_text("123456789\n")
    assert resources.available_memory() == 123_456_789


def refusal(run):
    result = run("python", "-m", "checks.params")
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    return line


def test_sizes_that_cannot_work_are_refused_before_dvc_starts(project, run):
    path = project / "params.yaml"
    text = path.read_text()
    path.write_text(text.replace("n_images: 300", "n_images: 3000000000000", 1))
    assert refusal(run) == (
        "params.yaml: generate.n_images: expected less than or equal to 1000000000, "
        "found 3000000000000"
    )
    big = text.replace("n_images: 300", "n_images: 50000000", 1).replace(
        "img_size: 5", "img_size: 256", 1
    )
    path.write_text(big)
    assert re.fullmatch(
        r"params.yaml: generate.n_images: expected 6,556,000,000,000 bytes of disk for "
        r"50,000,000 images, found [\d,]+",
        refusal(run),
    )


def test_memory_that_lacks_is_told_by_the_key_of_the_images(monkeypatch):
    monkeypatch.setattr(resources, "available_memory", lambda: 2**30 + 1000)
    with pytest.raises(InputError, match=r"^params.yaml: train_logistic: expected [\d,]+ bytes of"):
        check.main()
    monkeypatch.setattr(resources, "available_memory", lambda: 2**30 + 20_000_000)
    shape = (1_000_000, 1, 2, 2)
    with pytest.raises(InputError, match=r"^here: generate: expected [\d,]+ bytes .* found"):
        check._require_room(load_params(), "here", shape)


def test_data_that_are_replaced_count_as_room(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    needed = 2 * check.data_bytes(25, 300)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=needed - 2000))
    with pytest.raises(InputError, match="bytes of disk for 300 images"):
        check._require_disk(25, 300)
    (tmp_path / "data/raw").mkdir(parents=True)
    (tmp_path / "data/raw/images.npy").write_bytes(bytes(1000))
    check._require_disk(25, 300)


def test_the_disk_is_asked_for_what_the_stages_write(small, run):
    for name in ("generate", "split", "balance"):
        assert run("python", "-m", f"stages.{name}").returncode == 0
    files = list((small / "data").rglob("*.npy"))
    written = sum(path.stat().st_size - 128 for path in files)  # bytes of a header
    assert len(files) == 5
    assert 0.95 < written / check.data_bytes(25, 60) <= 1  # validation needs no weights
