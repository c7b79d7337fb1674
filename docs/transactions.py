"""Draws the transactions' tables: python docs/transactions.py > docs/reference/transactions.md

Everything in the drawing comes from the tables that the stack itself runs on.
"""

import sys
from collections.abc import Iterator

from tollbar.sip.transaction import EVENTS, MACHINES, STATES, Ignored, Rules

INTRODUCTION = """\
# Transactions

Drawn from the code by `docs/transactions.py`; a test holds this page against it. Compare figures
5 to 8 of RFC 3261, and the state *accepted* of RFC 6026.

A cell is a step, then the state after it where that is another. A small number is an event that
does nothing; the list below the table says why. *1xx*, *2xx* and *3xx-6xx* come from the call on
the server side, from the network on the client side. *lost*: the connection broke, or the bytes
could not be sent. *repeat*: timers A, E and G. *give up*: timers B, F and H. *linger*: timers D,
I, J, K, L and M, after which nobody repeats anything.
"""


def drawn() -> str:
    """The whole page."""
    tables = ["\n".join(table(name, *machine)) for name, machine in MACHINES.items()]
    return "\n".join([INTRODUCTION, *tables])


def table(name: str, rules: Rules, ignored: Ignored) -> Iterator[str]:
    numbers = {cell: n for n, why in enumerate(ignored, 1) for cell in ignored[why]}
    states = sorted({state for state, _ in (*rules, *numbers)})
    yield f"## {name[0].upper()}{name[1:]}\n"
    yield "| | " + " | ".join(EVENTS) + " |"
    yield "|---" * (len(EVENTS) + 1) + "|"
    for state in states:
        cells = []
        for event in range(len(EVENTS)):
            if (state, event) in rules:
                after, step = rules[state, event]
                word = step.__name__.replace("_", " ")
                cells.append(word if after == state else f"{word} → {STATES[after]}")
            else:
                cells.append(f"<sup>{numbers[state, event]}</sup>")
        yield f"| **{STATES[state]}** | " + " | ".join(cells) + " |"
    yield ""
    yield from (f"{number}. {why}" for number, why in enumerate(ignored, 1))
    yield ""


if __name__ == "__main__":
    sys.stdout.write(drawn())
