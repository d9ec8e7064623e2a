"""The stages of the pipeline, one script each: `python -m stages.NAME`."""

from diagonal.pipeline import command

command.begin(__name__)
