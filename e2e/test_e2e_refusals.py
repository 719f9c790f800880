"""Orders that cannot be: the guest reads why, and nothing is charged."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from e2e.harness import cafe
from e2e.harness.cafe import piece
from e2e.harness.visitor import Visitor

NewVisitor = Callable[..., Visitor]
DECLINED = "Card ending 0002 (sandbox card, gets declined)"


def test_a_declined_card_cancels_the_order_and_charges_nothing(new_visitor: NewVisitor) -> None:
    guest, manager = new_visitor().page, new_visitor().page
    manager.goto("/till")
    cafe.wait_live(manager)
    takings = cafe.shown_won(piece(manager, "till/day").inner_text())
    address = cafe.order(guest, "Espresso", payment=DECLINED)
    expect(guest.get_by_text("The order was cancelled.")).to_be_visible()
    expect(guest.get_by_text("The card was declined. Nothing was charged")).to_be_visible()
    payment = piece(manager, "till/payments").get_by_role("row").filter(has_text=address.rsplit("/", 1)[1])
    expect(payment.get_by_text("Declined")).to_be_visible()
    assert cafe.shown_won(piece(manager, "till/day").inner_text()) == takings


def test_what_is_held_for_a_declined_order_is_free_again(new_visitor: NewVisitor) -> None:
    guest, manager = new_visitor().page, new_visitor().page
    manager.goto("/stock?ingredient=yuzu-cheong")
    cafe.wait_live(manager)
    amount = cafe.level(manager, "Yuzu preserve").locator(".inventory-amount").inner_text()
    cafe.order(guest, "Yuzu tea", payment=DECLINED)
    expect(guest.get_by_text("The order was cancelled.")).to_be_visible()
    expect(piece(manager, "inventory/history").get_by_role("cell", name="Hold released").first).to_be_visible()
    expect(cafe.level(manager, "Yuzu preserve").locator(".inventory-amount")).to_have_text(amount)
    expect(cafe.level(manager, "Yuzu preserve")).not_to_contain_text("held for orders")


def test_an_order_for_more_than_there_is_is_refused_and_names_what_is_short(new_visitor: NewVisitor) -> None:
    guest, manager = new_visitor().page, new_visitor().page
    manager.goto("/stock")
    cafe.enter(manager, "Counted", "Croissants", 1)
    expect(cafe.level(manager, "Croissants").locator(".inventory-amount")).to_have_text("1 pcs")
    guest.goto("/")
    cafe.add(guest, "Butter croissant", times=2)
    cafe.place(guest)
    expect(guest.get_by_text("We cannot make this order.")).to_be_visible()
    expect(guest.get_by_text("Not enough left: Croissants. Nothing was charged.")).to_be_visible()
    cafe.enter(manager, "Delivered", "Croissants", 39)
    expect(cafe.level(manager, "Croissants").locator(".inventory-amount")).to_have_text("40 pcs")


def test_what_is_gone_is_sold_out_on_every_open_menu_until_it_is_delivered(new_visitor: NewVisitor) -> None:
    guest, manager = new_visitor().page, new_visitor().page
    guest.goto("/")
    cafe.wait_live(guest)
    manager.goto("/stock")
    toast = piece(guest, "menu/list").get_by_role("listitem").filter(has_text="Injeolmi red bean toast")
    cafe.enter(manager, "Counted", "Salt bread", 0)
    expect(toast.get_by_text("Sold out")).to_be_visible()
    expect(toast.get_by_role("button")).to_have_count(0)
    expect(piece(guest, "inventory/warnings").get_by_role("listitem").filter(has_text="Salt bread")).to_contain_text(
        "Out"
    )
    cafe.enter(manager, "Delivered", "Salt bread", 40)
    expect(toast.get_by_role("button")).to_be_visible()
