"""Who is where, by the clock of a test: nothing is believed for longer than it is confirmed, all of it is bounded."""

from __future__ import annotations

import msgspec
import pytest

from jogakbo_shell.live.presence.attendance import Attendance, Patience, Present
from jogakbo_shell.live.presence.message import MAX_PEOPLE, Edit, NotAMessage, read_message, write_messages
from jogakbo_shell.live.presence.names import person_of, who

ORDER, MENU = "orders/track?id=1", "menu/manage"
A, B, C = "a" * 16, "b" * 16, "c" * 16
THERE, ELSEWHERE = "1" * 32, "2" * 32
PATIENCE = Patience(linger=2, silence=5, editing=8)


def people(attendance: Attendance, topic: str = ORDER) -> list[str]:
    return [present.person for present in attendance.present(topic)]


def test_a_person_with_three_pages_is_one_person_until_the_last_is_closed() -> None:
    attendance = Attendance(PATIENCE)
    assert [attendance.enter(ORDER, A) for _ in range(3)] == [True, False, False]
    assert people(attendance) == [A]
    for now in (1, 2):
        attendance.leave(ORDER, A, now)
    assert not attendance.is_passing
    attendance.leave(ORDER, A, 3)
    assert attendance.forget(4.9) == frozenset()
    assert people(attendance) == [A]
    assert attendance.forget(5) == {ORDER}
    assert people(attendance) == []
    assert attendance.topics == frozenset()


def test_who_comes_back_at_once_was_never_gone() -> None:
    attendance = Attendance(PATIENCE)
    attendance.enter(ORDER, A)
    attendance.leave(ORDER, A, 1)
    assert not attendance.enter(ORDER, A)
    assert attendance.forget(100) == frozenset()
    assert people(attendance) == [A]


def test_whose_browser_asks_every_few_seconds_is_there_between_the_questions() -> None:
    attendance = Attendance(PATIENCE)
    for now in (0, 4, 8):
        assert attendance.enter(ORDER, A) is (now == 0)
        attendance.leave(ORDER, A, now, polls=True)
        attendance.forget(now + 3.9)
        assert people(attendance) == [A]
    assert attendance.forget(8 + PATIENCE.polling) == {ORDER}


def test_another_worker_is_believed_until_it_is_silent_for_too_long() -> None:
    attendance = Attendance(PATIENCE)
    assert attendance.hear(ELSEWHERE, ORDER, (B,), 0)
    assert not attendance.hear(ELSEWHERE, ORDER, (B,), 3)
    assert attendance.forget(7.9) == frozenset()
    assert people(attendance) == [B]
    assert attendance.forget(8) == {ORDER}
    assert people(attendance) == []
    assert not attendance.is_passing


def test_what_a_worker_says_of_a_topic_takes_the_place_of_what_it_said_before() -> None:
    attendance = Attendance(PATIENCE)
    attendance.hear(ELSEWHERE, ORDER, (B, C), 0)
    attendance.hear(THERE, ORDER, (C,), 0)
    assert people(attendance) == [B, C]
    assert attendance.hear(ELSEWHERE, ORDER, (), 1)
    assert people(attendance) == [C]
    assert not attendance.hear(ELSEWHERE, ORDER, (), 1)


def test_somebody_edits_for_as_long_as_they_type() -> None:
    attendance = Attendance(PATIENCE)
    attendance.enter(MENU, A)
    assert attendance.edit(Edit(MENU, A, "row-1", True), 0)
    assert not attendance.edit(Edit(MENU, A, "row-1", True), 4)
    assert attendance.present(MENU) == (Present(A, True, "row-1"),)
    assert attendance.edit(Edit(MENU, A, "row-2", True), 5)
    assert attendance.forget(12.9) == frozenset()
    assert attendance.forget(13) == {MENU}
    assert attendance.present(MENU) == (Present(A),)
    attendance.edit(Edit(MENU, A, "", True), 20)
    assert attendance.edit(Edit(MENU, A, "", False), 21)
    assert attendance.present(MENU) == (Present(A),)


def test_who_only_says_that_they_edit_is_not_there() -> None:
    attendance = Attendance(PATIENCE)
    attendance.edit(Edit(MENU, A, "", True), 0)
    assert attendance.present(MENU) == ()


def test_of_a_crowd_some_are_shown_and_others_take_their_places_when_they_leave() -> None:
    attendance = Attendance(PATIENCE)
    crowd = [f"{number:016x}" for number in range(MAX_PEOPLE + 1)]
    for person in crowd:
        attendance.enter(ORDER, person)
    assert people(attendance) == crowd[:-1]
    assert len(attendance.people(ORDER)) == MAX_PEOPLE
    attendance.hear(ELSEWHERE, ORDER, ("f" * 16,), 0)
    assert len(people(attendance)) == MAX_PEOPLE
    attendance.leave(ORDER, crowd[0], 0)
    attendance.forget(PATIENCE.linger)
    assert people(attendance) == crowd[1:]


def test_no_more_topics_workers_and_edits_are_kept_than_a_portal_has() -> None:
    attendance = Attendance(PATIENCE, most=3)
    for number in range(3):
        attendance.enter(f"orders/track?id={number}", A)
    assert attendance.has_room("orders/track?id=0")
    assert not attendance.has_room("orders/track?id=3")
    for number in range(5):
        attendance.hear(f"{number:032x}", ORDER, (f"{number:016x}",), 0)
    assert len(people(attendance)) == 4  # and A
    for person in ("a" * 16, *(f"{number:016x}" for number in range(3))):
        attendance.edit(Edit(ORDER, person, "", True), 0)
    assert len([present for present in attendance.present(ORDER) if present.editing]) == 3
    attendance.hear(f"{0:032x}", ORDER, (), 1)
    attendance.hear(f"{4:032x}", ORDER, (B,), 1)
    assert B in people(attendance)


def test_what_is_to_be_told_is_spread_over_as_many_messages_as_it_takes() -> None:
    everybody = {f"orders/track?id={number}": (A, B) for number in range(120)}
    edits = [Edit(MENU, A, "row-1", True)] * 51
    messages = [read_message(payload) for payload in write_messages(THERE, everybody, edits)]
    assert {topic for message in messages for topic in message.people} == everybody.keys()
    assert sum(len(message.edits) for message in messages) == 51
    assert {message.worker for message in messages} == {THERE}
    assert len(messages) == 5


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"hello",
        b"[]",
        b"\xff\xfe",
        b'{"people": {}}',
        b'{"worker": "me", "people": {}}',
        msgspec.json.encode({"worker": THERE, "people": {ORDER: ["<b>"]}}),
        msgspec.json.encode({"worker": THERE, "people": {"": [A]}}),
        msgspec.json.encode({"worker": THERE, "people": {"x" * 513: [A]}}),
        msgspec.json.encode({"worker": THERE, "people": {ORDER: [A] * (MAX_PEOPLE + 1)}}),
        msgspec.json.encode({"worker": THERE, "people": {f"a/{number}": [] for number in range(51)}}),
        msgspec.json.encode({"worker": THERE, "edits": [[MENU, A, "#row", True]]}),
        msgspec.json.encode({"worker": THERE, "edits": [[MENU, A, "row", "yes"]]}),
        msgspec.json.encode({"worker": THERE, "edits": [[MENU, A, "row", True]] * 51}),
        msgspec.json.encode({"worker": THERE, "padding": "x" * 70_000}),
    ],
)
def test_what_is_no_message_of_a_worker_is_refused(payload: bytes) -> None:
    with pytest.raises(NotAMessage):
        read_message(payload)


def test_a_message_of_a_newer_release_is_read_as_far_as_it_is_known() -> None:
    payload = msgspec.json.encode({"worker": THERE, "people": {ORDER: [A]}, "mood": "good"})
    assert read_message(payload).people == {ORDER: (A,)}


def test_a_guest_has_one_friendly_name_in_both_languages_that_tells_nothing_of_them() -> None:
    subject = "guest-1a2b3c4d5e6f"
    person = person_of(b"secret", subject)
    assert person == person_of(b"secret", subject)
    assert person != person_of(b"another secret", subject)
    assert "1a2b" not in person
    known = who(person)
    assert known.name.keys() == {"en", "ko"}
    assert all(known.name.values())
    everybody = [who(person_of(b"secret", f"guest-{number}")) for number in range(500)]
    assert len({one.name["en"] for one in everybody}) > 250
    assert len({one.hue for one in everybody}) == 5
