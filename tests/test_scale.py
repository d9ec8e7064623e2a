"""A stage never holds all images, and what does not fit into memory or on the disk is refused."""

import re

import pytest
from conftest import write_params

from benchmarks import scale
from checks import params as check
from diagonal.errors import InputError

N_IMAGES = 60_000  # of 64 x 64 pixels: 246 MB as drawn


@pytest.fixture(scope="module")
def large(project_copy):
    scale.configure(project_copy, 64, N_IMAGES)
    return project_copy


@pytest.mark.parametrize(  # PyTorch takes 300 MiB of it, torchvision 150
    ("stage", "mebibytes"),
    [("generate", 200), ("split", 600), ("balance", 400), ("train_deepish", 600)],
)
def test_a_stage_never_holds_all_images(large, stage, mebibytes):
    _, memory = scale.run(stage, large)
    assert memory < mebibytes * 2**20
    assert (large / "data/raw/images.npy").stat().st_size > 245 * 10**6


def test_data_that_do_not_fit_into_memory_are_refused_before_dvc_starts(project, monkeypatch):
    write_params(project / "params.yaml", {"generate.n_images": 10**9})
    monkeypatch.chdir(project)
    monkeypatch.setattr(check, "available_memory", lambda: 2 * 2**30)
    with pytest.raises(InputError) as caught:
        check.check_lecture()
    assert str(caught.value) == (
        "params.yaml: generate.n_images: expected 81,073,741,824 bytes of memory for "
        "1,000,000,000 images, found 2,147,483,648"
    )


def test_the_limit_of_a_container_counts(monkeypatch, tmp_path):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(check, "LIMITS", [limit])
    free = check.psutil.virtual_memory().available
    assert check.available_memory() == pytest.approx(free, rel=0.2)
    limit.write_text("max\n")
    assert check.available_memory() == pytest.approx(free, rel=0.2)
    limit.write_text("123456789\n")
    assert check.available_memory() == 123_456_789


def test_data_that_do_not_fit_on_the_disk_are_refused_before_dvc_starts(project, run):
    large = {"generate.n_images": 5_000_000, "generate.img_size": 256}
    write_params(project / "params.yaml", large)
    result = run("python", "-m", "checks.params")
    assert result.returncode == 1
    assert re.fullmatch(
        r"params.yaml: generate.n_images: expected 655,600,000,000 bytes of disk for "
        r"5,000,000 images, found [\d,]+\n",
        result.stderr,
    )


def test_the_disk_is_asked_for_what_the_stages_write(small, run):
    for name in ("generate", "split", "balance"):
        assert run("python", "-m", f"stages.{name}").returncode == 0
    files = list((small / "data").rglob("*.npy"))
    written = sum(path.stat().st_size - 128 for path in files)  # bytes of a header
    assert len(files) == 5
    assert 0.95 < written / check.data_bytes(25, 60) <= 1  # validation needs no weights
