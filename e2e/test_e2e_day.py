"""The day of a café: several people at several browsers, and everything that changes appears by itself."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from e2e.harness import cafe
from e2e.harness.cafe import LIVE_MS, piece
from e2e.harness.portal import Portal
from e2e.harness.visitor import Visitor

NewVisitor = Callable[..., Visitor]


def test_the_counter_is_one_page_of_five_fragments(visitor: Visitor) -> None:
    page = visitor.go("/")
    for name in ("menu/list", "orders/cart", "orders/queue", "inventory/warnings", "till/today"):
        expect(piece(page, name)).to_be_visible()
        assert piece(page, name).get_attribute("data-state") in (None, "fresh")
    expect(piece(page, "menu/list").get_by_role("button", name="Americano").first).to_be_visible()


def test_an_order_goes_from_the_counter_over_the_board_to_the_guest(new_visitor: NewVisitor) -> None:
    cashier, barista, guest = (new_visitor().page for _ in range(3))
    barista.goto("/board")
    cafe.wait_live(barista)

    address = cafe.order(cashier, "Café latte", name="Seoyeon")
    number = cafe.number(cashier)
    guest.goto(address)
    cafe.wait_live(guest)

    expect(cafe.column(barista, "To make").get_by_text("Seoyeon")).to_be_visible()
    for press, column, words in [
        (f"Take order {number}", "In hand", "Your order is being made."),
        (f"Finish order {number}", "Ready", "Ready. Please pick it up."),
    ]:
        barista.get_by_role("button", name=press, exact=True).click()
        expect(guest.get_by_role("status").filter(has_text=words)).to_be_visible(timeout=LIVE_MS)
        expect(cafe.column(barista, column).get_by_text("Seoyeon")).to_be_visible()
    barista.get_by_role("button", name=f"Hand over order {number}", exact=True).click()
    expect(guest.get_by_text("Handed over. Enjoy.")).to_be_visible(timeout=LIVE_MS)
    expect(barista.get_by_text("Seoyeon")).to_have_count(0)


def test_what_is_sold_shows_in_the_queue_the_stock_and_the_takings_of_others(new_visitor: NewVisitor) -> None:
    cashier, colleague, manager = (new_visitor().page for _ in range(3))
    colleague.goto("/")
    manager.goto("/stock?ingredient=matcha")
    for page in (colleague, manager):
        cafe.wait_live(page)
    takings = cafe.shown_won(piece(colleague, "till/today").inner_text())
    matcha = cafe.level(manager, "Matcha powder").locator(".inventory-amount").inner_text()

    cafe.order(cashier, "Matcha latte", payment="Card ending 4242")
    number = cafe.number(cashier)

    expect(piece(colleague, "orders/queue").get_by_role("link", name=f"{number} Matcha latte")).to_be_visible()
    price = cafe.shown_won(piece(cashier, "orders/track").inner_text())
    expect(piece(colleague, "till/today")).to_contain_text(f"₩{takings + price:,}")
    expect(cafe.level(manager, "Matcha powder").locator(".inventory-amount")).not_to_have_text(matcha)
    expect(piece(manager, "inventory/history").get_by_role("cell", name="Used").first).to_be_visible()


def test_the_till_and_the_reports_tell_the_day(new_visitor: NewVisitor) -> None:
    cashier, manager, analyst = (new_visitor().page for _ in range(3))
    manager.goto("/till")
    analyst.goto("/reports")
    for page in (manager, analyst):
        cafe.wait_live(page)
    takings = cafe.shown_won(piece(manager, "till/day").inner_text())
    sold = cafe.shown_won(piece(analyst, "reports/sales").inner_text())

    address = cafe.order(cashier, "Espresso")
    price = cafe.shown_won(piece(cashier, "orders/track").inner_text())

    expect(piece(manager, "till/day")).to_contain_text(f"₩{takings + price:,}")
    order_id = address.rsplit("/", 1)[1]
    expect(piece(manager, "till/payments").get_by_role("link", name=order_id)).to_be_visible()
    expect(piece(analyst, "reports/sales")).to_contain_text(f"₩{sold + price:,}")
    expect(piece(analyst, "reports/sales").get_by_role("img")).to_be_visible()
    expect(piece(analyst, "reports/bestsellers")).to_contain_text("Espresso")
    expect(piece(analyst, "reports/days").get_by_role("table")).to_be_visible()


def test_the_order_being_made_is_the_same_in_two_windows_of_one_person_and_nobody_elses(
    new_visitor: NewVisitor,
) -> None:
    cashier, stranger = new_visitor(), new_visitor()
    first, other = cashier.go("/"), stranger.go("/")
    second = cashier.context.new_page()
    second.goto("/")
    for page in (first, second, other):
        cafe.wait_live(page)
    cafe.add(first, "Butter croissant")
    expect(piece(second, "orders/cart").get_by_label("Butter croissant, quantity")).to_have_text("1", timeout=LIVE_MS)
    expect(piece(other, "orders/cart")).to_contain_text("Nothing here yet")


def test_quantities_can_be_changed_and_items_taken_out_again(visitor: Visitor) -> None:
    page = visitor.go("/")
    cafe.add(page, "Espresso", times=2)
    cart = piece(page, "orders/cart")
    cart.get_by_role("button", name="One Espresso more").click()
    expect(cart.get_by_label("Espresso, quantity")).to_have_text("3")
    cart.get_by_role("button", name="One Espresso less").click()
    expect(cart.get_by_label("Espresso, quantity")).to_have_text("2")
    cart.get_by_role("button", name="Remove Espresso").click()
    expect(cart).to_contain_text("Nothing here yet")


def test_an_order_has_an_address_of_its_own_that_can_be_shared(new_visitor: NewVisitor) -> None:
    address = cafe.order(new_visitor().page, "Americano", name="Jisu")
    friend = new_visitor(locale="ko-KR").page
    friend.goto(address)
    expect(friend.locator("html")).to_have_attribute("lang", "ko")
    expect(piece(friend, "orders/track")).to_contain_text("아메리카노")


def test_an_order_that_does_not_exist_is_a_page_that_says_so(visitor: Visitor, portal: Portal) -> None:
    visitor.tolerate("status of 404")
    answer = visitor.page.goto(f"{portal.url}/orders/no-such-order")
    assert answer is not None
    assert answer.status == 404
    expect(visitor.page.get_by_text("No such order")).to_be_visible()
