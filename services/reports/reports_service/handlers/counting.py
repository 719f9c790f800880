"""What happens with a fact: it is kept, folded into the tables that are read, and told, all in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from reports_service.domain.facts import DayBalanced, Fact
from reports_service.domain.figures import Figures
from reports_service.handlers.ports import News, Projection


@dataclass(frozen=True, slots=True)
class Reports:
    """Everything that counting a fact works on, bound to one transaction."""

    projection: Projection
    news: News


def fold(projection: Projection, facts: Sequence[Fact], zone: tzinfo) -> Figures:
    """Count ``facts``, live or anew: both go this way."""
    days = projection.days({fact.business_day for fact in facts})
    figures = Figures(zone, projection.known(facts), days)
    for fact in facts:
        figures.add(fact)
    projection.add(figures)
    return figures


def count(reports: Reports, fact: Fact, zone: tzinfo) -> None:
    """Count one fact now. The till is answered each time it says that a day is closed."""
    for day in fold(reports.projection, [fact], zone).changed:
        reports.news.sales_changed(day)
    if isinstance(fact, DayBalanced):
        reports.news.day_folded(fact)
