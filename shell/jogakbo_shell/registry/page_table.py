"""Tables of pages: a `pages.toml` beside its templates, the shell's own and one of whoever runs the portal."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec

_FILE = "pages.toml"
RESERVED = ("/-/", "/static/", "/.well-known/", "/livez", "/readyz", "/metrics")
PARAM = re.compile(r"\{([a-z_]{1,40})\}")


class PagesFault(Exception):
    """The table or a template of it cannot be used, and the shell does not start. The message names file and place."""


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`plain` takes the template as it is but for its ESI tags: a page of another site, whatever braces it holds."""

    path: str
    template: str
    title: dict[str, str]
    nav: dict[str, str] = {}
    plain: bool = False


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    page: tuple[Row, ...] = ()


def read_table(folder: Path) -> tuple[Row, ...]:
    """`folder/pages.toml`. Raises PagesFault."""
    file = folder / _FILE
    try:
        rows = msgspec.convert(tomllib.loads(file.read_text("utf-8")), _Table).page
    except OSError as error:
        raise PagesFault(f"{file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise PagesFault(f"{file}: {error}") from error
    for at, fault in _faults(folder, rows):
        raise PagesFault(f"{file}: {fault} - at `$.page[{at}]`")
    return rows


def _faults(folder: Path, rows: tuple[Row, ...]) -> Iterator[tuple[int, str]]:
    taken: set[str] = set()
    for at, row in enumerate(rows):
        if not row.path.startswith("/") or row.path.startswith("//"):
            yield at, f"path is {row.path!r}; expected it to begin with a single '/'"
        if row.path.startswith(RESERVED):
            yield at, f"path is {row.path!r}; the shell itself answers there"
        if re.search("[{}]", PARAM.sub("", row.path)):
            yield at, f"path is {row.path!r}; expected parameters as in '/orders/{{id}}'"
        if row.path in taken:
            yield at, f"path is {row.path!r}; another page has it already"
        if not (folder / row.template).is_file():
            yield at, f"template is {row.template!r}; there is no such file beside the table"
        if not row.title:
            yield at, 'title is empty; expected a text per language, such as { en = "Menu" }'
        taken.add(row.path)
