"""Reserve, commit, release. A repeated command has no second effect and gets the same answer again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from inventory_service.domain import stock as decide
from inventory_service.domain.recipe import OrderLine, Portion, portions_of
from inventory_service.domain.reservation import OnShelf, Reservation, ReservationState, shortages
from inventory_service.handlers.errors import IngredientUnknownError, ReservationStateError
from inventory_service.handlers.ports import Answers, Books, Shelf


@dataclass(frozen=True, slots=True)
class ReserveStock:
    order_id: str
    lines: tuple[OrderLine, ...]
    business_day: date


def reserve_stock(command: ReserveStock, books: Books, answers: Answers) -> None:
    known = books.reservation(command.order_id)
    if known is None:
        wanted = Reservation(command.order_id, ReservationState.WAITING, command.business_day, lines=command.lines)
        known = _decide(wanted, books)
        books.keep(known)
    _answer_reserve(known, answers)


def reserve_waiting(books: Books, answers: Answers) -> None:
    """Orders whose items the menu had not told yet when they came; called when it tells."""
    for waiting in books.waiting_for_recipes():
        decided = _decide(waiting, books)
        if decided.state is not ReservationState.WAITING:
            books.keep(decided)
            _answer_reserve(decided, answers)


def commit_reservation(order_id: str, books: Books, answers: Answers) -> None:
    known = books.reservation(order_id)
    if known is not None and known.state is ReservationState.RESERVED:
        for portion in known.portions:
            shelf = _shelf(books, portion)
            books.record(shelf, _day(known, shelf), decide.commit(shelf.stock, order_id))
        books.keep(replace(known, state=ReservationState.COMMITTED))
    elif known is None or known.state is not ReservationState.COMMITTED:
        raise ReservationStateError("commit", order_id, known.state if known else None)
    answers.reservation_committed(order_id)


def release_reservation(order_id: str, books: Books, answers: Answers) -> None:
    """Free what the order holds. One that came before its reserve leaves a mark that refuses the late one."""
    known = books.reservation(order_id) or Reservation(order_id, ReservationState.WAITING)
    match known.state:
        case ReservationState.COMMITTED:
            raise ReservationStateError("release", order_id, known.state)
        case ReservationState.RESERVED:
            for portion in known.portions:
                shelf = _shelf(books, portion)
                books.record(shelf, _day(known, shelf), decide.release(shelf.stock, order_id))
            books.keep(replace(known, state=ReservationState.RELEASED))
        case ReservationState.WAITING:
            books.keep(replace(known, state=ReservationState.RELEASED))
        case ReservationState.REFUSED | ReservationState.RELEASED:
            pass
    answers.reservation_released(order_id)


def _decide(wanted: Reservation, books: Books) -> Reservation:
    portions = _portions(wanted, books)
    if portions is None:
        return wanted
    shelves = {portion.ingredient_id: books.shelf(portion.ingredient_id) for portion in portions}
    kept = {id_: shelf for id_, shelf in shelves.items() if shelf is not None}
    seen = {id_: OnShelf(shelf.ingredient.name, shelf.stock) for id_, shelf in kept.items()}
    if short := shortages(portions, seen):
        return replace(wanted, state=ReservationState.REFUSED, portions=portions, short=short)
    for portion in portions:
        shelf = kept[portion.ingredient_id]
        books.record(shelf, _day(wanted, shelf), decide.hold(shelf.stock, wanted.order_id, portion.amount))
    return replace(wanted, state=ReservationState.RESERVED, portions=portions)


def _portions(wanted: Reservation, books: Books) -> tuple[Portion, ...] | None:
    recipes = {}
    for line in wanted.lines:
        recipe = books.recipe(line.item_id)
        if recipe is None:
            return None
        recipes[line.item_id] = recipe.portions
    return portions_of(wanted.lines, recipes)


def _answer_reserve(reservation: Reservation, answers: Answers) -> None:
    match reservation.state:
        case ReservationState.RESERVED | ReservationState.COMMITTED:
            answers.stock_reserved(reservation.order_id)
        case ReservationState.REFUSED:
            answers.stock_refused(reservation)
        case ReservationState.RELEASED:
            answers.reservation_released(reservation.order_id)
        case ReservationState.WAITING:
            pass


def _day(reservation: Reservation, shelf: Shelf) -> date:
    return reservation.business_day or shelf.business_day


def _shelf(books: Books, portion: Portion) -> Shelf:
    shelf = books.shelf(portion.ingredient_id)
    if shelf is None:
        raise IngredientUnknownError(portion.ingredient_id)
    return shelf
