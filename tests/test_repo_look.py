"""Facts about stylesheets, templates and texts of all members, found before a browser shows them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PORTAL_CSS = (ROOT / "shell/jogakbo_shell/static/portal.css").read_text("utf-8")
FRAGMENT_STYLES = sorted(ROOT.glob("fragments/*/*_fragment/assets/*.css"))
PACKAGES = [ROOT / "shell/jogakbo_shell", *sorted(ROOT.glob("fragments/*/*_fragment"))]

_COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|hsl|oklch|lab)a?\(")
_DEFINED = re.compile(r"(--[a-z][a-z0-9-]*)\s*:")
_USED = re.compile(r"var\((--[a-z][a-z0-9-]*)\s*([,)])")
_RAW = ("--hanji-", "--ink-", "--indigo-", "--safflower-", "--gardenia-", "--mugwort-")
_TEXT = re.compile(r"""\bt\("([a-z][\w.-]*)"[,)]""")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def without_comments(css: str) -> str:
    return re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)


@pytest.mark.parametrize("style", FRAGMENT_STYLES, ids=name_of)
def test_a_fragments_style_reads_semantic_tokens_and_defines_none_for_others(style: Path) -> None:
    css = without_comments(style.read_text("utf-8"))
    assert not _COLOUR.findall(css)
    assert ":root" not in css
    assert not [token for token, _ in _USED.findall(css) if token.startswith(_RAW)]


@pytest.mark.parametrize("style", FRAGMENT_STYLES, ids=name_of)
def test_every_token_that_a_fragment_reads_is_defined(style: Path) -> None:
    css = without_comments(style.read_text("utf-8"))
    known = set(_DEFINED.findall(PORTAL_CSS)) | set(_DEFINED.findall(css))
    assert not {token for token, end in _USED.findall(css) if end == ")"} - known


def test_every_token_of_the_portal_is_defined_and_used() -> None:
    css = without_comments(PORTAL_CSS)
    everywhere = css + "".join(style.read_text("utf-8") for style in FRAGMENT_STYLES)
    defined, used = set(_DEFINED.findall(css)), {token for token, _ in _USED.findall(everywhere)}
    assert not {token for token, end in _USED.findall(css) if end == ")"} - defined
    assert not defined - used


def test_the_portal_fixes_the_order_of_the_layers() -> None:
    first_rule = without_comments(PORTAL_CSS).strip().split(";")[0]
    assert first_rule == "@layer reset, tokens, base, components, fragments, utilities"


def texts_of(package: Path) -> Mapping[str, set[str]]:
    document = tomllib.loads((package / "messages.toml").read_text("utf-8"))
    return {locale: set(_keys(table)) for locale, table in document.items()}


def _keys(table: Mapping[str, object], prefix: str = "") -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _keys(value, f"{prefix}{key}.")
        else:
            yield prefix + key


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_every_text_that_a_template_names_exists_in_both_languages(package: Path) -> None:
    templates = [*package.glob("templates/*.html"), *package.glob("pages/*.html")]
    named = {key for template in templates for key in _TEXT.findall(template.read_text("utf-8"))}
    texts = texts_of(package)
    assert named
    assert texts["en"] == texts["ko"]
    assert not named - texts["en"]


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_no_template_needs_what_the_content_security_policy_refuses(package: Path) -> None:
    for template in [*package.glob("templates/*.html"), *package.glob("pages/*.html")]:
        html = template.read_text("utf-8")
        assert not re.findall(r"""\sstyle=|\son[a-z]+=|<style|<script(?!\{\{|[^>]*\bsrc=)|hx-on""", html), template.name


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_a_template_is_short(package: Path) -> None:
    for template in [*package.glob("templates/*.html"), *package.glob("pages/*.html")]:
        assert len(template.read_text("utf-8").splitlines()) <= 40, template.name
