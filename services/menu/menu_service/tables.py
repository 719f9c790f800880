"""The menu's tables."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, MetaData, String, Table

metadata = MetaData()

items = Table(
    "items",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("place", Integer, nullable=False),
    Column("name_en", String(80), nullable=False),
    Column("name_ko", String(80), nullable=False),
    Column("category", String(20), nullable=False),
    Column("price_won", BigInteger, nullable=False),
    Column("on_sale", Boolean, nullable=False),
    Column("sold_out", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
)

portions = Table(
    "portions",
    metadata,
    Column("item_id", ForeignKey("items.id"), primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("ingredient_id", String(40), nullable=False, index=True),
    Column("amount", BigInteger, nullable=False),
)

stock = Table(
    "stock",
    metadata,
    Column("ingredient_id", String(40), primary_key=True),
    Column("available", BigInteger, nullable=False),
    Column("name_en", String(80), nullable=False, server_default=""),
    Column("name_ko", String(80), nullable=False, server_default=""),
    Column("unit", String(10), nullable=False, server_default=""),
)
