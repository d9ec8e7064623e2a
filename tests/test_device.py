import pytest
import torch

from diagonal.errors import InputError
from diagonal.training import device
from diagonal.training.device import resolve


def has(monkeypatch, *names):
    monkeypatch.setattr(device, "available", lambda: list(names))


@pytest.mark.parametrize(
    ("name", "devices", "dtype", "found"),
    [
        ("cpu", ["cuda:0", "cpu"], torch.float64, "cpu"),
        ("auto", ["cuda:0", "cuda:1", "cpu"], torch.float64, "cuda:0"),
        ("auto", ["mps", "cpu"], torch.float32, "mps"),
        ("auto", ["mps", "cpu"], torch.float64, "cpu"),
        ("mps", ["mps", "cpu"], torch.float32, "mps"),
    ],
)
def test_auto_is_the_best_device_that_holds_the_precision(monkeypatch, name, devices, dtype, found):
    has(monkeypatch, *devices)
    assert resolve(name, dtype) == torch.device(found)


@pytest.mark.parametrize(
    ("name", "devices", "message"),
    [
        ("cuda", ["cpu"], "expected one of this machine's cpu, found cuda"),
        ("cuda:2", ["cuda:0", "cpu"], "expected one of this machine's cuda:0, cpu, found cuda:2"),
        ("mps", ["mps", "cpu"], "for float64, found mps, which has float32 only"),
    ],
)
def test_a_device_that_is_not_there_is_an_error_that_names_those_there_are(
    monkeypatch, name, devices, message
):
    has(monkeypatch, *devices)
    with pytest.raises(InputError, match=message):
        resolve(name, torch.float64)


@pytest.mark.parametrize(("name", "rank"), [("cuda", 0), ("auto", 1), ("cuda:0", 1)])
def test_each_process_of_a_machine_gets_a_gpu_of_its_own(monkeypatch, name, rank):
    has(monkeypatch, "cuda:0", "cuda:1", "cpu")
    expected = 0 if name == "cuda:0" else rank
    assert resolve(name, torch.float64, rank) == torch.device("cuda", expected)
