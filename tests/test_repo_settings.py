"""docs/operations.md names the settings that exist, all of them and no others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_the_documented_settings_are_those_of_the_code(root: Path) -> None:
    checked = subprocess.run(
        [sys.executable, "docs/settings.py", "--check"], cwd=root, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, f"run `make docs`\n{checked.stderr}"
