"""The tables. ``stock_events`` is the truth; ``stock_levels`` is the read side, made in the same transaction."""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Index, Integer, MetaData, String, Table, Text

from inventory_service.domain.events import EVENT_NAMES, StockEvent
from inventory_service.domain.stock import EMPTY, Stock, evolve
from jogakbo.service.event_store import EventStore

metadata = MetaData()

stock_store: EventStore[Stock, StockEvent] = EventStore(
    metadata, "stock", names=EVENT_NAMES, initial=EMPTY, evolve=evolve
)

ingredients = Table(
    "ingredients",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name_en", String(100), nullable=False),
    Column("name_ko", String(100), nullable=False),
    Column("unit", String(10), nullable=False),
    Column("low_at", Integer, nullable=False),
    Column("place", Integer, nullable=False),
)

stock_levels = Table(
    "stock_levels",
    metadata,
    Column("ingredient_id", ForeignKey("ingredients.id"), primary_key=True),
    Column("on_hand", Integer, nullable=False),
    Column("reserved", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
)

reservations = Table(
    "reservations",
    metadata,
    Column("order_id", String(100), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("business_day", Date),
    Column("lines", Text, nullable=False),
    Column("portions", Text, nullable=False),
    Column("short", Text, nullable=False),
    Index("ix_reservations_state", "state"),
)

recipes = Table(
    "recipes",
    metadata,
    Column("item_id", String(100), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("portions", Text, nullable=False),
)
