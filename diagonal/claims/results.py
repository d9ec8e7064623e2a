"""What an experiment leaves behind: its numbers, its trainings and its picture."""

from matplotlib.figure import Figure

from diagonal.pipeline import files


def write(stage: str, name: str, metrics: dict, table, figure: Figure) -> None:
    """Write an experiment of a stage: metrics as JSON, the table as CSV, the figure as PNG."""
    files.write_metrics(f"metrics/claims/{stage}/{name}.json", metrics)
    files.write_table(f"plots/claims/{stage}/{name}.csv", table)
    files.write_figure(f"plots/claims/{stage}/pictures/{name}.png", figure)
