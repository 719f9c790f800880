"""What a command can ask in vain.

InventoryError
├── IngredientUnknownError   nobody keeps such an ingredient
├── DayUnknownError          nothing happened to the ingredient on that day
└── ReservationStateError    a commit or release that contradicts what happened to the order's reservation
"""

from __future__ import annotations

from datetime import date

from inventory_service.domain.reservation import ReservationState


class InventoryError(Exception):
    """Base of everything that the handlers refuse."""


class IngredientUnknownError(InventoryError):
    def __init__(self, ingredient_id: str) -> None:
        super().__init__(f"there is no ingredient {ingredient_id!r}")
        self.ingredient_id = ingredient_id


class DayUnknownError(InventoryError):
    def __init__(self, ingredient_id: str, business_day: date) -> None:
        super().__init__(f"nothing is written about {ingredient_id!r} on {business_day}")


class ReservationStateError(InventoryError):
    """The saga and the stock disagree. Nothing was changed; somebody has to look."""

    def __init__(self, command: str, order_id: str, state: ReservationState | None) -> None:
        super().__init__(f"cannot {command} order {order_id!r}: its reservation is {state or 'unknown'}")
        self.order_id = order_id
        self.state = state
