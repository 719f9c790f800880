"""Fork a child that cannot outlive its parent."""

import ctypes
import gc
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

Run = Callable[[], None]

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15


@dataclass(frozen=True, slots=True)
class Child:
    """A forked process and the reading end of its stdout and stderr."""

    pid: int
    output: int


def fork(run: Run, title: str, environment: Mapping[str, str]) -> Child:
    """Fork; call `run` in the child with that environment and end the child when it returns."""
    parent = os.getpid()
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _be_the_child(run, title, environment, writer, parent)
    os.close(writer)
    os.set_blocking(reader, False)
    return Child(pid, reader)


def run_module(module: str) -> None:
    """What `python -m module` does, with code as it is on disk now."""
    sys.argv = [module]
    importlib.invalidate_caches()
    importlib.import_module(f"{module}.__main__").main()


def run_program(arguments: list[str]) -> None:
    """Become another program; the death signal stays set across exec."""
    os.execv(arguments[0], arguments)  # noqa: S606 - a fixed binary, no shell


def stop_with_parent() -> None:
    """Have SIGTERM sent to this process when its parent ends, even if that is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _be_the_child(run: Run, title: str, environment: Mapping[str, str], output: int, parent: int) -> NoReturn:
    status = 1
    try:
        _leave_the_parent_behind(title, output, parent)
        os.environ.clear()
        os.environ.update(environment)
        gc.enable()
        run()
        status = 0
    except SystemExit as leaving:
        status = _exit_status(leaving)
    except BaseException:  # the edge of the process: nothing may unwind into the parent's frames
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _exit_status(leaving: SystemExit) -> int:
    if leaving.code is None or isinstance(leaving.code, int):
        return leaving.code or 0
    sys.stderr.write(f"{leaving.code}\n")
    return 1


def _leave_the_parent_behind(title: str, output: int, parent: int) -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    os.setsid()  # Ctrl-C in the terminal is for the parent, which ends its children in order
    _die_with(parent, title)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.closerange(3, _highest_descriptor() + 1)
    # Whatever the parent's streams are, a terminal or a test's, the child's are lines of UTF-8 into the pipe.
    sys.stdout, sys.stderr = (os.fdopen(number, "w", 1, "utf-8", "replace", closefd=False) for number in (1, 2))


def _die_with(parent: int, title: str) -> None:
    if sys.platform != "linux":
        return
    prctl = ctypes.CDLL(None).prctl
    prctl(_PR_SET_NAME, title.encode()[:15], 0, 0, 0)
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the line above: no signal will come
        os._exit(1)


def _highest_descriptor() -> int:
    here = Path("/proc/self/fd")
    if here.exists():
        return max(int(entry.name) for entry in here.iterdir())
    return os.sysconf("SC_OPEN_MAX")
