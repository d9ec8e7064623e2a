"""Repeat all experiments with other members, and compare the verdicts: `python -m study.repeat`.

The members' seeds start at another number; the claims and their criteria are the same.
"""

import argparse
import tempfile
from contextlib import chdir
from pathlib import Path

import pandas as pd
from ruamel.yaml import YAML

from diagonal import command
from study import claims_boundaries, claims_data, claims_training, verdicts


def main() -> int:
    """Run the experiments in a temporary folder; exit with 1 if a claim that holds would not."""
    parser = argparse.ArgumentParser("python -m study.repeat", description=__doc__)
    parser.add_argument("--first", type=int, default=5000, help="seed of the first member")
    first, yaml, params = parser.parse_args().first, YAML(), Path("study/params.yaml")
    before, document = pd.DataFrame(verdicts.table()), yaml.load(params)
    document["claims"]["first"] = first
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        params.parent.mkdir()
        yaml.dump(document, params)
        for stage in (claims_training, claims_data, claims_boundaries):
            stage.main()
        after = pd.DataFrame(verdicts.table())
    same = before["verdict"] == after["verdict"]
    for (_, old), (_, new) in zip(before.iterrows(), after.iterrows(), strict=True):
        both = (f"{row['verdict']} ({row['proportion']:.2f})" for row in (old, new))
        print(f"{old['experiment']:2d}  {' -> '.join(both):<50}  {old['statement']}")
    print(f"{same.sum()} of {len(same)} verdicts are the same with members from seed {first} on")
    opposite = {"holds", "does not hold"}
    turned = [{*pair} == opposite for pair in zip(before["verdict"], after["verdict"], strict=True)]
    return int(any(turned))


if __name__ == "__main__":
    command.run(main)
