"""Merging changes never changes what the file ends up with."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cdr.story import Story, call_id
from tests.store.contract import fold

from tollbar.cdr.ledger import Change, Ledger
from tollbar.store.batch import Batch

Image = tuple[dict[str, tuple[object, ...]], set[str]]


def written(batches: list[Batch]) -> Image:
    """What a file holds after ``batches``: open rows (draft, progress, kept) and records."""
    rows: dict[str, tuple[object, ...]] = {}
    records: set[str] = set()
    for batch in batches:
        for _, call, _, draft, *progress, kept in batch.opens("i"):
            rows[call] = (draft, progress, kept)
        for *progress, kept, _, call in batch.advances():
            if call in rows:
                rows[call] = (rows[call][0], progress, kept or rows[call][2])
        for kept, _, call in batch.kept.values():
            if call in rows:
                rows[call] = (*rows[call][:2], kept)
        for row in batch.finishes():
            records.add(row[0])
        for _, call in batch.forgotten.values():
            rows.pop(call, None)
    return rows, records


def story_of(call: str, kept: list[bytes], steps: int) -> list[Change]:
    story = Story(call)
    facts = [
        story.attempted(0.0, b"first"),
        story.tried(0.0, kept=kept[0]),
        story.rang(1.0, kept=kept[1]),
        story.answered(2.0, kept=kept[2]),
        story.written(2.4, kept[7]),
        story.answered_late(2.5, kept[4] or b"late"),
        story.written(2.6, kept[8]),
        story.moved(2.7, kept[5]),
        story.ended(3.0, kept=kept[3]),
        story.answered_late(3.5, kept[6] or b"later"),
        story.closed(4.0),
    ]
    return fold(*facts[:steps], ledger=Ledger())


@st.composite
def histories(draw: st.DrawFn) -> list[list[Change]]:
    """The changes of a few calls, interleaved and cut into batches."""
    calls = []
    for number in range(draw(st.integers(1, 3))):
        kept = [draw(st.sampled_from([b"", b"x", b"y"])) for _ in range(9)]
        calls.append(story_of(call_id(number), kept, draw(st.integers(1, 11))))
    changes: list[Change] = []
    while any(calls):
        calls = [c for c in calls if c]
        changes.append(draw(st.sampled_from(calls)).pop(0))
    cuts = sorted(draw(st.sets(st.integers(0, len(changes)), max_size=4)))
    ends = [0, *cuts, len(changes)]
    return [changes[a:b] for a, b in pairwise(ends)]


def batch(changes: list[Change], attempted: bool = False) -> Batch:
    made = Batch()
    made.attempted = attempted
    made.add(changes)
    made.hurry()
    return made


def without_ended_progress(image: Image) -> Image:
    """Of a call that has its record only what was kept still matters."""
    rows, records = image
    shown = {c: (row[0], row[2]) if c in records else row for c, row in rows.items()}
    return shown, records


@settings(max_examples=150)
@given(histories(), st.booleans())
def test_batches_end_up_like_single_changes(history: list[list[Change]], again: bool) -> None:
    # First one by one: merging writes into the changes it is given.
    single = written([batch([change]) for part in history for change in part])
    merged = written([batch(part, again) for part in history])
    assert without_ended_progress(merged) == without_ended_progress(single)


@settings(max_examples=300)
@given(histories(), st.lists(st.booleans(), min_size=5, max_size=5))
def test_at_any_time_the_file_tells_of_each_call_what_was_true_of_it(
    history: list[list[Change]], hurried: list[bool]
) -> None:
    """Never less than what somebody waits for, never what was true earlier, never more than was
    told: what is late is written later, and not in another order."""
    images: dict[str, list[Image]] = {}
    alone: dict[str, list[Batch]] = {}
    for change in [change for part in history for change in part]:
        call = change.record_id
        alone.setdefault(call, []).append(batch([change]))
        images.setdefault(call, [({}, set())]).append(written(alone[call]))
    made, done = Batch(), []
    told, shown = dict.fromkeys(images, 0), dict.fromkeys(images, 0)
    for part, hurry in zip(history, hurried, strict=False):
        for change in part:
            told[change.record_id] += 1
            if change.durable:
                shown[change.record_id] = told[change.record_id]
        made.add(part)
        if hurry:
            made.hurry()
        done.append(made)
        made = made.rest()
        rows, records = without_ended_progress(written(done))
        for call, known in images.items():
            now = {c: row for c, row in rows.items() if c == call}, records & {call}
            possible = range(shown[call], told[call] + 1)
            shown[call] = next(i for i in possible if without_ended_progress(known[i]) == now)
    made.hurry()
    rows, records = written([*done, made])
    assert rows.keys() == {call for call, known in images.items() if known[-1][0]}
    assert records == {call for call, known in images.items() if known[-1][1]}


def test_what_nobody_waits_for_is_left_for_later() -> None:
    story = Story(call_id(1))
    opened, tried, rang, answered, ended, closed = fold(
        story.attempted(),
        story.tried(),
        story.rang(1.0),
        story.answered(2.0),
        story.ended(3.0),
        story.closed(4.0),
        ledger=Ledger(),
    )
    made = batch([opened, tried])
    rest = made.rest()
    rest.add([rang])
    assert (rest.advances(), len(rest), rest.durable) == ([], 1, False)
    rest.add([answered])
    ((*_, ringing, answer, kept, _, call),) = rest.advances()
    assert None not in (ringing, answer)
    assert (kept, call) == (None, call_id(1))
    rest = rest.rest()
    rest.add([ended])
    rest = rest.rest()
    rest.add([closed])
    assert (list(rest.forgotten), len(rest), len(rest.rest())) == ([], 1, 1)
    rest.hurry()
    assert (list(rest.forgotten), len(rest), len(rest.rest())) == ([call_id(1)], 1, 0)


def test_what_is_late_does_not_overtake_what_was_kept_meanwhile() -> None:
    story, ledger = Story(call_id(1)), Ledger()
    fold(story.attempted(0.0, b"first"), story.answered(1.0), ledger=ledger)
    made = Batch()
    made.add(fold(story.written(2.0, b"late"), ledger=ledger))
    made.add(fold(story.answered_late(3.0, b"dialog"), ledger=ledger))
    assert [kept for kept, _, _ in made.kept.values()] == [b"dialog"]
    rest = made.rest()
    rest.hurry()
    assert [row[5] for row in rest.advances()] == [None]


def test_what_was_kept_lately_is_not_lost_with_the_end() -> None:
    story, ledger = Story(call_id(1)), Ledger()
    fold(story.attempted(0.0, b"first"), story.answered(1.0), ledger=ledger)
    made = Batch()
    made.add(fold(story.written(2.0, b"last"), ledger=ledger))
    assert made.advances() == []
    made.add(fold(story.ended(3.0), ledger=ledger))
    assert [kept for kept, _, _ in made.kept.values()] == [b"last"]


def test_a_call_that_begins_and_closes_in_a_batch_leaves_only_its_record() -> None:
    made = batch(story_of(call_id(1), [b"", b"", b"", b"z", *[b""] * 5], 11))
    assert (len(made), len(made.finishes())) == (1, 1)


def test_of_two_things_to_keep_the_later_one_is_kept() -> None:
    story, ledger = Story(call_id(1)), Ledger()
    before = [batch(fold(story.attempted(0.0, b"first"), ledger=ledger))]
    moved = fold(story.answered_late(1.0, b"late"), story.moved(2.0, b"moved"), ledger=ledger)
    late = fold(story.answered_late(3.0, b"later"), ledger=ledger)
    assert written([*before, batch(moved)])[0][call_id(1)][2] == b"moved"
    assert written([*before, batch([*moved, *late])])[0][call_id(1)][2] == b"later"


def test_a_batch_that_was_tried_deletes_what_may_be_on_disk() -> None:
    changes = story_of(call_id(1), [b""] * 9, 11)
    made = batch(changes[:-1])
    made.attempted = True
    made.add(changes[-1:])
    assert list(made.forgotten) == [call_id(1)]


def test_only_what_somebody_waits_for_makes_a_batch_urgent() -> None:
    story, ledger = Story(), Ledger()
    fold(story.attempted(), story.tried(), ledger=ledger)
    assert not batch(fold(story.rang(1.0), ledger=ledger)).durable
    assert batch(fold(story.answered(2.0), ledger=ledger)).durable


def test_a_new_draft_goes_with_the_call_that_was_opened_before_it() -> None:
    story, ledger = Story(call_id(1)), Ledger()
    opened = fold(story.attempted(0.0, b"first"), story.tried(0.0), ledger=ledger)
    change = fold(story.assigned(1.0, "0815"), ledger=ledger)
    (row,) = batch([*opened, *change]).opens("i")
    assert "0815" in row[3]
    apart = batch(change)
    assert [row[2] for row in apart.redrafted.values()] == [call_id(1)]
    assert len(apart) == 1
    assert len(batch([*change, *fold(story.ended(2.0), story.closed(2.0), ledger=ledger)])) == 2


def test_the_last_word_on_a_sticky_code_counts() -> None:
    story, ledger = Story(), Ledger()
    alice, bob = ("default", "alice"), ("default", "bob")
    made = batch(
        fold(
            story.remembered(0.0, alice, "001"),
            story.remembered(1.0, bob, "1"),
            story.remembered(2.0, alice, ""),
            ledger=ledger,
        )
    )
    assert (made.stuck(), made.unstuck(), made.durable) == ([(*bob, "1")], [alice], True)
