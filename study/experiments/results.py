"""What an experiment says and writes.

The last member of each experiment is the lecture's own training, with the lecture's images and
seeds. It is shown beside the others, and not counted among them.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from diagonal.pipeline import files
from study.trainings import statistics
from study.trainings.lines import LECTURE, Members, members

MARGIN = 0.01  # nats: a loss that is lower by less does not count as lower


def cohort(n: int, first: int) -> Members:
    """List n members with seeds from the first on, and the lecture's own as the last."""
    return (*members(n, first), LECTURE)


def number(values) -> dict:
    """Describe the members' numbers: `median`, and the lecture's own."""
    return {**statistics.median(values[:-1]), "lecture": _finite(values[-1])}


def share(holds) -> dict:
    """Describe how often something holds: `proportion`, and whether it does for the lecture's."""
    return {**statistics.proportion(np.asarray(holds)[:-1]), "lecture": int(np.asarray(holds)[-1])}


def lower(ours, theirs, margin: float = 0.0) -> dict:
    """State that our number is lower by more than a margin, see `statistics.lower`."""
    return statistics.lower(np.asarray(ours)[:-1], np.asarray(theirs)[:-1], margin)


def lower_loss(ours, theirs) -> dict:
    """State that our loss is lower by more than MARGIN."""
    return lower(ours, theirs, MARGIN)


def higher(ours, theirs) -> dict:
    """State that our number is higher than theirs, see `statistics.higher`."""
    return statistics.higher(np.asarray(ours)[:-1], np.asarray(theirs)[:-1])


def statement(is_true, counts=None) -> dict:
    """State something of each member, see `statistics.statement`."""
    return statistics.statement(is_true[:-1], None if counts is None else counts[:-1])


def summary(table: pd.DataFrame) -> dict:
    """Describe `outcomes`: numbers as medians, what is 0 or 1 as shares."""
    return {
        name: share(column == 1) if column.dtype.kind == "i" else number(column.to_numpy())
        for name, column in table.items()
    }


def _finite(value) -> float | None:
    return float(value) if np.isfinite(value) else None


def write(stage: str, name: str, metrics: dict, table, figure: Figure) -> None:
    """Write an experiment of a stage: metrics as JSON, the table as CSV, the figure as PNG."""
    files.write_metrics(f"study/metrics/claims/{stage}/{name}.json", metrics)
    files.write_table(f"study/plots/claims/{stage}/{name}.csv", table)
    files.write_figure(f"study/plots/claims/{stage}/pictures/{name}.png", figure)
