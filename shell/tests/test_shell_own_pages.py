"""PAGES_DIR: pages of whoever runs the portal, and a start that says what is wrong with them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jogakbo_shell.app import create_app
from jogakbo_shell.registry.page_table import PagesFault
from jogakbo_shell.settings import Settings
from shell.tests.harness import LUNCH, FakeFragmentServer, answer, pages, portal

pytestmark = pytest.mark.anyio


async def test_a_page_of_the_folder_extends_the_layout_and_places_fragments(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = answer("<p>soup")
    folder = pages(
        tmp_path / "pages",
        f"{LUNCH}nav = {{ en = 'Lunch time' }}",
        lunch='{% extends "layout.html" %}{% block main %}{% include "part.html" %}{% endblock %}',
        part='<h1>{{ page.title }}</h1>{{ fragment("cafe/a") }}',
    )
    async with portal(tmp_path, {"cafe": cafe.address}, pages_dir=str(folder)) as shell:
        page = await shell.get("/lunch")
    assert "<h1>Lunch</h1>" in page.text
    assert "<p>soup</p>" in page.text
    assert '<a href="/lunch" aria-current="page">Lunch time</a>' in page.text
    assert '<link rel="stylesheet" href="/-/cafe/assets/cafe.css?v=1">' in page.text


async def test_a_page_of_the_folder_may_be_a_whole_document_and_wins_by_path(tmp_path: Path) -> None:
    document = "<!doctype html>\n<title>{{ page.title }}</title>\n<p>{{ page.locale }}</p>\n"
    folder = pages(tmp_path / "pages", LUNCH.replace("/lunch", "/"), lunch=document)
    async with portal(tmp_path, {}, pages_dir=str(folder)) as shell:
        page = await shell.get("/")
        shells_own = await shell.get("/board")
    assert page.text == "<!doctype html>\n<title>Lunch</title>\n<p>en</p>"
    assert "<main" in shells_own.text


async def test_templates_of_the_same_name_do_not_change_the_shells_pages(tmp_path: Path) -> None:
    table = LUNCH.replace("lunch.html", "board.html")
    folder = pages(tmp_path / "pages", table, board="<p>mine", layout="<p>mine, too")
    async with portal(tmp_path, {}, pages_dir=str(folder)) as shell:
        assert (await shell.get("/lunch")).text == "<p>mine"
        assert "mine" not in (await shell.get("/board")).text


async def test_a_plain_page_is_taken_as_it_is(tmp_path: Path) -> None:
    document = "<!doctype html>\n<style>@media print{#nav{display:none}}</style>\n<p>{{ 1 + 1 }} {% if %}\n"
    folder = pages(tmp_path / "pages", f"{LUNCH}plain = true", lunch=document)
    async with portal(tmp_path, {}, pages_dir=str(folder)) as shell:
        assert (await shell.get("/lunch")).text == document


FAULTS = {
    "no TOML": ("[[page]", r"pages\.toml: .*line 1"),
    "not UTF-8": ("\udcff", r"pages\.toml: .*utf-8"),
    "an unknown key": (f"{LUNCH}titel = 1", r"pages\.toml: .*`titel` - at `\$\.page\[0\]`"),
    "an unknown table": (f"{LUNCH}[[pages]]", r"pages\.toml: .*`pages`"),
    "a missing key": ('[[page]]\npath = "/x"', r"pages\.toml: .*`template` - at `\$\.page\[0\]`"),
    "the wrong type": (LUNCH.replace('"/lunch"', "1"), r"pages\.toml: .*`\$\.page\[0\]\.path`"),
    "no such template": (LUNCH.replace("lunch.html", "x.html"), r"'x\.html'; there is no such file.*page\[0\]"),
    "a relative path": (LUNCH.replace("/lunch", "lunch"), r"'lunch'; expected it to begin with a single '/'"),
    "the shell's path": (LUNCH.replace("/lunch", "/-/lunch"), r"the shell itself answers there"),
    "a wrong parameter": (LUNCH.replace("/lunch", "/{Day}"), r"'/\{Day\}'; expected parameters as in"),
    "two at one path": (LUNCH * 2, r"another page has it already - at `\$\.page\[1\]`"),
    "no title": (LUNCH.replace('en = "Lunch"', ""), r"title is empty"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_table_that_is_wrong_stops_the_start_and_says_where(tmp_path: Path, fault: str) -> None:
    table, message = FAULTS[fault]
    folder = pages(tmp_path / "pages", lunch="")
    (folder / "pages.toml").write_text(table, errors="surrogateescape")
    with pytest.raises(PagesFault, match=message):
        create_app(Settings(shell_data_dir=tmp_path, pages_dir=str(folder)))


BROKEN = {
    "syntax": "\n{% block main %}",
    "an unknown name": "\n{{ pagetitle }}",
    "an unknown attribute": "\n{{ page.tilte }}",
    "an unknown text": "\n{{ t('nothing.like.it') }}",
    "a misspelt fragment": "\n{{ fragment('orders_board') }}",
    "a missing layout": "\n{% extends 'none.html' %}",
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_template_that_is_wrong_stops_the_start_and_says_where(tmp_path: Path, fault: str) -> None:
    folder = pages(tmp_path / "pages", lunch=BROKEN[fault])
    with pytest.raises(PagesFault, match=rf"^{re.escape(str(folder))}/lunch\.html, line 2: "):
        create_app(Settings(shell_data_dir=tmp_path, pages_dir=str(folder)))


def test_a_folder_without_a_table_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(PagesFault, match=r"pages\.toml: No such file"):
        create_app(Settings(shell_data_dir=tmp_path, pages_dir=str(tmp_path)))
