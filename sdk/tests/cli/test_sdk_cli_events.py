"""`jogak events tail` on a real Valkey."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from jogakbo.cli.main import main
from jogakbo.contract.streams import EVENT_FIELD, stream_name

if TYPE_CHECKING:
    from sdk.tests.conftest import Valkey


def append(client: redis.Redis, stream: str, position: str, *, second: int = 0) -> None:
    event = (
        f'{{"specversion":"1.0","id":"{position}","source":"{stream}","type":"{stream}.Changed","subject":"42",'
        f'"time":"2026-01-02T03:04:{second:02}Z","keys":"{stream}","data":{{"on":"{position}"}}}}'
    )
    client.xadd(stream_name(stream), {EVENT_FIELD: event}, id=position)


@pytest.fixture
def client(valkey: Valkey) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(valkey.url)
    yield client
    client.close()


def tail(valkey: Valkey, *words: str) -> int:
    return main(["events", "tail", "menu", "orders", "--redis-url", valkey.url, "--no-follow", *words])


def test_events_of_several_streams_are_printed_in_order_of_time(
    valkey: Valkey, client: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    append(client, "orders", "7-1", second=1)
    append(client, "menu", "9-1", second=2)
    append(client, "orders", "7-2", second=3)
    assert tail(valkey, "--from", "0") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1:5] for line in lines] == [
        ["orders", "7-1", "orders.Changed", "42"],
        ["menu", "9-1", "menu.Changed", "42"],
        ["orders", "7-2", "orders.Changed", "42"],
    ]
    assert '[orders]  {"on":"7-1"}' in lines[0]


def test_from_a_position_prints_what_follows(
    valkey: Valkey, client: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    append(client, "orders", "7-1")
    append(client, "orders", "7-2")
    tail(valkey, "--from", "7-1", "--format", "json")
    assert '"id":"7-2"' in capsys.readouterr().out


def test_an_entry_that_is_no_event_is_shown_as_such(
    valkey: Valkey, client: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    client.xadd(stream_name("orders"), {EVENT_FIELD: "rubbish"})
    tail(valkey, "--from", "0")
    assert "not a CloudEvent: b'rubbish'" in capsys.readouterr().out


def test_it_follows_until_ctrl_c(valkey: Valkey, client: redis.Redis) -> None:
    append(client, "orders", "7-1")
    command = [sys.executable, "-m", "jogakbo.cli", "events", "tail", "orders", "--redis-url", valkey.url]
    with subprocess.Popen([*command, "--from", "7-1"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        append(client, "orders", "7-2")
        assert "7-2" in process.stdout.readline()
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(10) == 130


def test_without_a_bus_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["events", "tail", "orders", "--redis-url", "redis://127.0.0.1:1/0"]) == 2
    assert "the bus does not answer" in capsys.readouterr().err


def test_without_a_portal_it_asks_for_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    assert main(["events", "tail", "orders", "--var", str(tmp_path)]) == 2
    assert "give --redis-url" in capsys.readouterr().err
