"""The stages of the lecture, one script each: `python -m stages.NAME`."""

from diagonal import command

command.begin(__name__)
