"""The shell's own texts, and which language a visitor reads."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files

from jogakbo.contract.context import LOCALES

LOCALE_NAMES = {"en": "English", "ko": "한국어"}


class MessagesError(Exception):
    """`messages.toml` lacks a text in one of the languages; the shell does not start."""


class Messages:
    def __init__(self, tables: Mapping[str, Mapping[str, str]]) -> None:
        self._tables = tables
        every = set().union(*tables.values())
        for locale in LOCALES:
            missing = sorted(every - set(tables.get(locale, {})))
            if missing:
                raise MessagesError(f"messages.toml: [{locale}] lacks {', '.join(missing)}")

    @classmethod
    def load(cls) -> Messages:
        document = tomllib.loads((files("jogakbo_shell") / "messages.toml").read_text("utf-8"))
        return cls({locale: dict(_flat(table)) for locale, table in document.items()})

    def has(self, key: str) -> bool:
        return key in self._tables[LOCALES[0]]

    def text(self, locale: str, key: str, **values: object) -> str:
        """`text("en", "status.title")`; `{name}` in a text is filled. Raises KeyError for an unknown key."""
        try:
            text = self._tables[locale][key]
        except KeyError:
            raise KeyError(f"messages.toml: no text {key!r} in [{locale}]") from None
        return text.format(**values) if values else text


def localized(texts: Mapping[str, str], locale: str) -> str:
    """The text in this language, else in the default one, else any."""
    return texts.get(locale) or texts.get(LOCALES[0]) or next(iter(texts.values()), "")


def chosen_locale(asked: str, cookie: str, accept_language: str) -> str:
    """`?lang=`, else the cookie, else Accept-Language (RFC 9110 section 12.5.4), else the default."""
    for choice in (asked, cookie):
        if choice in LOCALES:
            return choice
    return _accepted(accept_language)


@lru_cache(maxsize=512)
def _accepted(header: str) -> str:
    best, best_weight = LOCALES[0], 0.0
    for part in header[:200].split(","):
        language, _, parameter = part.strip().partition(";")
        locale, weight = language[:2].lower(), _weight(parameter)
        if locale in LOCALES and weight > best_weight:
            best, best_weight = locale, weight
    return best


def _weight(parameter: str) -> float:
    if not parameter.strip():
        return 1.0
    try:
        return float(parameter.strip().removeprefix("q="))
    except ValueError:
        return 0.0


def _flat(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, str(value)
