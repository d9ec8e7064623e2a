"""Experiments, each on a claim of the lecture."""
