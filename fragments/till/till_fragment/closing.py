"""The close of a day: begun by a button, followed step by step, blocked by what differs, taken back with a reason."""

from __future__ import annotations

import hashlib
from uuid import uuid4

from jogakbo.fragment import Action, Answer, FragmentServer, Param, View
from till_fragment.client import Closing, Day, Mismatch, Step, TillService

DAY = Param(pattern="[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BOOKS = ("till", "reports", "gateway", "replay")
_MAX_REASON = 500
_DAYS = 100
_DIGEST_SHOWN = 10


def offer_closing(server: FragmentServer) -> None:
    """Declare the fragment ``close`` and its actions."""

    @server.fragment(
        "close", title={"en": "Close of day", "ko": "마감"}, keys=["till", "day-{day}"], params={"day": DAY}
    )
    async def close(view: View) -> str:
        till = TillService(view.service)
        day = await _to_close(till, view.params.get("day", ""))
        closing = await till.closing(day.business_day)
        values = {"details": _details(view, closing), "lines": _lines(closing), "books": _BOOKS}
        return view.render("close.html", day=day, closing=closing, max_reason=_MAX_REASON, **values)

    @server.action("close", shows="close")
    async def begin(action: Action) -> Answer:
        # Closing twice is closing once, and a blocked close is to be tried again: every press is a new request.
        await TillService(action.service).close(action.form["day"], uuid4().hex)
        return _shown(action)

    @server.action("reopen", shows="close")
    async def reopen(action: Action) -> Answer:
        reason = action.form["reason"].strip()[:_MAX_REASON]
        if not reason:
            return _shown(action, error=action.t("error.reason"))
        await TillService(action.service).reopen(action.form["day"], reason, _key(action))
        return _shown(action)


async def _to_close(till: TillService, asked: str) -> Day:
    """The day that is asked for, else the oldest that is not closed, else today."""
    if asked:
        return await till.day(asked)
    today = await till.day("today")
    begun = [day for day in await till.days(_DAYS) if day.business_day <= today.business_day and day.state != "closed"]
    return min(begun, key=lambda day: day.business_day, default=today)


def _shown(action: Action, error: str = "") -> Answer:
    """The same fragment that the form was in; which day it was asked for is in its address alone."""
    action.changed(f"day-{action.form['day']}")
    asked = action.form["asked"]
    return action.show("close", error=error, day=asked) if asked else action.show("close", error=error)


def _details(view: View, closing: Closing | None) -> dict[str, str]:
    return {step.name: _detail(view, step) for step in closing.steps} if closing else {}


def _detail(view: View, step: Step) -> str:
    """``waiting:reports inventory`` in words; a word that is newer than the texts is shown as it is."""
    word, _, about = step.detail.partition(":")
    key = f"detail.{step.name}.{word}"
    if not view.messages.has(key):
        return step.detail
    members = [f"member.{name}" for name in about.split()]
    named = [view.t(name) if view.messages.has(name) else name.partition(".")[2] for name in members]
    return view.t(key, about=", ".join(named))


def _lines(closing: Closing | None) -> list[tuple[Mismatch, dict[str, str]]]:
    """What differs, with what each book says of it, as people read it."""
    mismatches = closing.mismatches if closing else []
    return [(one, {book: _said(one.what, getattr(one, book)) for book in _BOOKS}) for one in mismatches]


def _said(what: str, value: str | None) -> str:
    if value is None:
        return "—"
    if what == "digest":
        return f"{value[:_DIGEST_SHOWN]}…"
    if what == "payments" or not value.lstrip("-").isdecimal():
        return value
    return f"{'−' if value.startswith('-') else ''}₩{abs(int(value)):,}"


def _key(action: Action) -> str:
    """A form sent twice is one request: the same person, the same fields."""
    words = [action.identity.subject, *(f"{name}={value}" for name, value in sorted(action.form.items()))]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()
