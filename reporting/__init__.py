"""The one-page report, made from what DVC knows; nothing of the pipeline imports this."""

from diagonal import command

command.begin(__name__)
