"""`jogak up`: run the portal, or some of its members, in the foreground."""

import argparse
import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jogakbo.cli.control import ControlServer, dial, send
from jogakbo.cli.desk import Desk
from jogakbo.cli.environment import Surroundings, environment_of, url_of
from jogakbo.cli.errors import AlreadyRunning, CliError
from jogakbo.cli.loop import READABLE, Loop
from jogakbo.cli.messages import Borrow, Lent
from jogakbo.cli.output import Output
from jogakbo.cli.portal import Portal, load_portal
from jogakbo.cli.ports import VALKEY, choose_ports, require_free
from jogakbo.cli.preload import SHARED
from jogakbo.cli.probe import http_question, valkey_question
from jogakbo.cli.process import run_module, run_program, stop_with_parent
from jogakbo.cli.state import FolderLock, state_file, write_state
from jogakbo.cli.supervisor import Plan, Supervisor
from jogakbo.cli.unit import Program
from jogakbo.cli.valkey import valkey_arguments


@dataclass(frozen=True, slots=True)
class Order:
    """What the command line asked for."""

    portal: Portal
    names: tuple[str, ...]
    var: Path
    shell_port: int | None
    free_ports: bool
    log_format: str


def run(arguments: argparse.Namespace) -> int:
    """Run until stopped; 0 then. Raises CliError when it cannot start."""
    if arguments.with_parent:
        stop_with_parent()
    portal = load_portal(arguments.portal)
    order = Order(
        portal=portal,
        names=portal.select(arguments.only, arguments.excluded),
        var=arguments.var.resolve(),
        shell_port=arguments.port,
        free_ports=arguments.free_ports,
        log_format=arguments.log_format,
    )
    lock = FolderLock(order.var)
    if lock.take():
        _run_own(order)
    elif arguments.only:
        _run_borrowed(order)
    else:
        raise AlreadyRunning(
            f"a portal already runs with the data folder {order.var}: `jogak status` shows it, `jogak stop` ends it,"
            " `jogak up --only NAME` takes members over, and --var runs another one beside it"
        )
    return 0


def _run_own(order: Order) -> None:
    own_bus = "REDIS_URL" not in os.environ and order.portal.valkey is not None
    started = ((VALKEY,) if own_bus else ()) + order.names
    ports = choose_ports(order.portal, started, order.shell_port, free=order.free_ports)
    require_free(ports, started)
    redis_url = os.environ.get("REDIS_URL") or (f"redis://127.0.0.1:{ports[VALKEY]}/0" if own_bus else "")
    around = _surroundings(order, ports, redis_url, frozenset(order.names))
    bus = (_valkey(ports[VALKEY], order.var),) if own_bus else ()
    loop = Loop()
    supervisor = Supervisor(_plan(order, around, bus), loop, _output(order))
    desk = Desk(supervisor, ports, redis_url)
    state_file(order.var).unlink(missing_ok=True)  # of a supervisor that was killed
    control = ControlServer(order.var / "run", loop, desk.serve)
    supervisor.on_change(lambda: write_state(order.var, supervisor.snapshot()))
    supervisor.on_change(desk.look)
    try:
        supervisor.run()
    finally:
        control.close()
        state_file(order.var).unlink(missing_ok=True)


def _run_borrowed(order: Order) -> None:
    with _borrowed(order) as (lender, lent):
        require_free(lent.ports, order.names)
        around = _surroundings(order, lent.ports, lent.redis_url, frozenset(order.portal.names()))
        loop = Loop()
        supervisor = Supervisor(_plan(order, around, ()), loop, _output(order))

        def lender_left() -> None:
            loop.forget(lender.fileno())
            supervisor.say("the portal that lent these members has ended")
            supervisor.stop()

        loop.watch(lender.fileno(), READABLE, lender_left)
        supervisor.run()


@contextlib.contextmanager
def _borrowed(order: Order) -> Iterator[tuple[socket.socket, Lent]]:
    with dial(order.var / "run") as lender:
        lent = send(lender, Borrow(order.names, os.getpid()))
        if not isinstance(lent, Lent):
            raise CliError("the running portal ended before it could lend its members")
        yield lender, lent


def _surroundings(order: Order, ports: dict[str, int], redis_url: str, started: frozenset[str]) -> Surroundings:
    data = order.var / "data"
    data.mkdir(parents=True, exist_ok=True)
    return Surroundings(order.portal, ports, started, redis_url, data, order.log_format, dict(os.environ))


def _plan(order: Order, around: Surroundings, bus: tuple[Program, ...]) -> Plan:
    members = tuple(
        Program(
            name=member.name,
            run=partial(run_module, member.module),
            environment=environment_of(member, around),
            question=http_question(around.ports[member.name], member.health),
        )
        for member in order.portal.members
        if member.name in order.names
    )
    shell = order.portal.shell()
    front = shell.name if shell and shell.name in around.started else order.names[0]
    modules = SHARED if order.portal.preload is None else order.portal.preload
    return Plan((*bus, *members), modules, url_of(front, around), around.redis_url)


def _valkey(port: int, var: Path) -> Program:
    arguments = valkey_arguments(port, var / "valkey")
    run_it = partial(run_program, arguments)
    return Program(VALKEY, run_it, dict(os.environ), valkey_question(port), quiet=True)


def _output(order: Order) -> Output:
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    return Output(sys.stdout, order.var / "log", colour=colour, prefixes=order.log_format == "console")
