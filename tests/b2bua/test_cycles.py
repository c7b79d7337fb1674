"""What is over is gone at once: no reference runs in a circle, so nothing waits for the
garbage collector, which a gateway at work does not run."""

import gc
from collections import Counter

import pytest
from tests.b2bua.ladder import Ladder

STORIES = {
    "answered": """
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180, 200
        B <- ACK
        A <- 180, 200
        A -> ACK
        A -> BYE
        B <- BYE
        A <- 200 BYE
        B -> 200 BYE
    """,
    "hung up by the callee": """
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 200
        B <- ACK
        A <- 200
        A -> ACK
        B -> BYE
        A <- BYE
        B <- 200 BYE
        A -> 200 BYE
    """,
    "refused": """
        A -> INVITE (to 9005551234)
        A <- 403
        A -> ACK
    """,
    "busy": """
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 486
        B <- ACK
        A <- 486
        A -> ACK
    """,
    "cancelled": """
        A -> INVITE
        A <- 100
        B <- INVITE
        B -> 180
        A <- 180
        A -> CANCEL
        A <- 200 CANCEL, 487
        A -> ACK
        B <- CANCEL
        B -> 200 CANCEL, 487
        B <- ACK
    """,
}


@pytest.mark.parametrize("story", STORIES)
def test_a_call_that_is_over_leaves_no_circle(story: str) -> None:
    gc.collect()
    enabled, flags = gc.isenabled(), gc.get_debug()
    gc.disable()
    try:
        ladder = Ladder().climb(STORIES[story])
        ladder.wire.wind_down()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        left = Counter(
            f"{type(item).__module__}.{type(item).__name__}"
            for item in gc.garbage
            if type(item).__module__.startswith("tollbar.")
        )
        assert left == Counter()
        ladder.wire.assert_empty()
    finally:
        gc.set_debug(flags)
        gc.garbage.clear()
        if enabled:
            gc.enable()
