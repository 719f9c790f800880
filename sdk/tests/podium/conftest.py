"""Fragment servers made with the kit, and the real `@podium/layout` in front of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sdk.tests.podium.node import Program
from sdk.tests.podium.node import running as program_running

_HERE = Path(__file__).parent


class Layout:
    def __init__(self, program: Program) -> None:
        self._program = program
        self.origin = f"http://127.0.0.1:{program.ready['port']}"

    def validated(self, address: str) -> dict[str, object]:
        """What `@podium/schemas` says of the manifest there: `value`, with its defaults, and `error`, false if none."""
        return self._program.tell(manifest=f"{address}/manifest.json")


@contextmanager
def layout_of(address: str, *, locale: str = "en-GB") -> Iterator[Layout]:
    """A page `/` with the podlet `cakes`; its query is passed on."""
    podlets = {"cakes": f"{address}/manifest.json"}
    with program_running(_HERE / "layout.mjs", podlets=podlets, locale=locale) as program:
        yield Layout(program)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("member") / "podium_cakes"
    (folder / "templates").mkdir(parents=True)
    (folder / "assets").mkdir()
    (folder / "__init__.py").touch()
    (folder / "assets" / "cakes.css").write_text("@layer fragments.cakes { .cakes-name { color: red } }")
    (folder / "assets" / "cakes.js").write_text("document.title = 'cakes';")
    (folder / "messages.toml").write_text('[en]\nname = "Castella"\n[ko]\nname = "카스텔라"\n')
    (folder / "templates" / "cake.html").write_text(
        '<p class="cakes-name">{{ t("name") }} {{ params.id }}</p>'
        '<form {{ action("eat") }}><input name="note" aria-label="note"></form>'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder.parent)
        yield folder.name
