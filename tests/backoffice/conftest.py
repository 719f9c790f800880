from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backoffice.cafe import Cafe, make_template, unsynchronised

_MEMORY = Path("/dev/shm")


@pytest.fixture(scope="module")
def back_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cafe]:
    """The back office, not open yet; its files are in memory where there is such a place."""
    template = tmp_path_factory.mktemp("template")
    memory = _MEMORY if _MEMORY.is_dir() else None
    with unsynchronised(), tempfile.TemporaryDirectory(prefix="jogakbo-cafe-", dir=memory) as folder:
        make_template(template)
        cafe = Cafe(Path(folder), template)
        yield cafe
        cafe.close()


@pytest.fixture
def cafe(back_office: Cafe) -> Cafe:
    """The back office at noon of its first day."""
    back_office.open_anew()
    return back_office
