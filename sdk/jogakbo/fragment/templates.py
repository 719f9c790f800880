"""A member's templates: Jinja2, everything escaped, an undefined name is an error."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

# A Korean counter stands right after its number.
_UNITS = {"en": {"piece": " pcs"}, "ko": {"piece": "개"}}


class Templates:
    """Renders ``<package>/templates/*.html``.

    Filters: ``4500|won`` → ``₩4,500``; ``instant|clock`` → ``<time datetime="…">14:05</time>`` in the café's time
    zone; ``1500|amount("g", locale)`` → ``1,500 g``.

    All are compiled here, so that no visitor waits for it. Raises ``jinja2.TemplateSyntaxError`` for a broken one.
    """

    def __init__(self, package: str, timezone: str) -> None:
        self._zone = ZoneInfo(timezone)
        self._environment = Environment(
            loader=ChoiceLoader([PackageLoader(package), PackageLoader("jogakbo.fragment")]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(won=_won, amount=_amount, clock=self._clock)
        for name in self._environment.list_templates(extensions=["html"]):
            self._environment.get_template(name)

    def render(self, name: str, values: Mapping[str, object]) -> str:
        """The template as HTML."""
        return self._environment.get_template(name).render(values)

    def _clock(self, instant: datetime, pattern: str = "%H:%M") -> Markup:
        local = instant.astimezone(self._zone)
        return Markup('<time datetime="{}">{}</time>').format(instant.isoformat(), local.strftime(pattern))


def _won(amount: int) -> str:
    return f"₩{amount:,}" if amount >= 0 else f"−₩{-amount:,}"


def _amount(amount: int, unit: str, locale: str) -> str:
    return f"{amount:,}{_UNITS.get(locale, {}).get(unit, f' {unit}')}"
