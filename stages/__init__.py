"""The stages of the pipeline, one script each: `python -m stages.NAME`."""

import gc
import os
import sys

# Importing PyTorch makes garbage collection walk through all that it has just made, again and
# again. So it pauses until `command.run` calls the stage's main. Python's -m stands in for the
# script's name while this package is found, so nobody else who imports a stage is concerned.
if sys.argv[0] == "-m":
    gc.disable()
    # PyTorch reads this when it is imported. Several processes that share a training would warn of
    # each address without a name.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
