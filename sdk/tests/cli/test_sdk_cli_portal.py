"""portal.toml: what it may say, what it means for members' environments, and which names are meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from jogakbo.cli.environment import Surroundings, environment_of
from jogakbo.cli.errors import PortalFileError, UnknownMember
from jogakbo.cli.portal import Portal, load_portal

TEXT = """
[valkey]
port = 8379

[[member]]
name = "shell"
kind = "shell"
module = "jogakbo_shell"
port = 8000
needs = ["tea-fragment"]

[[member]]
name = "tea-fragment"
kind = "fragment"
module = "tea_fragment"
port = 8101
needs = ["tea-service"]

[[member]]
name = "tea-service"
kind = "service"
module = "tea_service"
port = 8201
database = "tea"
env = { TEA_GREEN = "yes" }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "portal.toml"
    file.write_text(TEXT)
    return file


@pytest.fixture
def portal(file: Path) -> Portal:
    return load_portal(file)


def surroundings(portal: Portal, *, started: set[str] | None = None, **outer: str) -> Surroundings:
    ports = {"shell": 8000, "tea-fragment": 8101, "tea-service": 8201, "valkey": 8379}
    return Surroundings(
        portal=portal,
        ports=ports,
        started=frozenset(portal.names() if started is None else started),
        redis_url="redis://127.0.0.1:8379/0",
        data=Path("/srv/var/data"),
        log_format="console",
        outer=outer,
    )


def test_a_service_gets_a_database_of_its_own(portal: Portal) -> None:
    environment = environment_of(portal.members[2], surroundings(portal))
    assert environment["TEA_DATABASE_URL"] == "sqlite:////srv/var/data/tea.db"
    assert environment["PORT"] == "8201"
    assert environment["TEA_GREEN"] == "yes"


def test_members_learn_the_shells_keys_and_the_shell_learns_the_fragment_servers(portal: Portal) -> None:
    shell, fragment, _ = portal.members
    around = surroundings(portal)
    assert environment_of(shell, around)["FRAGMENT_SERVERS"] == "tea=http://127.0.0.1:8101"
    assert environment_of(shell, around)["SHELL_DATA_DIR"] == "/srv/var/data/shell"
    assert environment_of(fragment, around)["JWKS_URL"] == "http://127.0.0.1:8000/.well-known/jwks.json"


def test_without_the_shell_nobody_is_asked_for_keys(portal: Portal) -> None:
    around = surroundings(portal, started={"tea-fragment", "tea-service"})
    assert environment_of(portal.members[1], around)["JWKS_URL"] == ""


def test_what_the_user_has_set_wins(portal: Portal) -> None:
    around = surroundings(portal, TEA_DATABASE_URL="postgresql+psycopg://elsewhere/tea", LANG="ko_KR.UTF-8")
    environment = environment_of(portal.members[2], around)
    assert environment["TEA_DATABASE_URL"] == "postgresql+psycopg://elsewhere/tea"
    assert environment["LANG"] == "ko_KR.UTF-8"


def test_host_opens_the_shell_alone(portal: Portal) -> None:
    around = surroundings(portal, HOST="0.0.0.0", PORT="9000")
    assert environment_of(portal.members[0], around)["HOST"] == "0.0.0.0"
    assert environment_of(portal.members[1], around)["HOST"] == "127.0.0.1"
    assert environment_of(portal.members[1], around)["PORT"] == "8101"


def test_names_may_be_short(portal: Portal) -> None:
    assert portal.select(["tea"]) == ("tea-fragment", "tea-service")
    assert portal.select([], ["tea-fragment"]) == ("shell", "tea-service")


def test_an_unknown_name_is_answered_with_those_that_exist(portal: Portal) -> None:
    with pytest.raises(UnknownMember, match=r"'coffee'; portal.toml has shell, tea-fragment, tea-service"):
        portal.select(["coffee"])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("port = 8101", "Expected `int`, got `str` - at `\\$.member\\[1\\].port`"),
        ('kind = "fragment"', "Invalid enum value 'kitchen'"),
        ('needs = ["tea-service"]', "'tea-fragment' needs 'nobody', which is not a member"),
        ('name = "tea-service"', "two members are called 'tea-fragment'"),
        ('database = "tea"', "unknown field `databse`"),
    ],
)
def test_a_fault_in_portal_toml_is_named_with_its_place(file: Path, wrong: str, said: str) -> None:
    faults = {
        "port = 8101": 'port = "8101"',
        'kind = "fragment"': 'kind = "kitchen"',
        'needs = ["tea-service"]': 'needs = ["nobody"]',
        'name = "tea-service"': 'name = "tea-fragment"',
        'database = "tea"': 'databse = "tea"',
    }
    file.write_text(TEXT.replace(wrong, faults[wrong]))
    with pytest.raises(PortalFileError, match=said):
        load_portal(file)


def test_a_missing_portal_toml_says_where_to_run(tmp_path: Path) -> None:
    with pytest.raises(PortalFileError, match="run this in the project's folder or give --portal"):
        load_portal(tmp_path / "portal.toml")
