from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backoffice.cafe import make_template, unsynchronised
from tests.backoffice.machine import BackOffice


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The databases of a café that opens for the first time."""
    folder = tmp_path_factory.mktemp("cafe")
    with unsynchronised():
        make_template(folder)
        BackOffice.template = folder
        yield folder
