"""What every store of records must do; a test class per database derives from it.

Derived classes give the fixture ``place``. Nothing here knows which database it is.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from typing import Protocol
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.cdr.story import Story, call_id, record

from tollbar.b2bua.facts import Fact
from tollbar.cdr.filters import Filters
from tollbar.cdr.ledger import Change, Finished, Ledger, OpenCall
from tollbar.cdr.record import Record

IN_STRING_ORDER = ["001235", "0214", "1", "1234", "20", "213", "3"]


class Place(Protocol):
    """A store under test."""

    def commit(self, changes: Sequence[Change]) -> None: ...

    def open_calls(self) -> list[OpenCall]: ...

    def find(
        self, filters: Filters | None = None, *, newest_first: bool = False, limit: int = 0
    ) -> Iterator[Record]: ...

    def count(self, filters: Filters | None = None) -> int: ...


def fold(*facts: Fact, ledger: Ledger | None = None) -> list[Change]:
    ledger = ledger or Ledger()
    return [change for fact in facts for change in ledger.fold(fact)]


def done(*records: Record) -> list[Change]:
    return [Finished(record, b"") for record in records]


def ids(records: Iterable[Record]) -> list[str]:
    return [record.record_id for record in records]


MINUTE = 60_000
HOURS = [
    (first * MINUTE, last * MINUTE)
    for first, last in ((22 * 60 + 13, 22 * 60 + 14), (17 * 60 + 14, 3 * 60 + 59), (0, 24 * 60))
]
"""Hours of the day around 22:13:20 UTC, which the records of ``varied`` begin after."""

FEW = st.sampled_from(["", "1", "1234", "2", "20"])
FILTERS = st.builds(
    Filters,
    tenant=st.sampled_from([None, "default", "blue"]),
    codes=st.lists(FEW, max_size=2).map(tuple),
    code_ranges=st.lists(st.tuples(FEW, FEW), max_size=2).map(tuple),
    users=st.lists(st.sampled_from(["alice", "bob"]), max_size=2).map(tuple),
    outcomes=st.lists(st.sampled_from(["answered", "busy"]), max_size=1).map(tuple),
    directions=st.lists(st.sampled_from(["in", "out"]), max_size=1).map(tuple),
    in_report=st.sampled_from([None, True, False]),
    since=st.sampled_from([None, record(3).dated]),
    until=st.sampled_from([None, record(9).dated]),
    workgroups=st.lists(st.sampled_from(["", "litigation"]), max_size=1).map(tuple),
    untagged=st.sampled_from([None, True, False]),
    hours=st.sampled_from([None, *HOURS]),
    zone=st.sampled_from([UTC, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kathmandu")]),
)


def varied() -> list[Record]:
    return [
        record(
            i,
            tenant=("default", "blue")[i % 5 == 0],
            account_code=("1", "1234", "2", "20", "")[i % 4],
            user=("alice", "bob")[i % 3 == 0],
            outcome=("answered", "busy")[i % 2],
            direction=("out", "in")[i % 6 == 0],
            answer=None if i % 2 else record(i).answer,
            in_report=i % 4 != 0,
            workgroup=("", "litigation")[i % 2],
            tries=i % 3,
        )
        for i in range(14)
    ]


class RecordContract:
    """Of whatever records are read from."""

    @pytest.fixture
    def place(self) -> Place:
        raise NotImplementedError

    def test_every_key_of_a_record_comes_back(self, place: Place) -> None:
        whole = record(
            tenant="blue",
            account_code="0" * 49 + "7",
            account_code_description="Smith, vs. Jönes ✓",
            code_changes='[["1","2"]]',
            workgroup="litigation",
            parent_record_id=call_id(99),
            dialled="'; DROP TABLE record; --",
        )
        place.commit(done(whole))
        assert list(place.find()) == [whole]

    def test_tenants_keep_apart_even_with_one_record_id(self, place: Place) -> None:
        for tenant, user in (("default", "alice"), ("blue", "eve")):
            place.commit(done(record(1, tenant=tenant, user=user)))
        assert [r.user for r in place.find(Filters(tenant="blue"))] == ["eve"]
        assert place.count() == 2

    def test_codes_order_as_strings(self, place: Place) -> None:
        codes = sorted(IN_STRING_ORDER, key=int)
        place.commit(done(*(record(i, account_code=code) for i, code in enumerate(codes))))
        for at in range(len(codes)):
            within = Filters(code_ranges=((IN_STRING_ORDER[0], IN_STRING_ORDER[at]),))
            found = sorted(r.account_code for r in place.find(within))
            assert found == IN_STRING_ORDER[: at + 1]

    def test_records_come_by_date_whatever_their_arrival(self, place: Place) -> None:
        for number in (5, 2, 9, 1):
            place.commit(done(record(number)))
        inorder = [call_id(i) for i in (1, 2, 5, 9)]
        assert ids(place.find()) == inorder
        assert ids(place.find(newest_first=True)) == inorder[::-1]
        assert ids(place.find(newest_first=True, limit=2)) == inorder[:1:-1]

    def test_the_date_is_the_answer_else_the_setup(self, place: Place) -> None:
        early = record(1, setup=1000, answer=9000)
        late = record(2, setup=5000, answer=None)
        place.commit(done(early, late))
        assert ids(place.find()) == [call_id(2), call_id(1)]
        assert ids(place.find(Filters(since=9000))) == [call_id(1)]

    def test_pages_neither_lose_nor_repeat(self, place: Place) -> None:
        many = [
            record(i, answer=None, setup=i // 7, tenant=("default", "blue")[i % 2])
            for i in range(1203)
        ]
        place.commit(done(*many))
        for newest_first in (False, True):
            found = list(place.find(newest_first=newest_first))
            assert sorted(ids(found)) == ids(many)
            dates = [r.dated for r in found]
            assert dates == sorted(dates, reverse=newest_first)
        assert len(list(place.find(limit=700))) == 700

    @settings(
        max_examples=100,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,
        ],
    )
    @given(FILTERS)
    def test_filters_mean_the_same_here_as_in_memory(self, place: Place, filters: Filters) -> None:
        if not place.count():
            place.commit(done(*varied()))
        expected = sorted(r.record_id for r in varied() if filters.matches(r))
        assert sorted(ids(place.find(filters))) == expected
        assert place.count(filters) == len(expected)


class StoreContract(RecordContract):
    """Of what keeps open calls as well."""

    def test_an_open_call_comes_back_as_it_was(self, place: Place) -> None:
        story, ledger = Story(), Ledger()
        place.commit(fold(story.attempted(0.0, b"\x00\xffone"), story.tried(), ledger=ledger))
        place.commit(fold(story.rang(1.0), ledger=ledger))
        place.commit(fold(story.answered(2.0, b"two"), ledger=ledger))
        (call,) = place.open_calls()
        assert call.record == ledger.find(story.call)
        assert (call.kept, call.ended) == (b"two", False)

    def test_empty_kept_leaves_what_was_kept(self, place: Place) -> None:
        story, ledger = Story(), Ledger()
        place.commit(fold(story.attempted(0.0, b"one"), ledger=ledger))
        for fact in (story.tried(), story.answered(1.0), story.ended(2.0)):
            place.commit(fold(fact, ledger=ledger))
            assert place.open_calls()[0].kept == b"one"

    def test_what_a_late_answer_has_kept(self, place: Place) -> None:
        """While the call is open, and when it has its record."""
        story, ledger = Story(), Ledger()
        place.commit(fold(story.attempted(0.0, b"one"), story.answered(1.0), ledger=ledger))
        place.commit(fold(story.answered_late(2.0, b"two"), ledger=ledger))
        assert [(c.kept, c.ended) for c in place.open_calls()] == [(b"two", False)]
        place.commit(fold(story.ended(3.0), ledger=ledger))
        place.commit(fold(story.answered_late(4.0, b"three"), ledger=ledger))
        assert [(c.kept, c.ended) for c in place.open_calls()] == [(b"three", True)]
        place.commit(fold(story.closed(5.0), ledger=ledger))
        assert place.open_calls() == []

    def test_an_ended_call_has_its_record_and_stays_until_it_is_closed(self, place: Place) -> None:
        story, ledger = Story(), Ledger()
        place.commit(fold(story.attempted(0.0, b"one"), story.tried(), ledger=ledger))
        place.commit(fold(story.ended(2.0, "busy", kept=b"bye"), ledger=ledger))
        (call,) = place.open_calls()
        assert (call.ended, call.kept) == (True, b"bye")
        assert [r.outcome for r in place.find()] == ["busy"]
        place.commit(fold(story.closed(3.0), ledger=ledger))
        assert place.open_calls() == []
        assert place.count() == 1

    def test_one_commit_or_many_give_the_same(self, place: Place) -> None:
        ledger = Ledger()
        facts: list[Fact] = []
        for i in range(1, 5):
            story = Story(call_id(i))
            whole = [
                story.attempted(0.0, b"a"),
                story.tried(),
                story.answered(1.0, b"b"),
                story.ended(2.0, kept=b"c"),
                story.closed(3.0),
            ]
            facts += whole[: i + 1]
        place.commit(fold(*facts, ledger=ledger))
        seen = [(c.record.record_id, c.kept, c.ended) for c in place.open_calls()]
        assert seen == [
            (call_id(1), b"a", False),
            (call_id(2), b"b", False),
            (call_id(3), b"c", True),
        ]
        assert sorted(ids(place.find())) == [call_id(3), call_id(4)]

    def test_a_batch_written_again_changes_nothing(self, place: Place) -> None:
        story, ledger = Story(), Ledger()
        opened = fold(story.attempted(0.0, b"a"), story.tried(), ledger=ledger)
        ended = fold(story.ended(2.0), ledger=ledger)
        for changes in (opened, opened, ended, opened, ended):
            place.commit(changes)
        assert place.count() == 1
        assert [c.ended for c in place.open_calls()] == [True]
        for _ in range(2):
            place.commit(fold(story.closed(3.0), ledger=ledger))
        assert place.open_calls() == []

    def test_open_calls_come_oldest_first(self, place: Place) -> None:
        for number in (3, 1, 2):
            place.commit(fold(Story(call_id(number)).attempted()))
        assert [c.record.record_id for c in place.open_calls()] == [call_id(i) for i in (1, 2, 3)]

    def test_bytes_that_are_no_text_hold_nothing_up(self, place: Place) -> None:
        story = Story()
        caller = b"\xff\xfe".decode("utf-8", "surrogateescape")
        facts = story.attempted(caller=caller), story.tried(), story.ended(1.0)
        place.commit([*fold(*facts), *done(record(2))])
        (odd, fine) = place.find()
        assert odd.caller.encode() == b"\\udcff\\udcfe"
        assert fine == record(2)
