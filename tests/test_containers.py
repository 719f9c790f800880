"""The container files, as far as they can be judged without an engine."""

from __future__ import annotations

import fnmatch
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import compose_spec
import pytest
import yaml

ROOT = Path(__file__).parent.parent
INFRASTRUCTURE = {"valkey", "postgres"}


@dataclass(frozen=True, slots=True)
class Member:
    """One deployable, as portal.toml and the layout of the house have it."""

    name: str
    kind: str
    module: str
    port: int
    health: str
    needs: frozenset[str]
    database: str

    @property
    def short_name(self) -> str:
        return self.name.removesuffix(f"-{self.kind}")

    @property
    def folder(self) -> str:
        return "shell" if self.kind == "shell" else f"{self.kind}s/{self.short_name}"

    @property
    def dockerfile(self) -> Path:
        return ROOT / self.folder / "Dockerfile"

    def instructions(self) -> list[tuple[str, str]]:
        """The Dockerfile's instructions with continued lines joined: `("COPY", "sdk/jogakbo /app/jogakbo")`."""
        text = re.sub(r"^#.*\n", "", self.dockerfile.read_text("utf-8"), flags=re.MULTILINE)
        lines = re.sub(r"\\\n\s*", "", text).splitlines()
        return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines if line)]

    def copied(self) -> set[str]:
        """What is copied from the build context, not from another stage."""
        copies = [rest.split() for word, rest in self.instructions() if word == "COPY"]
        return {source for words in copies if not words[0].startswith("--from=") for source in words[:-1]}


def _members() -> list[Member]:
    portal = tomllib.loads((ROOT / "portal.toml").read_text("utf-8"))
    return [
        Member(
            entry["name"],
            entry["kind"],
            entry["module"],
            entry["port"],
            entry.get("health", "/readyz"),
            frozenset(entry.get("needs", ())),
            entry.get("database", ""),
        )
        for entry in portal["member"]
    ]


@dataclass(frozen=True, slots=True)
class Container:
    """One service of docker-compose.yml."""

    networks: frozenset[str]
    waits_for: dict[str, str]
    environment: dict[str, str]
    ports: list[str]
    rest: dict[str, object]


def _interpolated(text: str) -> str:
    """The file as Compose reads it when nothing is set: `${A:-b}` is b, a password is its variable's name."""
    return re.sub(r"\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}", lambda match: match[2] or match[1], text)


COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
COMPOSE = yaml.safe_load(_interpolated(COMPOSE_TEXT))
CONTAINERS = {
    name: Container(
        frozenset(service["networks"]),
        {other: wait["condition"] for other, wait in service.get("depends_on", {}).items()},
        {key: str(value) for key, value in service.get("environment", {}).items()},
        service.get("ports", []),
        service,
    )
    for name, service in COMPOSE["services"].items()
}
MEMBERS = _members()
ALONE = "gateway-service"
"""Somebody else's: it knows neither the portal's bus nor its people."""

every_member = pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
every_container = pytest.mark.parametrize("name", CONTAINERS)


@every_member
def test_hadolint_has_nothing_to_say_about_a_dockerfile(member: Member) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")

    found = subprocess.run([hadolint, member.dockerfile], capture_output=True, text=True, check=False)

    assert (found.returncode, found.stdout) == (0, "")


@every_member
def test_an_image_holds_its_own_code_and_the_sdk_alone(member: Member) -> None:
    assert member.copied() == {
        "requirements.lock",
        "deploy/locked.py",
        "sdk/pyproject.toml",
        "sdk/README.md",
        "sdk/jogakbo",
        f"{member.folder}/pyproject.toml",
        f"{member.folder}/README.md",
        f"{member.folder}/{member.module}",
    }


@every_member
def test_the_build_context_lets_through_what_an_image_copies(member: Member) -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    allowed = [line.removeprefix("!") for line in lines if line.startswith("!")]

    assert "*" in lines
    assert [path for path in member.copied() if not any(fnmatch.fnmatch(path, a) for a in allowed)] == []


@every_member
def test_an_image_runs_its_module_on_its_port_as_nobody_special(member: Member) -> None:
    instructions = member.instructions()
    last = dict(instructions)

    assert instructions[0][0] == "ARG"
    assert {rest.split()[0] for word, rest in instructions if word == "FROM"} == {"${PYTHON_IMAGE}"}
    assert last["USER"] == "10001:10001"
    assert f"PORT={member.port}" in last["ENV"].split()
    assert last["EXPOSE"] == str(member.port)
    assert json.loads(last["CMD"]) == ["python", "-m", member.module]


@every_member
def test_an_image_asks_for_its_health_where_portal_toml_says(member: Member) -> None:
    check = dict(member.instructions())["HEALTHCHECK"]

    assert f"'{member.health}'" in check
    assert "urllib" in check


def test_the_compose_file_follows_the_compose_specification() -> None:
    plain = {key: value for key, value in COMPOSE.items() if not key.startswith("x-")}

    parsed = compose_spec.PyCompose.from_json(json.dumps(plain))

    assert set(parsed.service_names()) == set(CONTAINERS)


def test_containers_are_the_members_of_portal_toml_on_valkey_and_postgresql() -> None:
    assert set(CONTAINERS) == {member.name for member in MEMBERS} | INFRASTRUCTURE


@every_member
def test_a_container_waits_for_what_its_member_needs(member: Member) -> None:
    infrastructure = {"shell": {"valkey"}, "fragment": set(), "service": INFRASTRUCTURE}[member.kind]
    infrastructure = infrastructure - {"valkey"} if member.name == ALONE else infrastructure

    assert set(CONTAINERS[member.name].waits_for) == member.needs | infrastructure
    assert set(CONTAINERS[member.name].waits_for.values()) <= {"service_healthy"}


@every_member
def test_addresses_between_containers_are_those_of_portal_toml(member: Member) -> None:
    address = {other.name: f"http://{other.name}:{other.port}" for other in MEMBERS}
    environment = CONTAINERS[member.name].environment

    assert environment["PORT"] == str(member.port)
    if member.kind == "shell":
        named = dict(word.split("=") for word in environment["FRAGMENT_SERVERS"].split())
        assert named == {need.removesuffix("-fragment"): address[need] for need in member.needs}
    else:
        keys = None if member.name == ALONE else address["shell"] + "/.well-known/jwks.json"
        assert environment.get("JWKS_URL") == keys
        for need in member.needs:
            assert environment[need.upper().replace("-", "_") + "_URL"] == address[need]


@every_member
def test_a_container_knows_the_password_of_its_own_database_alone(member: Member) -> None:
    own = f"{member.database.upper()}_DATABASE"
    expected = (
        {f"{own}_URL": f"postgresql+psycopg://{member.database}:{own}_PASSWORD@postgres/{member.database}"}
        if member.database
        else {}
    )

    environment = CONTAINERS[member.name].environment
    assert {key: value for key, value in environment.items() if "DATABASE" in key + value} == expected
    assert not member.database or f"{own}_PASSWORD" in CONTAINERS["postgres"].environment


@every_member
def test_networks_join_only_who_may_talk(member: Member) -> None:
    expected = {
        "shell": {"public", "fragments", "bus"},
        "fragment": {"fragments", member.short_name},
        "service": {"databases", "bus", member.short_name, *(need.removesuffix("-service") for need in member.needs)},
    }[member.kind]

    assert CONTAINERS[member.name].networks == expected - ({"bus"} if member.name == ALONE else set())


def test_only_the_shell_can_be_reached_from_outside_and_by_default_from_this_machine_alone() -> None:
    assert {name: box.ports for name, box in CONTAINERS.items() if box.ports} == {"shell": ["127.0.0.1:8000:8000"]}
    closed = {name for name, network in COMPOSE["networks"].items() if network and network["internal"]}
    assert set(COMPOSE["networks"]) - closed == {"public"}


@every_container
def test_a_container_is_limited_restarted_and_without_privileges(name: str) -> None:
    container = CONTAINERS[name].rest

    assert {"mem_limit", "cpus", "pids_limit", "ulimits"} <= container.keys()
    assert container["restart"] == "unless-stopped"
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["read_only"] is (name != "postgres")


def test_every_password_that_the_compose_file_asks_for_is_made_by_the_script() -> None:
    made = subprocess.run(["sh", ROOT / "deploy/passwords.sh"], capture_output=True, text=True, check=True)

    names = re.findall(r"^(\w+_PASSWORD)=[0-9a-f]{36}$", made.stdout, flags=re.MULTILINE)
    assert set(names) == set(re.findall(r"\$\{(\w+_PASSWORD)", COMPOSE_TEXT))


@every_member
def test_the_lock_holds_everything_that_a_member_declares(member: Member) -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    locked = set(re.findall(r"^([a-z0-9-]+)==", lock, flags=re.MULTILINE))
    script = (
        "import runpy, sys; from pathlib import Path; m = runpy.run_path('deploy/locked.py');"
        "read = m['Declared'].read;"
        "print(*m['outside_requirements'](read(Path(sys.argv[1])), read(Path('sdk'))), sep='\\n')"
    )

    declared = subprocess.run(
        [sys.executable, "-c", script, member.folder], cwd=ROOT, capture_output=True, text=True, check=True
    )

    names = {re.split(r"[\[<>=~! ;]", line)[0].lower() for line in declared.stdout.splitlines()}
    assert len(names) > 5
    assert names <= locked
