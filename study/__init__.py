"""The study: many trainings with other seeds, and experiments on what the lecture claims."""

from diagonal import command

command.begin(__name__)
