"""Measure how often the study's 95 % intervals cover, on the distributions that it has found.

`python -m study.coverage` takes the members of an experiment for a population, draws many samples
of as many members from it, and counts the intervals that contain the population's number.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from diagonal import command
from study.trainings.statistics import mean, median, proportion

SAMPLES = 2000
TABLES = {  # table -> columns of numbers
    "study/plots/claims/training/activation.csv": "best_",
    "study/plots/seeds/seeds.csv": "population_loss",
}


def main() -> None:
    print(f"{'number':<40}{'median':>8}{'mean (t)':>10}{'share below it':>16}")
    for path, prefix in TABLES.items():
        table = pd.read_csv(path)
        groups = table.groupby("model") if "model" in table else [("", table)]
        for name, rows in groups:
            for column in (each for each in rows if each.startswith(prefix)):
                values, stream = rows[column].to_numpy(float), np.random.default_rng(0)
                low = values <= np.quantile(values, 0.3)
                print(
                    f"{f'{name} {column}'.strip():<40}"
                    f"{covered(values, np.median, median, stream):>8.1%}"
                    f"{covered(values, np.mean, mean, stream):>10.1%}"
                    f"{covered(low, np.mean, proportion, stream):>16.1%}"
                )


def covered(values: np.ndarray, number: Callable, interval: Callable, stream) -> float:
    """Compute the share of samples whose interval contains a number of all values (n,)."""
    true, hits = number(values), 0
    for sample in stream.choice(values, (SAMPLES, len(values))):
        found = interval(sample)
        hits += found["low"] <= true <= found["high"]
    return hits / SAMPLES


if __name__ == "__main__":
    command.run(main)
