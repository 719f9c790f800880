"""The browser: Playwright's own Chromium where there is one, else the system's."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from playwright.sync_api import Browser, Playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_QUIET = ("--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync")
_OFF = (
    # The pop-ups of the address bar: a process for each window, which costs more than half a second of a core.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    # What Playwright turns off: of two lists Chromium takes the last.
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
)


def launch_chromium(playwright: Playwright) -> Browser:
    """Start it without a window."""
    own = playwright.chromium.executable_path
    return playwright.chromium.launch(executable_path=chromium_binary(own), args=chromium_flags())


def chromium_flags() -> list[str]:
    """What it is started with, beside what Playwright gives."""
    # The sandbox refuses to run as root, which is what containers and CI machines often are.
    return [*_QUIET, f"--disable-features={','.join(_OFF)}", *(["--no-sandbox"] if os.geteuid() == 0 else [])]


def chromium_binary(own: str) -> str:
    """Its path; `own` is where Playwright's would be. Raises `FileNotFoundError`."""
    found = own if Path(own).exists() else next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise FileNotFoundError("no Chromium: run `sh e2e/ensure_browser.sh .venv/bin/python`")
    return found
