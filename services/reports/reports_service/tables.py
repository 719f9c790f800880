"""The reporting tables, shaped like the questions that are asked of them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, Integer, MetaData, String, Table

metadata = MetaData()

counted = Table(
    "counted",
    metadata,
    Column("source", String(10), primary_key=True),
    Column("id", String(100), primary_key=True),
)

day_sales = Table(
    "day_sales",
    metadata,
    Column("business_day", Date, primary_key=True),
    Column("orders", Integer, nullable=False),
    Column("won", BigInteger, nullable=False),
    Column("taken_won", BigInteger, nullable=False),
)

hour_sales = Table(
    "hour_sales",
    metadata,
    Column("business_day", Date, primary_key=True),
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("orders", Integer, nullable=False),
    Column("won", BigInteger, nullable=False),
)

item_sales = Table(
    "item_sales",
    metadata,
    Column("business_day", Date, primary_key=True),
    Column("item_id", String(40), primary_key=True),
    Column("name_en", String(80), nullable=False),
    Column("name_ko", String(80), nullable=False),
    Column("qty", Integer, nullable=False),
    Column("won", BigInteger, nullable=False),
)
