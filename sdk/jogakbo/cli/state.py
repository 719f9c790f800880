"""What runs, as a file: var/run/portal.json, for status, tests and scripts."""

import fcntl
import os
from pathlib import Path

import msgspec


class Running(msgspec.Struct, frozen=True):
    """One unit of a running portal."""

    state: str
    port: int
    pid: int | None = None
    ready_seconds: float | None = None
    restarts: int = 0


class PortalState(msgspec.Struct, frozen=True):
    """A running portal: the supervisor's process id, where it answers, and every unit by its name."""

    pid: int
    url: str
    redis_url: str
    ready: bool
    members: dict[str, Running]


def state_file(var: Path) -> Path:
    """Where the state of a data folder is written."""
    return var / "run" / "portal.json"


def write_state(var: Path, state: PortalState) -> None:
    """Replace the file in one step: whoever reads sees the old state or the new one, never half."""
    file = state_file(var)
    draft = file.with_suffix(f".{os.getpid()}.draft")
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(state)))
    draft.replace(file)


def read_state(var: Path) -> PortalState:
    """The last state written. Raises OSError when there is none."""
    return msgspec.json.decode(state_file(var).read_bytes(), type=PortalState)


class FolderLock:
    """At most one supervisor per data folder, for as long as its process lives."""

    def __init__(self, var: Path) -> None:
        run = var / "run"
        run.mkdir(parents=True, exist_ok=True)
        self._file = (run / "lock").open("w", encoding="ascii")

    def take(self) -> bool:
        """Whether the folder is ours now; never waits."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Give the folder back."""
        self._file.close()
