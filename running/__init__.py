"""The pipeline's stages side by side: `make repro JOBS=2`, or `python -m running 2`."""

from diagonal.pipeline import command

command.begin(__name__)
