"""Directories made by Hypothesis: everything that may be written in directory.yaml.

Texts and names are Hypothesis's own; what is made of them is up to a seed, which is much
faster than a choice of its own for each of some hundred fields.
"""

from collections.abc import Sequence
from datetime import date
from random import Random
from typing import TypeVar

from hypothesis import strategies as st

from tollbar.directory.holders import ADMINISTERED
from tollbar.policy.account import Code
from tollbar.policy.dialplan import CATEGORIES, DialObject, GroupUse, locations
from tollbar.policy.rights import ALL, Rights, Role, User, Workgroup
from tollbar.policy.settings import Tenant

T = TypeVar("T")

characters = st.one_of(
    st.sampled_from(" ,;:|#\"'*&[]{}\\=+-0aé€"),
    st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\u2028\u2029\ufeff"),
)
texts = st.text(characters, max_size=20)
names = st.text(characters, min_size=1, max_size=8).filter(
    lambda name: name == name.strip() and name not in ("", ALL)
)


class Maker:
    """Makes one tenant in which all names exist; what has no order is sorted."""

    def __init__(self, texts: Sequence[str], names: Sequence[str], seed: int) -> None:
        self.random = Random(seed)
        self.texts = ["", *texts]
        self.names = names
        self.codes = sorted(
            {self.digits(6) for _ in range(self.random.randrange(5))} | set(self.some("0", 1))
        )
        self.roles, self.groups, self.users = (sorted(self.some(names)) for _ in range(3))
        self.lists = {
            name: tuple(dict.fromkeys(self.digits(3) for _ in range(3)))
            for name in self.some(names, 2)
        }
        self.classifications = {
            name: self.random.choice(CATEGORIES) for name in self.some(("mobile", "x_1", "no"), 2)
        }
        self.classes = [*CATEGORIES, *self.classifications]

    def some(self, values: Sequence[str], most: int = 3) -> list[str]:
        return self.random.sample(values, self.random.randint(0, min(most, len(values))))

    def one(self, *values: T) -> T:
        return self.random.choice(values)

    def flag(self) -> bool:
        return self.random.random() < 0.5

    def text(self) -> str:
        return self.random.choice(self.texts)

    def place(self) -> str:
        text = self.text()
        return text if locations(text) else ""

    def digits(self, most: int) -> str:
        return "".join(self.random.choices("0123456789", k=self.random.randint(1, most)))

    def numbers(self) -> tuple[str, ...]:
        return tuple(
            self.one("", "+", "(", " 1-") + self.digits(6) for _ in range(self.random.randrange(3))
        )

    def day(self) -> date:
        return date.fromordinal(self.random.randint(1, date.max.toordinal()))

    def rights(self, of_user: bool = False) -> Rights:
        return Rights(
            self.one(True, None, False if of_user else None),
            self.flag(),
            frozenset(self.some([*self.groups, *self.users, ALL])),
            self.flag(),
            self.one("", "viewable", "all"),
            frozenset(self.some([*ADMINISTERED, ALL])),
            frozenset(self.some([*self.codes, ALL])),
            self.one(None, frozenset(self.some(self.classes))),
        )

    def code(self, code: str) -> Code:
        first, last = sorted((self.day(), self.day()))
        return Code(
            code,
            self.text(),
            self.flag(),
            self.one(None, first),
            self.one(None, last),
            {name: self.text() or "0" for name in self.some(self.names)},
        )

    def user(self, name: str) -> User:
        return User(
            name,
            self.text(),
            self.numbers(),
            self.numbers(),
            self.text(),
            self.rights(of_user=True),
            tuple(self.some(self.roles)),
            tuple(self.some(self.groups)),
            self.one("", *self.codes),
        )

    def use(self) -> GroupUse:
        plain = GroupUse(self.random.choice(self.names))
        full = GroupUse(plain.group, self.place(), self.one("", *self.classes), self.text())
        return self.one(plain, full)

    def dial_object(self) -> DialObject:
        bypass = self.text()
        return DialObject(
            self.text() or "X",
            self.one(*self.classes),
            self.one("", *self.lists),
            self.one("", self.place()),
            self.text(),
            self.text(),
            self.text(),
            self.text(),
            self.flag(),
            tuple(self.use() for _ in range(self.random.randrange(3))),
            bypass if bypass.strip() else "",
            self.flag(),
        )

    def plan(self) -> tuple[DialObject, ...]:
        found = [self.dial_object() for _ in range(self.random.randrange(5))]
        if found and self.flag():
            found.append(DialObject("77", found[-1].classification))
            found.append(DialObject("0077", found[-1].classification))
        return tuple({entry.key: entry for entry in found}.values())

    def tenant(self) -> Tenant:
        patterns = [text for text in self.texts if text.strip()] if self.codes else []
        return Tenant(
            tuple(map(self.code, self.codes)),
            self.rights(),
            tuple(Role(name, self.rights(), self.text()) for name in self.roles),
            tuple(
                Workgroup(
                    name,
                    self.rights(),
                    tuple(self.some(self.roles)),
                    self.text(),
                    self.one("", "*71", "#0"),
                )
                for name in self.groups
            ),
            tuple(map(self.user, self.users)),
            self.lists,
            self.classifications,
            self.plan(),
            {pattern: self.one(*self.codes) for pattern in self.some(patterns)},
        )


tenants = st.builds(
    lambda texts, names, seed: Maker(texts, names, seed).tenant(),
    st.lists(texts, unique=True, max_size=5),
    st.lists(names, unique=True, min_size=1, max_size=5),
    st.integers(0, 1 << 32),
)
directories = st.dictionaries(names | st.just("default"), tenants, max_size=2)
