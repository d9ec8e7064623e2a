"""Stages with more images than they may hold in memory."""

import pytest

from benchmarks import scale

N_IMAGES = 60_000  # of 64 x 64 pixels: 246 MB as drawn


@pytest.fixture(scope="module")
def large(project_copy):
    scale.configure(project_copy, 64, N_IMAGES)
    return project_copy


@pytest.mark.slow
@pytest.mark.parametrize(  # PyTorch takes 300 MiB of it, torchvision 150
    ("stage", "mebibytes"),
    [("generate", 200), ("split", 600), ("balance", 400), ("train_deepish", 600)],
)
def test_a_stage_never_holds_all_images(large, stage, mebibytes):
    _, memory = scale.run(stage, large)
    assert memory < mebibytes * 2**20
    assert (large / "data/raw/images.npy").stat().st_size > 245 * 10**6
