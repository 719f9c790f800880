"""The first stock of the café: what stands on the shelves when the service starts for the first time."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, insert, select

from inventory_service.adapters.books import send
from inventory_service.adapters.messages import StockChanged
from inventory_service.adapters.tables import ingredients, stock_levels, stock_store
from inventory_service.domain.events import DayOpened
from inventory_service.domain.ingredient import Ingredient, Name, Unit
from inventory_service.domain.stock import EMPTY
from inventory_service.handlers.ports import Shelf
from jogakbo.service.clock import Clock
from jogakbo.service.event_store import Loaded, Stream

# id, unit, English, Korean, amount on hand, amount at which it is low
_INGREDIENTS: tuple[tuple[str, Unit, str, str, int, int], ...] = (
    ("beans", "g", "Coffee beans", "원두", 12_000, 2_000),
    ("milk", "ml", "Milk", "우유", 30_000, 5_000),
    ("oat-milk", "ml", "Oat milk", "귀리 우유", 10_000, 2_000),
    ("cream", "ml", "Whipping cream", "생크림", 4_000, 800),
    ("ice", "g", "Ice", "얼음", 60_000, 10_000),
    ("sparkling-water", "ml", "Sparkling water", "탄산수", 15_000, 3_000),
    ("vanilla-syrup", "ml", "Vanilla syrup", "바닐라 시럽", 3_000, 500),
    ("chocolate-sauce", "ml", "Chocolate sauce", "초콜릿 소스", 3_000, 500),
    ("matcha", "g", "Matcha powder", "말차 가루", 1_000, 150),
    ("earl-grey", "piece", "Earl Grey tea bags", "얼그레이 티백", 200, 40),
    ("barley-tea", "piece", "Barley tea bags", "보리차 티백", 200, 40),
    ("yuzu-cheong", "g", "Yuzu preserve", "유자청", 4_000, 700),
    ("omija-cheong", "ml", "Omija syrup", "오미자청", 4_000, 600),
    ("misutgaru", "g", "Roasted grain powder", "미숫가루", 3_000, 500),
    ("honey", "g", "Honey", "꿀", 3_000, 500),
    ("croissant", "piece", "Croissants", "크루아상", 40, 8),
    ("salt-bread", "piece", "Salt bread", "소금빵", 40, 8),
    ("rice-cake", "piece", "Injeolmi rice cakes", "인절미", 120, 24),
    ("red-bean", "g", "Sweet red bean paste", "단팥", 4_000, 600),
    ("butter", "g", "Butter", "버터", 2_000, 300),
)


def seed_with(clock: Clock) -> Callable[[Connection], None]:
    def seed(connection: Connection) -> None:
        if connection.execute(select(ingredients.c.id).limit(1)).first() is not None:
            return
        for place, (id_, unit, en, ko, amount, low_at) in enumerate(_INGREDIENTS):
            _shelve(connection, clock, Ingredient(id_, Name(en, ko), unit, low_at), amount, place)

    return seed


def _shelve(connection: Connection, clock: Clock, ingredient: Ingredient, amount: int, place: int) -> None:
    connection.execute(
        insert(ingredients).values(
            id=ingredient.id,
            name_en=ingredient.name.en,
            name_ko=ingredient.name.ko,
            unit=ingredient.unit,
            low_at=ingredient.low_at,
            place=place,
        )
    )
    connection.execute(insert(stock_levels).values(ingredient_id=ingredient.id, on_hand=amount, reserved=0, revision=1))
    empty = Loaded(Stream(ingredient.id, clock.business_day()), 0, EMPTY)
    opened = stock_store.append(connection, empty, [DayOpened(amount)], at=clock.now())
    shelf = Shelf(ingredient, opened.stream.business_day, opened.version, opened.state)
    send(connection, StockChanged.of(shelf))
