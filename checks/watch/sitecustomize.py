"""Watch a stage run: which files it opens, which modules it imports, which parameters it reads.

With this folder on PYTHONPATH, Python imports this file at its start. It does nothing unless
WATCH_LOG names a folder and the process is `python -m stages.NAME` or `python -m study.NAME`; then
it appends a line to WATCH_LOG/stages.NAME.log for everything that it sees. Processes that torchrun
starts, or the stage, share that file. Lines are written as things happen, so that no way of leaving
the process loses any. With WATCH_LISTING=reversed, folders are listed backwards.

What is opened without Python, by a library's own C or Rust code, is not seen here; the check
compares the files before and after the pipeline as well.
"""

import os
import sys

PACKAGES = ("stages.", "study.")
SCHEMAS = ("Params", "StudyParams")  # classes that stand for a whole file of parameters
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def main() -> None:
    folder, (*_, flag, module) = os.environ.get("WATCH_LOG"), ("", "", *sys.orig_argv)
    if flag == "-m" and module.startswith(PACKAGES):
        os.environ["WATCH_STAGE"] = module  # for the processes that it starts
    stage = os.environ.get("WATCH_STAGE")
    if not folder or not stage:
        return
    log = os.open(
        os.path.join(folder, f"{stage}.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666
    )
    root = os.getcwd()

    def note(kind: str, what) -> None:
        os.write(log, f"{kind} {what}\n".encode())

    def note_path(kind: str, path) -> None:
        if isinstance(path, str | bytes | os.PathLike):
            path = os.path.relpath(os.path.abspath(os.fsdecode(path)), root)
            if not path.startswith(("..", ".venv", ".git", "<")):  # <string>, <unknown>: no file
                note(kind, path)

    def hook(event: str, args: tuple) -> None:
        if event == "open":
            path, _, flags = args
            note_path("write" if flags & WRITING else "read", path)
        elif event == "os.rename":
            note_path("renamed", args[0])
            note_path("write", args[1])
        elif event == "exec" and args[0].co_name == "<module>":
            note_path("code", args[0].co_filename)

    watch_params(root, lambda key: note("param", key))
    sys.addaudithook(hook)
    if os.environ.get("WATCH_LISTING") == "reversed":
        listdir, scandir = os.listdir, os.scandir
        os.listdir = lambda *args: sorted(listdir(*args), reverse=True)
        os.scandir = lambda *args: Listing(scandir(*args))


class Listing:
    """What os.scandir returns, from last to first."""

    def __init__(self, entries):
        with entries:
            self.entries = iter(sorted(entries, key=lambda entry: entry.name, reverse=True))

    def __next__(self):
        return next(self.entries)

    def __iter__(self):
        return self

    def close(self, *exception):
        self.entries = iter(())

    __enter__, __exit__ = __iter__, close


def watch_params(root: str, tell) -> None:
    """Tell each parameter that is read, as a key with dots."""
    sys.path.insert(0, root)  # where the stage will come from, too
    from diagonal.pipeline.params import Section

    sys.path.remove(root)
    places = {}  # id of a section -> its name, and the section, which keeps the id its own
    getstate, setstate = Section.__getstate__, Section.__setstate__

    def place(this):
        return "" if type(this).__name__ in SCHEMAS else places.get(id(this), (None,))[0]

    def read(this, name):
        value = object.__getattribute__(this, name)
        if name in type(this).model_fields and place(this) is not None:
            if isinstance(value, Section):
                places[id(value)] = (f"{place(this)}{name}.", value)
            else:
                tell(f"{place(this)}{name}")
        return value

    def unpack(this, state):  # in another process
        setstate(this, state)
        if state["place"] is not None:
            places[id(this)] = (state["place"], this)

    Section.__getattribute__ = read
    Section.__iter__ = lambda this: (
        (name, getattr(this, name)) for name in type(this).model_fields
    )
    Section.__getstate__ = lambda this: getstate(this) | {"place": place(this)}
    Section.__setstate__ = unpack


main()
