"""Zero-centred inputs: pixels as the lecture normalises them, as they are, and truly centred."""

import pandas as pd

from diagonal.claims.arms import side_by_side
from diagonal.claims.statistics import difference, outcomes
from diagonal.claims.trainings import Arm, answers, drawn, inputs_and_data, summary
from diagonal.pipeline.params import ClaimsBaseline

MODELS = ("logistic", "relu", "tanh")


def centring(base: ClaimsBaseline, n: int) -> tuple[dict, pd.DataFrame]:
    """Train on pixels in [-1, 1], the lecture's, in [0, 1], and with mean 0 and deviation 1.

    Returns:
        pixels: mean and std of the training images' pixels in [0, 1]; means: model -> arm ->
        measure; lecture's less unit's; a row per training.
    """
    inputs, data = inputs_and_data(base)
    pixels = inputs.images[data.train] / 255
    center, spread = float(pixels.mean().round(6)), float(pixels.std().round(6))
    arms = {
        "[-1, 1]": Arm(),
        "[0, 1]": Arm(mean=0.0, std=1.0),
        "standardised": Arm(mean=center, std=spread),
    }
    drawn(base, n, *Arm()[:3])  # once, for all processes
    found = side_by_side(
        {
            (model, name): lambda model=model, arm=arm: outcomes(
                answers(base, n, model, arm), inputs
            )
            for model in MODELS
            for name, arm in arms.items()
        }
    )
    tables = {model: {name: found[model, name] for name in arms} for model in MODELS}
    compared = {
        model: {
            key: difference(each["[-1, 1]"][key], each["[0, 1]"][key], key == "accuracy")
            for key in ("loss", "accuracy")
        }
        for model, each in tables.items()
    }
    means, table = summary(tables, "pixels", ("loss", "accuracy", "separates"))
    pixels = {"mean": center, "std": spread}
    return {"pixels": pixels, "means": means, "lecture_less_unit": compared}, table
