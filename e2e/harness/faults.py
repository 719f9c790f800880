"""What can happen to a process: it dies and stays away, it hangs, or somebody else sits on its port."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from e2e.harness.portal import Portal, eventually

_PATIENCE_SECONDS = 30.0


@contextmanager
def hung(portal: Portal, name: str) -> Iterator[None]:
    """SIGSTOP: its port accepts connections, and nothing is ever answered."""
    pid = portal.pid(name)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def killed(portal: Portal, name: str) -> Iterator[None]:
    """SIGKILL, and nobody starts it again before the block ends; then its supervisor does."""
    portal.send_signal(name, signal.SIGKILL)
    with borrowed(portal, name):
        yield
    portal.wait_state(name, "ready")


def kill_once(portal: Portal, name: str) -> None:
    """SIGKILL, and return when its supervisor has another one ready."""
    dead = portal.pid(name)
    os.kill(dead, signal.SIGKILL)
    # The pid first: the state that is read after it is not the dead one's any more.
    eventually(lambda: portal.pid(name) != dead and portal.state(name) == "ready", f"{name} is back", _PATIENCE_SECONDS)


@contextmanager
def borrowed(portal: Portal, name: str) -> Iterator[None]:
    """Stopped and left to us, as `jogak up --only NAME` in a second terminal would do; given back at the end."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(_PATIENCE_SECONDS)
        with contextlib.chdir(portal.var / "run"):  # a socket's path has a limit that a data folder's has not
            line.connect("jogak.sock")
        line.sendall(json.dumps({"type": "borrow", "names": [name], "pid": os.getpid()}).encode() + b"\n")
        answer = json.loads(line.makefile("rb").readline())
        assert answer["type"] == "lent", answer
        yield
