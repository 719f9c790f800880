"""Commands that talk to a running portal: restart, status, stop, and `up --only` beside it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdk.tests.cli.conftest import Bench


def test_restart_runs_the_code_that_is_on_disk_now_and_leaves_the_others_alone(bench: Bench) -> None:
    portal = bench.start("--free-ports").wait_ready()
    others = [portal.pid("shell"), portal.pid("tea-service")]
    bench.write_member("tea", version=2)
    restarted = bench.run("restart", "tea-fragment")
    assert restarted.returncode == 0, restarted.stderr
    assert portal.ask("tea-fragment")["version"] == 2
    assert portal.ask("tea-service")["version"] == 1
    assert [portal.pid("shell"), portal.pid("tea-service")] == others


def test_a_short_name_means_the_pair(bench: Bench) -> None:
    bench.start("--free-ports").wait_ready()
    restarted = bench.run("restart", "tea")
    assert "tea-fragment is ready" in restarted.stdout
    assert "tea-service is ready" in restarted.stdout


def test_restarting_what_does_not_exist_names_what_does(bench: Bench) -> None:
    bench.start("--free-ports").wait_ready()
    failed = bench.run("restart", "coffee")
    assert failed.returncode == 1
    assert "no member is called 'coffee'" in failed.stderr
    assert "tea-service" in failed.stderr


def test_restarting_into_broken_code_fails_and_mending_it_heals(bench: Bench) -> None:
    portal = bench.start("--free-ports").wait_ready()
    broken = bench.folder / "fake_shell" / "__main__.py"
    broken.write_text("raise ValueError('half an edit')")
    failed = bench.run("restart", "shell")
    assert failed.returncode == 1
    assert "shell did not start" in failed.stderr
    portal.wait_said("ValueError: half an edit")
    bench.write_member("shell", version=2)
    portal.wait_state("shell", "ready")
    assert portal.ask("shell")["version"] == 2


def test_status_shows_every_member(bench: Bench) -> None:
    portal = bench.start("--free-ports").wait_ready()
    status = bench.run("status")
    assert status.returncode == 0
    assert f"{portal.pid('tea-service')}" in status.stdout
    assert f"http://127.0.0.1:{portal.port('shell')}" in status.stdout


def test_stop_ends_the_portal(bench: Bench) -> None:
    portal = bench.start("--free-ports").wait_ready()
    assert bench.run("stop").returncode == 0
    assert portal.process.wait(5) == 0


def test_without_a_portal_the_commands_say_how_to_start_one(bench: Bench) -> None:
    for words in (["status"], ["stop"], ["restart", "shell"]):
        failed = bench.run(*words)
        assert failed.returncode == 2
        assert "jogak up" in failed.stderr


def test_only_starts_just_these_and_the_bus(bench: Bench) -> None:
    portal = bench.start("--only", "tea", "--free-ports").wait_ready()
    assert list(portal.members()) == ["valkey", "tea-fragment", "tea-service"]


def test_except_starts_the_others(bench: Bench) -> None:
    portal = bench.start("--except", "tea-service", "--free-ports").wait_ready()
    assert list(portal.members()) == ["valkey", "shell", "tea-fragment"]


def test_only_takes_members_over_from_a_running_portal_and_gives_them_back(bench: Bench) -> None:
    portal = bench.start("--free-ports").wait_ready()
    shell = portal.pid("shell")
    second = bench.start("--only", "tea-service")
    second.wait_said("ready after")
    assert portal.member("tea-service")["state"] == "lent"
    second.wait_said("tea-service │ serving 1")
    assert portal.ask("tea-service")["pid"] in [process.pid for process in second.processes()]
    assert second.end(signal.SIGINT) == 0
    portal.wait_said("tea-service came back")
    portal.wait_state("tea-service", "ready")
    assert portal.ask("tea-service")["pid"] == portal.pid("tea-service")
    assert portal.pid("shell") == shell


def test_members_come_back_from_a_process_that_was_killed(bench: Bench) -> None:
    portal = bench.start("--free-ports").wait_ready()
    second = bench.start("--only", "tea-service")
    second.wait_said("ready after")
    second.process.kill()
    portal.wait_said("tea-service came back")
    portal.wait_state("tea-service", "ready")


def test_a_lent_member_cannot_be_restarted_from_here(bench: Bench) -> None:
    bench.start("--free-ports").wait_ready()
    second = bench.start("--only", "tea-service")
    second.wait_said("ready after")
    failed = bench.run("restart", "tea-service")
    assert failed.returncode == 1
    assert f"runs in the foreground of process {second.process.pid}" in failed.stderr


def test_who_borrowed_stops_when_the_portal_does(bench: Bench) -> None:
    portal = bench.start("--free-ports").wait_ready()
    second = bench.start("--only", "tea-service")
    second.wait_said("ready after")
    portal.end()
    assert second.process.wait(10) == 0
