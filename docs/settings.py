"""Write the tables of settings in docs/operations.md from the Settings classes: `make docs`.

A test fails when the page and the classes differ, so a setting cannot appear, move or go without being documented.
"""

from __future__ import annotations

import importlib
import re
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "operations.md"
KINDS = ("shell", "fragment", "service")
_BLOCK = re.compile(r"(<!-- settings: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Setting:
    """One row: the variable, what it is unless set, and what it means."""

    variable: str
    default: str
    meaning: str


def settings_of(module: str) -> dict[str, Setting]:
    """Every setting of a member's package, by variable."""
    settings = cast(type[BaseSettings], importlib.import_module(f"{module}.settings").Settings)
    rows = [_setting(name, field) for name, field in settings.model_fields.items()]
    return {row.variable: row for row in rows}


def modules_of(kind: str) -> list[str]:
    """Packages of a kind of member, as portal.toml lists them."""
    portal = tomllib.loads((ROOT / "portal.toml").read_text(encoding="utf-8"))
    return [member["module"] for member in portal["member"] if member["kind"] == kind]


def table(kind: str) -> str:
    """The settings of a kind: what all its members share as one row each, then what only one has."""
    members = [settings_of(module) for module in modules_of(kind)]
    count = Counter(variable for member in members for variable in member)
    shared = [variable for variable in members[0] if count[variable] == len(members)]
    rows = [_shared([member[variable] for member in members]) for variable in shared]
    rows += [row for member in members for row in member.values() if row.variable not in shared]
    lines = [f"| `{row.variable}` | {row.default} | {row.meaning} |" for row in rows]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *lines, ""])


def written(page: str) -> str:
    """The page with its tables as they should be."""
    return _BLOCK.sub(lambda block: f"{block[1]}{table(block[2])}{block[3]}", page)


def _setting(name: str, field: FieldInfo) -> Setting:
    alias = field.validation_alias
    variable = alias if isinstance(alias, str) else name.upper()
    return Setting(variable, _shown(field), (field.description or "").rstrip(".").replace("|", "\\|"))


def _shown(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    default = field.get_default(call_default_factory=True)
    text = str(getattr(default, "get_secret_value", lambda: default)())
    return f"`{text}`" if text else "empty"


def _shared(rows: list[Setting]) -> Setting:
    if all(row.default == rows[0].default for row in rows):
        return rows[0]
    return Setting(rows[0].variable, "its own in portal.toml", rows[0].meaning)


def main() -> int:
    """Write the page; with `--check` only say whether it would change."""
    page = PAGE.read_text(encoding="utf-8")
    if "--check" in sys.argv:
        return int(written(page) != page)
    PAGE.write_text(written(page), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
