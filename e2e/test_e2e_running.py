"""Starting, restarting and killing what runs, as a team does all day."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil
from playwright.sync_api import expect

from e2e.harness import cafe
from e2e.harness.cafe import piece
from e2e.harness.customer import Customer
from e2e.harness.portal import Portal
from e2e.harness.visitor import Visitor

NewVisitor = Callable[..., Visitor]
BACK_MS = 10_000

# What Chromium itself writes to the console when the stream it listens to is cut.
CUT_STREAM = r"net::ERR_|status of 50[0-9]"


def test_a_killed_portal_leaves_no_process_behind_and_keeps_its_data(tmp_path: Path) -> None:
    first = Portal(tmp_path).wait_ready()
    with Customer(first) as customer:
        order = customer.order("espresso")
    processes = first.processes()
    assert len(processes) == len(first.names()) + 1
    first.process.kill()
    first.process.wait()
    _, alive = psutil.wait_procs(processes, timeout=5)
    assert alive == []

    second = Portal(tmp_path).wait_ready()
    try:
        assert second.ask("orders-service", f"/orders/{order}")["id"] == order
    finally:
        assert second.stop() == 0


def test_restarting_a_pair_interrupts_nobody(portal: Portal, new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    visitor.tolerate(CUT_STREAM)
    page = visitor.go("/")
    cafe.wait_live(page)
    cafe.add(page, "Espresso")
    portal.restart("orders")
    cafe.add(page, "Americano")
    assert cafe.quantity(page, "Espresso") == 1


def test_open_pages_are_live_again_after_a_restart_of_the_shell(portal: Portal, new_visitor: NewVisitor) -> None:
    manager, cashier = new_visitor(), new_visitor()
    cashier.tolerate(CUT_STREAM)
    warnings = piece(cashier.go("/"), "inventory/warnings")
    cafe.wait_live(cashier.page)
    portal.restart("shell")
    manager.go("/stock")
    cafe.enter(manager.page, "Counted", "Whipping cream", 200)
    expect(warnings).to_contain_text("Whipping cream", timeout=BACK_MS)
    cafe.enter(manager.page, "Delivered", "Whipping cream", 3800)
    expect(warnings).not_to_contain_text("Whipping cream", timeout=BACK_MS)
