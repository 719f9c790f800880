"""A member's texts in every language of the portal."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files

from jogakbo.contract.context import LOCALES


class MessagesError(Exception):
    """``messages.toml`` is not as it should be; the member should not start."""


class Messages:
    """Texts by language and dotted key, from ``messages.toml`` with one table per language.

    ``[en]`` ``board.empty = "Nothing to make."`` is ``text("en", "board.empty")``; ``{name}`` in a text is filled
    from keyword arguments. All languages must have the same keys.
    """

    def __init__(self, tables: Mapping[str, Mapping[str, str]]) -> None:
        self._tables = tables
        every = set().union(*(table.keys() for table in tables.values()))
        for locale in LOCALES:
            missing = sorted(every - set(tables.get(locale, {})))
            if missing:
                raise MessagesError(f"messages.toml: [{locale}] lacks {', '.join(missing)}")

    @classmethod
    def of_package(cls, package: str) -> Messages:
        """Read ``messages.toml`` inside ``package``; a package without one has no texts of its own."""
        source = files(package) / "messages.toml"
        if not source.is_file():
            return cls({locale: {} for locale in LOCALES})
        document = tomllib.loads(source.read_text("utf-8"))
        return cls({locale: dict(_flat(table)) for locale, table in document.items()})

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in self._tables[LOCALES[0]]

    def text(self, locale: str, key: str, **values: object) -> str:
        """The text; raises ``KeyError`` that names a key which does not exist."""
        try:
            text = self._tables[locale][key]
        except KeyError:
            raise KeyError(f"messages.toml: no text {key!r} in [{locale}]") from None
        return text.format(**values) if values else text


def _flat(table: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    entries: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, Mapping):
            entries += _flat(value, f"{prefix}{key}.")
        else:
            entries.append((prefix + key, str(value)))
    return entries
