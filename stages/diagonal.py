"""Finds the library where a stage is run as a file: `python stages/NAME.py`, an IDE's run button.

Python then looks for modules beside the stage, finds this one, and here learns where to look.
"""

import os
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])
os.chdir(sys.path[0])  # where the stages' files are
del sys.modules["diagonal"]  # this module: who imports it gets the package of that name
import diagonal  # noqa: E402, F401
