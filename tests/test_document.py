"""YAML with a line for every mistake: texts as written, everything told at once."""

from pathlib import Path

import pytest

from tollbar.document import Document, Rejected, Value, Wrong


def root(text: str, environment: dict[str, str] | None = None) -> Value:
    return Document.parse(text.encode(), "f.yaml", environment).root


def told(value: Value) -> list[str]:
    return [str(finding) for finding in value.document.findings]


def refused(data: bytes) -> str:
    with pytest.raises(Rejected) as caught:
        Document.parse(data, "f.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    "written",
    ["0214", "4711", "001", "1e3", "0x1F", "1_000", "12:30:45", "1.50", "yes", "2026-01-01", "+1"],
)
def test_a_scalar_is_the_text_written(written: str) -> None:
    value = root(f"a: {written}\n{written}: b\n")
    fields = dict(value.entries())
    assert fields["a"].text() == written
    assert fields[written].text() == "b"
    assert told(value) == []


def test_a_code_with_and_without_quotes_is_one_key_and_its_zeros_make_another() -> None:
    value = root('0214: a\n"0214": b\n214: c\n')
    assert [name for name, _ in value.entries()] == ["0214", "214"]
    assert told(value) == ["f.yaml:2:1: 0214: is given twice (the first is on line 1)"]


def test_every_value_knows_its_line_and_column() -> None:
    value = root("a:\n  b: [x,\n      y]\nc:\n  d: z\n")
    top = dict(value.entries())
    items = dict(top["a"].entries())["b"].items()
    assert [str(item.place) for item in items] == ["f.yaml:2:7", "f.yaml:3:7"]
    assert [item.where for item in items] == ["a.b[1]", "a.b[2]"]
    assert str(top["c"].place) == "f.yaml:4:1"


def test_unknown_keys_come_with_what_was_meant() -> None:
    value = root("listners: 1\nshade: 2\nstate-directory: 3\n")
    value.fields("listeners peers state_directory")
    assert told(value) == [
        'f.yaml:1:1: unknown key "listners" (did you mean "listeners"?)',
        'f.yaml:2:1: unknown key "shade" (known: listeners, peers, state_directory)',
        'f.yaml:3:1: unknown key "state-directory" (did you mean "state_directory"?)',
    ]


def test_a_missing_key_is_told_at_its_mapping() -> None:
    value = root("peers:\n  a: {to: x}\n")
    peers = dict(value.entries())["peers"]
    dict(peers.entries())["a"].fields("role to", {"role": "role: pbx or role: trunk"})
    assert told(value) == ['f.yaml:2:3: peers.a: "role" is missing (role: pbx or role: trunk)']


def test_wrong_kinds_are_told_apart() -> None:
    value = root("text: [a]\nlist: {a: b}\nmapping: a\nnothing:\n")
    fields = value.fields("text list mapping nothing")
    assert fields.text("text") == ""
    assert fields.items("list") == []
    assert fields.entries("mapping") == []
    assert fields.text("nothing", "usual") == "usual"
    assert told(value) == [
        "f.yaml:1:1: text: wants a text, not a list",
        'f.yaml:2:1: list: wants a list, not a mapping (start each entry with "- ")',
        'f.yaml:3:10: mapping: wants a mapping ("name: value" lines), not a text',
        'f.yaml:4:1: nothing: has no value (write one, or remove the key; "" is an empty text)',
    ]


def test_a_lone_text_is_a_list_of_one_and_nothing_is_an_empty_one() -> None:
    fields = root("one: a\nnone:\n").fields("one none other")
    assert [item.text() for item in fields.items("one")] == ["a"]
    assert fields.items("none") == []
    assert fields.items("other") == []


def test_reading_a_value_twice_tells_its_mistake_once() -> None:
    value = root("a: {b: 1, b: 2}\n")
    fields = value.fields("a")
    assert fields.entries("a") == fields.entries("a")
    assert told(value) == ["f.yaml:1:11: a.b: is given twice (the first is on line 1)"]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("4", 4),
        ("4s", 4),
        ("500ms", 0.5),
        ("3m", 180),
        ("12h", 43200),
        ("1.5 s", 1.5),
        ("1d", 86400),
    ],
)
def test_lengths_of_time(written: str, seconds: float) -> None:
    value = root(f"t: {written}\n")
    assert value.fields("t").seconds("t", 9) == seconds
    assert told(value) == []


@pytest.mark.parametrize("written", ["0", "-1", "0s", "4 weeks", "1:30", "inf", "nan", "1e3", '""'])
def test_what_is_no_length_of_time_is_refused(written: str) -> None:
    value = root(f"t: {written}\n")
    assert value.fields("t").seconds("t", 9) == 9
    assert len(told(value)) == 1


@pytest.mark.parametrize("written", ["07", "0x10", "1_0", "1.0", "-1", "101", "٣", "on"])
def test_whole_numbers_are_decimal_and_in_range(written: str) -> None:
    value = root(f"n: {written}\n")
    assert value.fields("n").integer("n", 0, 100, 7) == 7
    assert len(told(value)) == 1
    assert root("n: 100\n").fields("n").integer("n", 0, 100) == 100


def test_flags_and_choices() -> None:
    value = root("a: yes\nb: Off\nc: maybe\nd: trnk\n")
    fields = value.fields("a b c d")
    assert fields.flag("a") is True
    assert fields.flag("b", True) is False
    assert fields.flag("c", True) is True
    assert fields.choice("d", ("pbx", "trunk"), "") == ""
    assert told(value) == [
        'f.yaml:3:4: c: "maybe" is not true or false',
        'f.yaml:4:4: d: "trnk" is not a choice (did you mean "trunk"?)',
    ]


def test_a_parse_function_says_what_is_wrong() -> None:
    def parse(text: str) -> int:
        raise Wrong(f"{text} will not do", "try again")

    value = root("a: this\n")
    assert value.fields("a").parsed("a", parse, 5) == 5
    assert told(value) == ["f.yaml:1:4: a: this will not do (try again)"]


def test_the_environment_is_read_where_it_is_given() -> None:
    value = root("a: u:${PASS}@h\nb: ${NONE}\nc: ${a-b}\nd: $$$N ${PASS\n", {"PASS": "s3cret"})
    fields = value.fields("a b c d")
    assert [fields.text(name) for name in "abcd"] == ["u:s3cret@h", "", "", ""]
    assert told(value) == [
        "f.yaml:2:4: b: environment variable NONE is not set (export NONE=...)",
        'f.yaml:3:4: c: "${a-b}" is not a variable (write ${NAME})',
        'f.yaml:4:4: d: "${PASS" is not a variable (write ${NAME})',
    ]
    assert root("a: ${PASS}\n").fields("a").text("a") == "${PASS}"


@pytest.mark.parametrize("written", [r'"a\r\nb"', r'"a\0b"', r'"a\u2028b"', "|\n  a\n  b\n"])
def test_a_text_cannot_smuggle_a_line_break(written: str) -> None:
    value = root(f"a: {written}\n")
    assert value.fields("a").text("a") == ""
    assert told(value) == [
        "f.yaml:1:4: a: holds a line break or another control character (write it on one line)"
    ]


def test_an_environment_variable_cannot_smuggle_a_line_break() -> None:
    value = root("a: ${X}\n", {"X": "a\r\nVia: b"})
    assert value.fields("a").text("a") == ""
    assert len(told(value)) == 1


def test_a_folded_text_is_one_line() -> None:
    assert root("a: >\n  one\n  two\n").fields("a").text("a") == "one two"


def test_settle_tells_everything_in_the_order_of_lines() -> None:
    value = root("a: x\nb: y\n")
    fields = value.fields("a b")
    fields.wrong("b", "second")
    fields.wrong("a", "first", "a hint")
    with pytest.raises(Rejected) as caught:
        value.document.settle()
    assert str(caught.value) == "f.yaml:1:4: a: first (a hint)\nf.yaml:2:4: b: second"
    assert [(f.file, f.line, f.where, f.what, f.hint) for f in caught.value.findings] == [
        ("f.yaml", 1, "a", "first", "a hint"),
        ("f.yaml", 2, "b", "second", ""),
    ]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (
            b"a:\n\t- b\n",
            "f.yaml:2:1: is not YAML: found character '\\t' that cannot start any token "
            "(indent with spaces, not tabs)",
        ),
        (
            b"a: *61*CODE#NUMBER\n",
            "f.yaml:1:7: is not YAML: expected alphabetic or numeric character, but found '*' "
            "(a text that starts with * or & needs quotes)",
        ),
        (
            b"a: [127.0.0.1, ::1]\n",
            "f.yaml:1:16: is not YAML: expected the node content, but found ':' "
            "(a text that starts with : needs quotes)",
        ),
        (
            b"a: b: c\n",
            "f.yaml:1:5: is not YAML: mapping values are not allowed here "
            '(a text with ": " in it needs quotes, and keys of one level the same indent)',
        ),
        (
            b"a: 1\nlimits\n  most: 3\nb: 2\n",
            'f.yaml:2:1: is not YAML: a key without its colon (write "key: value")',
        ),
        (
            b'a: 1\nb: "UTC\nc: 3\nd: 4\n',
            "f.yaml:2:4: is not YAML: the quote that opens here is not closed",
        ),
        (
            b"a: [1, 2\nb: 3\n",
            "f.yaml:1:4: is not YAML: the bracket that opens here is not closed (before line 2)",
        ),
        (
            b"a: {x: 1, y: b: c}\n",
            "f.yaml:1:15: is not YAML: expected ',' or '}', but got ':' "
            "(a text that starts with : needs quotes)",
        ),
        (b"a: \xff\n", "f.yaml:1:4: is not UTF-8 (save it as UTF-8)"),
        (b"a: b\x07\n", "f.yaml:1:5: holds a character YAML does not allow"),
    ],
)
def test_what_is_not_yaml_is_told_with_its_place(data: bytes, text: str) -> None:
    assert refused(data) == text


def test_two_documents_in_one_file_are_refused() -> None:
    text = 'f.yaml:2:1: a second document starts here (remove the line "---")'
    assert refused(b"a: 1\n---\nb: 2\n") == text


def test_tags_construct_nothing() -> None:
    value = root("a: !!python/object/apply:os.system [true]\n")
    assert value.fields("a").text("a") == ""
    assert told(value)[0] == (
        "f.yaml:1:1: a: tag tag:yaml.org,2002:python/object/apply:os.system has no meaning here "
        "(remove it)"
    )


def test_an_alias_that_holds_itself_ends() -> None:
    value = root("a: &x [*x]\n")
    (inner,) = value.fields("a").items("a")
    assert inner.text() == ""
    assert told(value) == ["f.yaml:1:4: a[1]: wants a text, not a list"]


def test_an_alias_of_nothing_is_told() -> None:
    assert refused(b"a: *all\n") == (
        'f.yaml:1:4: there is no anchor "&all" (a text that starts with * needs quotes)'
    )


def test_an_alias_is_the_value_it_names() -> None:
    fields = root("a: &x [1, 02]\nb: *x\n").fields("a b")
    assert [item.text() for item in fields.items("b")] == ["1", "02"]


@pytest.mark.parametrize("data", [b"[" * 100_000, b"{a: " * 100_000, b"- " * 100_000])
def test_deep_nesting_is_refused_and_does_not_break_the_reader(data: bytes) -> None:
    assert refused(data).endswith("is nested too deeply")


def test_an_empty_file_is_an_empty_mapping() -> None:
    value = root("# nothing\n")
    assert value.fields("a").text("a", "usual") == "usual"
    assert told(value) == []


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Rejected) as caught:
        Document.read(tmp_path / "no.yaml")
    assert str(caught.value) == f"{tmp_path}/no.yaml: cannot be read: No such file or directory"
