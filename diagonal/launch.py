"""Run a stage in several processes by torchrun's own launcher, and tell in a line how it failed."""

import logging
import os
import re
import signal
import tempfile

from diagonal.processes import LOST
from diagonal.shell.errors import InputError


def launch(command: str, stage: str) -> None:
    """Run `python -m stages.STAGE` in several processes and wait for all of this machine's.

    Args:
        command: torchrun and its options, as in params.yaml.
        stage: the script's name in stages/.

    Raises:
        InputError: a process has failed, or they did not find each other. The message names the
            process, counted from 1 over all machines, and how it ended.
    """
    os.environ["TORCH_CPP_LOG_LEVEL"] = "FATAL"  # in the processes: how they end is told here
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    logging.disable()  # torchrun's account of what fails
    with tempfile.TemporaryDirectory() as folder:
        options = [*command.split()[1:], "--log-dir", folder]
        args = run.parse_args([*options, "--module", f"stages.{stage}"])
        _, n_machines = run.parse_min_max_nnodes(args.nnodes)
        if n_machines == 1 and not args.rdzv_endpoint and not args.master_port:
            args.standalone = True  # on any free port
        try:
            run.run(args)
        except ChildFailedError as err:
            n_here = run.determine_local_world_size(args.nproc_per_node)
            told = _told(err.failures, n_machines=n_machines, n_processes=n_machines * n_here)
            raise InputError(f"{stage}: {told}") from err
        except SignalException as err:
            name = signal.Signals(err.sigval).name
            raise InputError(f"{stage}: was ended by {name}; nothing was written") from err
        except (RuntimeError, OSError, ValueError) as err:
            reason = " ".join(str(err).split()) or type(err).__name__
            raise InputError(f"params.yaml: train.launch: {command}: {reason}") from err


def _told(failures: dict, *, n_machines: int, n_processes: int) -> str:
    """Say how the process ended that made the others end.

    Args:
        failures: rank -> what torchrun knows of the end of a process on this machine. A cause
            comes before those that torchrun ended by SIGTERM and those that lost another process;
            with one machine the lost process is among them, with several hardly.
        n_machines: that train.
        n_processes: on all machines.
    """
    consequences = [-signal.SIGTERM, LOST] if n_machines == 1 else [LOST, -signal.SIGTERM]
    rank = min(failures, key=lambda rank: _place(failures[rank].exitcode, consequences))
    failure = failures[rank]
    process = f"process {rank + 1} of {n_processes}"
    if isinstance(failure.message, dict):
        return f"{process}{_error(failure.message)}"
    if failure.exitcode == LOST:
        return f"{process} lost the others; nothing was written"
    if failure.exitcode < 0:
        return f"{process} was ended by {failure.signal_name()}; nothing was written"
    return f"{process} ended with status {failure.exitcode}; nothing was written"


def _error(message: dict) -> str:
    """Say which error ended a process: bad input as it is, others with the place in the code."""
    error = " ".join(message["message"].split())
    bad_input = error.removeprefix(f"{InputError.__name__}: ")
    if bad_input != error:
        return f": {bad_input}"
    calls = message["extraInfo"]["py_callstack"]
    file, line = re.findall(r'File "(.*)", line (\d+)', calls)[-1]
    return f" ended with {error} ({os.path.relpath(file)}:{line}); nothing was written"


def _place(item, items: list) -> int:
    return items.index(item) if item in items else -1
