"""Friendly names for guests: the same guest always has the same one, and it tells nobody who they are."""

from __future__ import annotations

import hmac
from functools import lru_cache
from hashlib import sha256

import msgspec

_HUES = ("blue", "red", "yellow", "black", "white")
_MANNERS = (
    ("Quiet", "고요한"),
    ("Sunny", "햇살 같은"),
    ("Warm", "따뜻한"),
    ("Bright", "환한"),
    ("Gentle", "다정한"),
    ("Brisk", "씩씩한"),
    ("Calm", "차분한"),
    ("Merry", "즐거운"),
    ("Kind", "친절한"),
    ("Swift", "재빠른"),
    ("Early", "부지런한"),
    ("Soft", "포근한"),
    ("Bold", "용감한"),
    ("Clear", "맑은"),
    ("Small", "작은"),
    ("Sweet", "달콤한"),
)
_THINGS = (
    ("Persimmon", "감"),
    ("Plum", "자두"),
    ("Chestnut", "밤"),
    ("Jujube", "대추"),
    ("Pear", "배"),
    ("Apricot", "살구"),
    ("Peach", "복숭아"),
    ("Quince", "모과"),
    ("Yuzu", "유자"),
    ("Omija", "오미자"),
    ("Walnut", "호두"),
    ("Ginger", "생강"),
    ("Mugwort", "쑥"),
    ("Bellflower", "도라지"),
    ("Lotus", "연꽃"),
    ("Magnolia", "목련"),
    ("Camellia", "동백"),
    ("Azalea", "진달래"),
    ("Maple", "단풍"),
    ("Pine", "솔"),
    ("Bamboo", "대나무"),
    ("Cloud", "구름"),
    ("Magpie", "까치"),
    ("Sparrow", "참새"),
    ("Swallow", "제비"),
    ("Crane", "두루미"),
    ("Otter", "수달"),
    ("Hare", "토끼"),
    ("Squirrel", "다람쥐"),
    ("Badger", "오소리"),
    ("Firefly", "반딧불이"),
    ("Dragonfly", "잠자리"),
)
_PERSON_CHARACTERS = 16


class Who(msgspec.Struct, frozen=True):
    """`Who({"en": "Quiet Persimmon", "ko": "고요한 감"}, "blue")`: `hue` is one of the portal's five dyes."""

    name: dict[str, str]
    hue: str


def person_of(secret: bytes, subject: str) -> str:
    """16 hex digits for a session's subject, the same in every worker; whoever sees them learns nothing of it."""
    return hmac.new(secret, f"presence {subject}".encode(), sha256).hexdigest()[:_PERSON_CHARACTERS]


@lru_cache(maxsize=4096)
def who(person: str) -> Who:
    number, hue = divmod(int(person, 16), len(_HUES))
    number, manner = divmod(number, len(_MANNERS))
    thing = number % len(_THINGS)
    words = zip(_MANNERS[manner], _THINGS[thing], strict=True)
    return Who(dict(zip(("en", "ko"), map(" ".join, words), strict=True)), _HUES[hue])
