"""The browser: Playwright's own Chromium where there is one, else the system's."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from playwright.sync_api import Browser, Playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_QUIET = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


def launch_chromium(playwright: Playwright) -> Browser:
    """Start it without a window."""
    # The sandbox refuses to run as root, which is what containers and CI machines often are.
    flags = [*_QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    return playwright.chromium.launch(executable_path=_binary(playwright), args=flags)


def _binary(playwright: Playwright) -> str:
    own = playwright.chromium.executable_path
    found = own if Path(own).exists() else next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise FileNotFoundError("no Chromium: run `sh e2e/ensure_browser.sh .venv/bin/python`")
    return found
