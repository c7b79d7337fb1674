"""tollbar codes, users, roles, workgroups and dialplan: one kind of entry, looked at or changed."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tollbar.commands import administering, display, entry_lists, parsers
from tollbar.commands.settings import CommandError
from tollbar.directory import alteration
from tollbar.directory.alteration import Alteration
from tollbar.directory.assignment import Assignment, assignment
from tollbar.directory.csv_table import read_table, write_table
from tollbar.directory.entry import Entry
from tollbar.document import Wrong
from tollbar.policy import finding

if TYPE_CHECKING:
    from tollbar.administration import Administration


@dataclass(slots=True)
class Noun:
    """One command: its kind of entry, what a lone text behind a key is, and examples."""

    command: str
    kind: str
    key: str
    text: str
    title: str
    examples: dict[str, str]


NOUNS: Final = (
    Noun(
        "codes",
        finding.CODE,
        "CODE",
        "description",
        "account codes",
        {
            "list": "--prefix 47 --active",
            "show": "4711",
            "add": '4712 "Miller estate" valid_until=2027-01-31 attributes.client=Miller',
            "set": '4712 description="Miller, closed" active=no',
            "retire": "4712",
            "import": "codes.csv --dry-run",
            "export": "> codes.csv",
        },
    ),
    Noun(
        "users",
        finding.USER,
        "USER",
        "name",
        "users",
        {
            "list": "--prefix a --json",
            "show": "1002",
            "add": 'frank "Frank Fisher" extensions=1006 workgroups=litigation',
            "set": 'bob access+=0815 name="Bob Barker" account_code_verification=no',
            "retire": "frank",
            "import": "users.csv",
            "export": "> users.csv",
        },
    ),
    Noun(
        "roles",
        finding.ROLE,
        "ROLE",
        "description",
        "roles",
        {
            "list": "",
            "show": "partner",
            "add": 'clerk "Keeps the books" view_reports=all',
            "set": "clerk access+=4711,0815",
            "retire": "clerk",
            "import": "roles.csv",
            "export": "> roles.csv",
        },
    ),
    Noun(
        "workgroups",
        finding.WORKGROUP,
        "WORKGROUP",
        "description",
        "workgroups",
        {
            "list": "",
            "show": "litigation",
            "add": "tax roles=timekeeper access=4711",
            "set": "tax roles-=timekeeper",
            "retire": "tax",
            "import": "workgroups.csv",
            "export": "> workgroups.csv",
        },
    ),
    Noun(
        "dialplan",
        finding.DIAL_OBJECT,
        "PATTERN",
        "description",
        "dial-plan objects",
        {
            "list": "",
            "show": "XXXX",
            "add": "8XX classification=intercom dial_groups=pbx --before XXXX",
            "set": "8XX description=Lobby",
            "retire": "8XX",
            "import": "dialplan.csv",
            "export": "> dialplan.csv",
        },
    ),
)

Verb = Callable[[Noun, Namespace], int]


def add(commands: parsers.Commands) -> None:
    for noun in NOUNS:
        examples = "".join(
            f"\n  tollbar {noun.command} {verb} {example}".rstrip()
            for verb, example in noun.examples.items()
        )
        parser = parsers.command(
            commands,
            noun.command,
            lambda _args: 2,
            f"look at {noun.title}, or change them",
            examples,
        )
        _verbs(noun, parser.add_subparsers(metavar="VERB", required=True))


def _verbs(noun: Noun, verbs: parsers.Commands) -> None:
    def verb(name: str, run: Verb, text: str) -> ArgumentParser:
        example = f"\n  tollbar {noun.command} {name} {noun.examples[name]}".rstrip()
        parser = parsers.command(verbs, name, partial(run, noun), text, example)
        administering.tenant_option(parser)
        return parser

    parser = verb("list", show_list, f"list {noun.title}")
    parser.add_argument("--prefix", default="", help="whose name begins so")
    if noun.kind == finding.CODE:
        parser.add_argument("--by-number", action="store_true", help="0214 between 213 and 1234")
        parser.add_argument("--active", action="store_true", help="that may be used today")
    parsers.json_option(parser)
    parser = verb("show", show_one, "all of one entry")
    parser.add_argument("key", metavar=noun.key)
    parsers.json_option(parser, "one JSON object")
    parser = verb("add", add_one, "add an entry")
    parser.add_argument("key", metavar=noun.key)
    parser.add_argument("words", nargs="*", metavar="TEXT|KEY=VALUE", help=f"TEXT: {noun.text}")
    if noun.kind == finding.DIAL_OBJECT:
        _place_options(parser)
    administering.change_options(parser)
    parser = verb("set", set_one, "change an entry")
    parser.add_argument("key", metavar=noun.key)
    parser.add_argument(
        "words", nargs="*", metavar="KEY=VALUE", help="KEY+=VALUE, KEY-=VALUE, KEY= too"
    )
    if noun.kind == finding.DIAL_OBJECT:
        _place_options(parser)
    administering.change_options(parser)
    gone = "retire a code" if noun.kind == finding.CODE else "remove an entry"
    parser = verb("retire", retire_one, gone)
    parser.add_argument("key", metavar=noun.key)
    administering.change_options(parser)
    parser = verb("import", take_table, "insert and update entries from a CSV file")
    parser.add_argument("file", type=Path, metavar="FILE.csv")
    administering.change_options(parser)
    verb("export", give_table, "print all of them as CSV")


def _place_options(parser: ArgumentParser) -> None:
    places = parser.add_mutually_exclusive_group()
    places.add_argument("--before", metavar="KEY", default="", help="put it before this object")
    places.add_argument("--after", metavar="KEY", default="", help="put it behind this object")
    places.add_argument("--last", action="store_true", help="put it at the end")


def show_list(noun: Noun, args: Namespace) -> int:
    with administering.opened(args, readonly=True) as administration:
        gateway = administration.gateway
        found = _kept(administration, args.tenant, noun.kind, args.prefix)
        if noun.kind == finding.DIAL_OBJECT:
            found = sorted(found, key=lambda entry: (entry.place, entry.key))
        if noun.kind == finding.CODE:
            if args.active:
                found = entry_lists.usable(found, entry_lists.today(gateway))
            if args.by_number:
                found = sorted(found, key=lambda entry: (int(entry.key), entry.key))
        found = display.some(found)
        if args.json:
            for entry in found:
                display.json_line(as_dict(noun, entry))
        else:
            display.table(*entry_lists.rows(noun.kind, found))
    return 0


def _kept(
    administration: "Administration", tenant: str, kind: str, prefix: str = ""
) -> Iterable[Entry]:
    """A tenant's entries of one kind, in string order."""
    # A tenant is there where its default user is.
    if not administration.store.find(tenant, finding.DEFAULT_USER, "", 1):
        raise CommandError(f"there is no tenant {tenant}")
    return administration.store.walk(tenant, kind, prefix)


def show_one(noun: Noun, args: Namespace) -> int:
    with administering.opened(args, readonly=True) as administration:
        if noun.kind == finding.USER:
            held = administration.store.load().entries
            mine = [entry for entry in held if entry.tenant == args.tenant]
            return entry_lists.show_user(mine, args.key, args.json)
        found = administration.store.find(args.tenant, noun.kind, args.key, 1)
    if not found or found[0].key != args.key:
        raise CommandError(f"there is no {noun.kind.replace('_', ' ')} {args.key}")
    if args.json:
        display.json_line(as_dict(noun, found[0]))
    else:
        entry_lists.show(found[0])
    return 0


def as_dict(noun: Noun, entry: Entry) -> dict[str, Any]:
    named = {} if noun.kind == finding.DIAL_OBJECT else {noun.kind: entry.key}
    return {**named, **json.loads(entry.body), "version": entry.version}


def add_one(noun: Noun, args: Namespace) -> int:
    words = list(_assignments(args, noun.text))
    return _altered(noun, args, lambda entries: entries.add(args.key, words, *_place(args)))


def set_one(noun: Noun, args: Namespace) -> int:
    words = list(_assignments(args, ""))
    where, beside = _place(args)
    moves = bool(beside) or getattr(args, "last", False)
    if not words and not moves:
        args.wrong("nothing to set: KEY=VALUE")

    def alter(entries: Alteration) -> None:
        if words:
            entries.set(args.key, words)
        if moves:
            entries.move(args.key, where, beside)

    return _altered(noun, args, alter)


def retire_one(noun: Noun, args: Namespace) -> int:
    return _altered(noun, args, lambda entries: entries.retire(args.key))


def _place(args: Namespace) -> tuple[str, str]:
    before, after = getattr(args, "before", ""), getattr(args, "after", "")
    if before or after:
        return (alteration.BEFORE, before) if before else (alteration.AFTER, after)
    return alteration.LAST, ""


def _altered(noun: Noun, args: Namespace, alter: Callable[[Alteration], None]) -> int:
    def make(before: list[Entry]) -> list[Entry]:
        entries = Alteration(before, args.tenant, noun.kind)
        alter(entries)
        return entries.entries

    try:
        return administering.changed(args, make)
    except Wrong as wrong:
        raise CommandError(f"{wrong.what} ({wrong.hint})" if wrong.hint else wrong.what) from None


def _assignments(args: Namespace, text_key: str) -> Iterator[Assignment]:
    """What was typed; one lone text is the entry's description, or a user's name."""
    for word in args.words:
        found = assignment(word)
        if found is None and text_key:
            found, text_key = Assignment(text_key, "=", word), ""
        if found is None:
            args.wrong(f"{word!r} is not KEY=VALUE")
        else:
            yield found


def take_table(noun: Noun, args: Namespace) -> int:
    try:
        data = args.file.read_bytes()
    except OSError as error:
        raise CommandError(f"{args.file}: {error.strerror}") from error

    def make(before: list[Entry]) -> list[Entry]:
        mine = [entry for entry in before if entry.tenant == args.tenant]
        others = [entry for entry in before if entry.tenant != args.tenant]
        if not mine:
            mine = [Entry(args.tenant, finding.DEFAULT_USER, "", 0, "{}")]
        return [*others, *read_table(noun.kind, data, str(args.file), args.tenant, mine)]

    return administering.changed(args, make)


def give_table(noun: Noun, args: Namespace) -> int:
    with administering.opened(args, readonly=True) as administration:
        found = _kept(administration, args.tenant, noun.kind)
        if noun.kind == finding.DIAL_OBJECT:
            found = sorted(found, key=lambda entry: (entry.place, entry.key))
        for line in write_table(noun.kind, found):
            print(line)
    return 0
