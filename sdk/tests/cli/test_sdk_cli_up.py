"""`jogak up` with real processes: what starts, what is started again, and that nothing is left."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import closing
from typing import TYPE_CHECKING, cast

import psutil
import pytest

if TYPE_CHECKING:
    from sdk.tests.cli.conftest import Bench


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return cast(int, probe.getsockname()[1])


def assert_all_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert not alive


def test_everything_is_started_and_the_log_says_where(bench: Bench) -> None:
    portal = bench.start("--free-ports").wait_ready()
    portal.wait_said(f" MB: http://127.0.0.1:{portal.port('shell')}\n")
    assert {name: portal.member(name)["state"] for name in ("valkey", "shell", "tea-fragment", "tea-service")} == {
        "valkey": "ready", "shell": "ready", "tea-fragment": "ready", "tea-service": "ready",
    }  # fmt: skip


def test_members_are_told_where_the_others_are(bench: Bench) -> None:
    portal = bench.start("--free-ports").wait_ready()
    told = {name: cast(dict[str, str], portal.ask(name)["environment"]) for name in ("shell", "tea-fragment")}
    assert told["shell"]["FRAGMENT_SERVERS"] == f"tea=http://127.0.0.1:{portal.port('tea-fragment')}"
    assert told["tea-fragment"]["TEA_SERVICE_URL"] == f"http://127.0.0.1:{portal.port('tea-service')}"
    assert told["tea-fragment"]["REDIS_URL"] == f"redis://127.0.0.1:{portal.port('valkey')}/0"


def test_each_line_of_the_log_is_behind_the_name_of_its_writer_and_in_its_file(bench: Bench) -> None:
    portal = bench.start("--free-ports").wait_ready()
    portal.wait_said("tea-service  │ serving 1")
    assert (bench.var / "log" / "tea-service.log").read_text() == "serving 1\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_in_order_and_leaves_nothing(bench: Bench, number: signal.Signals) -> None:
    portal = bench.start("--free-ports").wait_ready()
    processes = portal.processes()
    assert len(processes) == 4
    assert portal.end(number) == 0
    assert_all_gone(processes)
    assert portal.state() == {}


def test_ctrl_c_while_starting_leaves_nothing(bench: Bench) -> None:
    portal = bench.start("--free-ports")
    portal.wait_said("valkey is ready")
    processes = portal.processes()
    assert portal.end(signal.SIGINT) == 0
    assert_all_gone(processes)


def test_a_stopped_process_is_ended_with_the_rest(bench: Bench) -> None:
    portal = bench.start("--free-ports").wait_ready()
    processes = portal.processes()
    os.kill(portal.pid("tea-service"), signal.SIGSTOP)
    assert portal.end() == 0
    assert_all_gone(processes)


def test_when_the_supervisor_is_killed_nothing_is_left(bench: Bench) -> None:
    portal = bench.start("--free-ports").wait_ready()
    processes = portal.processes()
    portal.process.kill()
    portal.process.wait()
    assert_all_gone(processes)


def test_after_a_killed_supervisor_the_same_folder_starts_again(bench: Bench) -> None:
    first = bench.start("--free-ports").wait_ready()
    processes = first.processes()
    first.process.kill()
    first.process.wait()
    assert_all_gone(processes)
    assert bench.run("status").returncode == 2
    second = bench.start("--free-ports")
    second.wait_said("ready after")
    bench.wait_status(0)


def test_a_member_that_crashes_is_started_again_and_the_log_says_so(bench: Bench) -> None:
    portal = bench.start("--free-ports").wait_ready()
    before = portal.pid("tea-service")
    portal.crash("tea-service")
    portal.wait_said("tea-service exited with code 3; starting it again in 0.25 s")
    portal.wait_another("tea-service", before)
    assert portal.member("tea-service")["restarts"] == 1


def test_a_killed_valkey_comes_back_on_the_same_port(bench: Bench) -> None:
    portal = bench.start("--free-ports").wait_ready()
    before, port = portal.pid("valkey"), portal.port("valkey")
    os.kill(before, signal.SIGKILL)
    portal.wait_said("valkey was killed by SIGKILL; starting it again in 0.25 s")
    portal.wait_another("valkey", before)
    assert portal.port("valkey") == port


def test_ports_that_are_taken_are_named_with_their_member_and_nothing_is_started(bench: Bench) -> None:
    with closing(socket.socket()) as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        text = (bench.folder / "portal.toml").read_text()
        (bench.folder / "portal.toml").write_text(text.replace("8201", str(port)).replace("8379", str(free_port())))
        failed = bench.run("up", "--only", "tea-service")
    assert failed.returncode == 1
    assert f"tea-service          port {port} is in use" in failed.stderr
    assert "--free-ports" in failed.stderr
    assert failed.stdout == ""


@pytest.mark.parametrize("by", ["environment", "flag"])
def test_the_shell_moves_to_another_port(bench: Bench, by: str) -> None:
    port = free_port()
    if by == "flag":
        portal = bench.start("--free-ports", "--port", str(port))
    else:
        portal = bench.start("--free-ports", PORT=str(port))
    portal.wait_ready()
    assert portal.port("shell") == port
    assert portal.state()["url"] == f"http://127.0.0.1:{port}"


def test_a_bus_of_ones_own_is_used_and_none_is_started(bench: Bench) -> None:
    portal = bench.start("--free-ports", REDIS_URL="redis://127.0.0.1:1/0").wait_ready()
    assert "valkey" not in cast(dict[str, object], portal.state()["members"])
    assert cast(dict[str, str], portal.ask("shell")["environment"])["REDIS_URL"] == "redis://127.0.0.1:1/0"


def test_a_second_portal_in_the_same_folder_is_refused(bench: Bench) -> None:
    bench.start("--free-ports").wait_ready()
    refused = bench.run("up", "--free-ports")
    assert refused.returncode == 1
    assert "already runs" in refused.stderr


def test_two_portals_run_beside_each_other_in_folders_of_their_own(bench: Bench) -> None:
    first = bench.start("--free-ports").wait_ready()
    second = bench.start("--free-ports", var=bench.folder / "other").wait_ready()
    assert first.port("shell") != second.port("shell")


def test_a_data_folder_may_have_a_long_path(bench: Bench) -> None:
    var = bench.folder / ("long" * 30) / "var"
    bench.start("--free-ports", var=var).wait_ready()
    assert bench.run("status", var=var).returncode == 0


def test_the_portal_ends_in_order_when_nobody_reads_its_log_any_more(bench: Bench) -> None:
    with bench.start_into_a_pipe("--free-ports") as (portal, log):
        portal.wait_ready()
        processes = portal.processes()
        log.close()
        portal.crash("tea-service")  # something to say
        assert portal.process.wait(10) == 0
    assert_all_gone(processes)


def test_the_portal_ends_when_who_started_it_is_killed(bench: Bench) -> None:
    starter = bench.start_by_another("--free-ports", "--with-parent").wait_ready()
    processes = starter.processes()
    starter.process.kill()
    starter.process.wait()
    assert_all_gone(processes)
