"""Why a slot cannot show what it should.

FragmentError           `status` is what a page takes over when the fragment is its primary one
├── NotDeclared         no such server, or its manifest has no such fragment
├── WrongParams         a parameter is missing or does not match its pattern
├── NotKnownYet         the server has never shown a manifest
├── Refusing            the server's breaker is open
├── Crowded             too many requests wait for the server already
├── Moved               a redirect; only a page whose primary fragment this is can follow it
├── BadAnswer           a status that is no content
└── BadMarkup           not UTF-8, not HTML, or nested beyond reason
"""

from __future__ import annotations


class FragmentError(Exception):
    status = 502


class NotDeclared(FragmentError):
    status = 503


class WrongParams(FragmentError):
    status = 404


class NotKnownYet(FragmentError):
    status = 503


class Refusing(FragmentError):
    status = 503


class Crowded(FragmentError):
    status = 503


class Moved(FragmentError):
    def __init__(self, status: int, location: str) -> None:
        super().__init__(f"status {status}, to {location[:100]!r}")
        self.status = status
        self.location = location


class BadAnswer(FragmentError):
    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}, expected 200")
        self.answered = status
        self.status = status if status in (404, 410) else 502


class BadMarkup(FragmentError):
    pass
