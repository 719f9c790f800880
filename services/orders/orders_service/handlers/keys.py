"""The surrogate keys that fragments of orders depend on."""

from __future__ import annotations


def order_keys(order_id: str) -> tuple[str, ...]:
    return ("orders", f"order-{order_id}")


def draft_key(sub: str) -> str:
    return f"draft-{sub}"
