"""The stages of the pipeline, one script each: `python -m stages.NAME`."""

import gc
import os
import signal
import sys

# Importing PyTorch makes garbage collection walk through all that it has just made, again and
# again. So it pauses until `command.run` calls the stage's main, where Python's -m starts a stage.
if sys.argv[0] == "-m":
    gc.disable()
    # What a notebook sets for its own pictures is nothing that matplotlib finds in a stage.
    os.environ.pop("MPLBACKEND", None)
    # Whoever interrupts the imports wants no traceback; `command.run` has a line for the rest.
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
