"""What `python -m checks.params` finds before DVC starts a stage."""

import shutil
from pathlib import Path

import pytest
from conftest import run_stages, write_params

from checks import params as check
from diagonal.errors import InputError

ROOT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the parameters and the stages of both pipelines, in which tests run."""
    for name in ("params.yaml", "dvc.yaml", "study/params.yaml", "study/dvc.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "changes", "message"),
    [
        ("params.yaml", {"split.ratios": [80, 0.01]}, "split: expected both classes in validation"),
        ("params.yaml", {"device": "cuda:99"}, "device: expected one of this machine's "),
        ("study/params.yaml", {"seeds.n": 1}, "seeds.n: .*, found 1"),
        (  # of the four lines, the first and the last column are straight, and mirror images
            "params.yaml",
            {"generate.n_images": 4, "generate.seed": 22, "split.group_by": "mirror_group"},
            "split: group_by: expected 2 or more groups of images of label 0, found 1 in 4 images$",
        ),
    ],
)
def test_what_only_computing_tells_is_found_in_both_files(folder, path, changes, message):
    check.main()
    write_params(folder / path, changes)
    with pytest.raises(InputError, match=f"^{path}: {message}"):
        check.main()


def test_data_that_do_not_fit_into_memory_are_refused(folder, monkeypatch):
    write_params(folder / "params.yaml", {"generate.n_images": 10**9})
    monkeypatch.setattr(check, "available_memory", lambda: 2 * 2**30)
    with pytest.raises(InputError) as caught:
        check.main()
    assert str(caught.value) == (
        "params.yaml: generate.n_images: expected 81,073,741,824 bytes of memory for "
        "1,000,000,000 images, found 2,147,483,648"
    )


def test_the_limit_of_a_container_counts(monkeypatch, tmp_path):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(check, "LIMITS", [limit, tmp_path / "absent"])
    limit.write_text("max\n")
    assert check.available_memory() > 123_456_789
    limit.write_text("123456789\n")
    assert check.available_memory() == 123_456_789


def test_data_that_do_not_fit_on_the_disk_are_refused(folder, monkeypatch):
    large = {"generate.n_images": 5_000_000, "generate.img_size": 256}
    write_params(folder / "params.yaml", large)
    monkeypatch.setattr(check, "available_memory", lambda: 2**40)
    message = (
        r"^params.yaml: generate.n_images: expected 655,600,000,000 bytes of disk for "
        r"5,000,000 images, found [\d,]+$"
    )
    with pytest.raises(InputError, match=message):
        check.main()


def test_the_disk_is_asked_for_what_the_stages_write(small):
    run_stages(small, "generate", "split", "balance")
    files = list((small / "data").rglob("*.npy"))
    written = sum(path.stat().st_size - 128 for path in files)  # bytes of a header
    assert len(files) == 5
    assert 0.95 < written / check.data_bytes(25, 60) <= 1  # validation needs no weights
