import sys

from diagonal.progress import progress


def test_plain_lines_are_few_and_end_with_the_last_epoch(capsys):
    with progress("relu", 50) as on_epoch:
        for epoch in range(50):
            on_epoch(1 / (epoch + 1), 0.25)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 5
    assert lines[-1] == "relu: epoch 50 of 50, loss 0.020000, val_loss 0.250000"


def test_few_epochs_get_a_line_each(capsys):
    with progress("relu", 2) as on_epoch:
        on_epoch(0.5, 0.5)
        on_epoch(0.5, 0.5)
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_terminal_gets_a_bar_with_epoch_and_losses(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress("relu", 3) as on_epoch:
        for _ in range(3):
            on_epoch(0.5, 0.25)
    shown = capsys.readouterr().err
    assert "relu: 100%" in shown
    assert "3/3" in shown
    assert "loss 0.5000, val_loss 0.2500" in shown
    assert "epoch 3 of 3" not in shown
