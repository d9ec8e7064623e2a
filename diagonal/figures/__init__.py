"""Figures of matplotlib: arrays in, a figure out, nothing computed.

A module per room of the pipeline, so that a stage depends only on the drawings that it makes.
Nothing is imported here.
"""
