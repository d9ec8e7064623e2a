"""The pipeline held to its promises: `make check`, `make gate`, `python -m checks.NAME`."""

from diagonal import command

command.begin(__name__)
