"""The compiled matcher against the obvious one."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.policy import reference

from tollbar.policy.dialplan import DialObject, DialPlan, Entry
from tollbar.policy.matcher import Cover, Matcher, members
from tollbar.policy.output import Output
from tollbar.policy.pattern import Pattern
from tollbar.policy.trunk import Called, Rewrite

ENTRIES = ["80", "88", "8", "123"]
PIECES = ["0", "1", "9", "+", "*", "X", "y", "N", "[1-3]", "[28#]", '"a"', '"X1"', "-", "(", ","]
EXPRESSIONS = ["re:1[0-9]*", "re:(12|9)5?", "re:.*a", "re:[^1].", "re:0{1,3}"]

WRITTEN = st.builds(
    lambda before, middle, after, end: "".join([*before, middle, *after, end]),
    st.lists(st.sampled_from(PIECES), max_size=3),
    st.sampled_from(["", "", "", "$$", "?"]),
    st.lists(st.sampled_from(PIECES), max_size=2),
    st.sampled_from(["", "", "?", "z"]),
).filter(lambda text: text.strip("-("))
PATTERNS = st.one_of(WRITTEN, WRITTEN, WRITTEN, st.sampled_from(EXPRESSIONS))
PLANS = st.lists(PATTERNS, min_size=1, max_size=12)
NUMBERS = st.text("0123589+*#aX,", max_size=7)


def compiled(patterns: list[str]) -> Matcher:
    return Matcher([Pattern(pattern, ENTRIES) for pattern in patterns])


@settings(max_examples=400, deadline=None)
@given(PLANS, st.lists(NUMBERS, min_size=1, max_size=20), st.data())
def test_the_first_pattern_that_matches_is_found(
    patterns: list[str], numbers: list[str], data: st.DataObject
) -> None:
    matcher = compiled(patterns)
    among = data.draw(st.integers(0, (1 << len(patterns)) - 1))
    kept = members(among)
    for number in numbers:
        place = reference.first([patterns[n] for n in kept], number, ENTRIES)
        assert matcher.first(number, among) == (kept[place] if place >= 0 else -1)
        every = [n for n in kept if reference.first([patterns[n]], number, ENTRIES) == 0]
        assert list(matcher.every(number, among)) == every


@settings(max_examples=300, deadline=None)
@given(PLANS, st.lists(NUMBERS, min_size=1, max_size=20))
def test_a_number_is_incomplete_where_more_characters_could_match(
    patterns: list[str], numbers: list[str]
) -> None:
    matcher = compiled(patterns)
    for number in numbers:
        expected = reference.incomplete(patterns, number, ENTRIES)
        assert matcher.incomplete(number, (1 << len(patterns)) - 1) == expected


@settings(max_examples=200, deadline=None)
@given(PLANS, st.lists(NUMBERS, min_size=30, max_size=60))
def test_whoever_covers_a_pattern_takes_all_its_numbers(
    patterns: list[str], numbers: list[str]
) -> None:
    matcher = compiled(patterns)
    cover = Cover(matcher)
    for place, pattern in enumerate(patterns):
        for other in cover.before(place):
            for number in numbers:
                if reference.first([pattern], number, ENTRIES) == 0:
                    assert reference.first([patterns[other]], number, ENTRIES) == 0


OBJECTS = st.lists(
    st.builds(
        reference.Object,
        PATTERNS,
        st.sampled_from([False, False, True]),
        st.sampled_from([(), (), ("rome",), ("oslo",), ("oslo", "rome")]),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda one: (one.pattern, one.locations),
)


@settings(max_examples=200, deadline=None)
@given(OBJECTS, st.lists(NUMBERS, min_size=1, max_size=12))
def test_a_plan_decides_as_reading_it_from_the_top_would(
    objects: list[reference.Object], numbers: list[str]
) -> None:
    plan = DialPlan([entry(n, one) for n, one in enumerate(objects)])
    for number in numbers:
        for location in ("", "rome", "oslo", "elsewhere"):
            found = plan.match(number, location)
            place = -1 if found is None else found.index
            assert place == reference.deciding(objects, number, location, ENTRIES)
            every = [one.index for one in plan.every(number, location)]
            assert every == reference.every(objects, number, location, ENTRIES)
            reachable = [
                one.pattern for one in objects if one.emergency or reference.met(one, location)
            ]
            assert plan.incomplete(number, location) == reference.incomplete(
                reachable, number, ENTRIES
            )


def entry(index: int, one: reference.Object) -> Entry:
    pattern = Pattern(one.pattern, ENTRIES)
    same = Output(pattern, "")
    return Entry(
        source=DialObject(one.pattern, "local"),
        index=index,
        key=one.pattern,
        pattern=pattern,
        standardized=same,
        display=same,
        dial_string=same,
        category="",
        classification="local",
        locations=frozenset(one.locations),
        verification=False,
        emergency=one.emergency,
        blocked=False,
        uses=(),
        allow_bypass=False,
        shadow=False,
    )


def test_a_pattern_longer_than_the_tables_still_matches_exactly() -> None:
    text = "1" * 80
    matcher = compiled([text + "2", text + "3", text + "Z"])
    assert matcher.first(text + "3", 0b111) == 1
    assert matcher.first(text + "4", 0b111) == 2
    assert matcher.first(text[:-1] + "23", 0b111) == -1


def test_a_number_beyond_the_longest_matches_nothing() -> None:
    matcher = compiled(["Z", "?1?1X"])
    for length, matching in ((128, [0, 1]), (129, [])):
        number = "1" * length
        assert list(matcher.every(number, 0b11)) == matching
        assert matcher.first(number, 0b11) == (0 if matching else -1)
        assert matcher.incomplete(number, 0b11) == bool(matching)


def test_no_table_of_numbers_is_read_for_longer_than_a_number_is() -> None:
    """A second `?` made the square of 64,000 steps of this, a third its cube."""
    number = "1" * 64_000
    assert Rewrite([("?1?1?1X9", "???X")]).apply(number) == number
    assert Called({"?1?1?1X9": "pbx"}).find(number) == ""


def test_only_a_list_entry_can_still_be_completed() -> None:
    matcher = compiled(["1$$X5Z"])
    found = {n: matcher.incomplete(n, 1) for n in ("", "1", "18", "19", "180", "181", "1801")}
    assert found == {
        "": True,
        "1": True,
        "18": True,
        "19": False,
        "180": True,
        "181": False,
        "1801": True,
    }


def test_a_whole_number_that_nothing_can_follow_is_complete() -> None:
    matcher = compiled(["?+", "12"])
    assert not matcher.incomplete("1+", 0b11)
    assert not matcher.incomplete("12", 0b10)


def test_of_an_expression_nobody_knows_what_would_complete_it() -> None:
    assert not compiled(["re:123"]).incomplete("12", 1)


def test_a_thousand_patterns_keep_their_order() -> None:
    patterns = [f"{n:04}X" for n in range(1000)] + ["XXXXX"]
    matcher = compiled(patterns)
    everything = (1 << len(patterns)) - 1
    assert matcher.first("07135", everything) == 713
    assert matcher.first("17135", everything) == 1000
