"""An ingredient: what it is called, how it is measured, when it runs low."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Unit: TypeAlias = Literal["g", "ml", "piece"]
Level: TypeAlias = Literal["ok", "low", "out"]


@dataclass(frozen=True, slots=True)
class Name:
    en: str
    ko: str


@dataclass(frozen=True, slots=True)
class Ingredient:
    id: str
    name: Name
    unit: Unit
    low_at: int

    def level(self, available: int) -> Level:
        if available <= 0:
            return "out"
        return "low" if available <= self.low_at else "ok"
