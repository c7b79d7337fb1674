import asyncio

from tests.net.conftest import Shell

from tollbar.b2bua.facts import Fact
from tollbar.net.driver import Driver
from tollbar.sip.flow import Flow, Target


class Wire:
    """A channel and a port that remember what was sent, in order with the facts."""

    def __init__(self, log: list[str], broken: bool = False) -> None:
        self.name = "wire"
        self.log = log
        self.broken = broken

    def send(self, data: bytes) -> None:
        if self.broken:
            raise OSError("no way")
        self.log.append(data.decode())

    def attach(self, driver: Driver) -> None: ...

    def start(self) -> None:
        self.log.append("reading")

    def reach(self, target: Target) -> "Wire":
        return self

    def sweep(self, now: float) -> None:
        self.log.append("swept")

    def close(self) -> None: ...


def flow(wire: Wire) -> Flow:
    return Flow("wire", "udp", "192.0.2.1", 5060, wire)


async def test_facts_leave_before_messages(shell: Shell) -> None:
    log: list[str] = []
    shell.driver.sink = lambda facts: log.extend(f"fact {fact.number}" for fact in facts)
    shell.engine.facts = [Fact(1, "c", 0.0, 0.0), Fact(2, "c", 0.0, 0.0)]
    shell.engine.outbox = [(flow(Wire(log)), b"one"), (flow(Wire(log)), b"two")]
    shell.driver.settle(0.0)
    assert log == ["fact 1", "fact 2", "one", "two"]


async def test_a_target_is_reached_through_its_listener(shell: Shell) -> None:
    log: list[str] = []
    shell.driver.add(Wire(log))
    shell.engine.outbox = [(Target("wire", "udp", "192.0.2.1", 5060), b"one")]
    shell.driver.settle(0.0)
    assert log == ["one"]


async def test_a_failed_send_is_told_and_spares_the_others(shell: Shell) -> None:
    log: list[str] = []
    dead = flow(Wire(log, broken=True))
    shell.engine.outbox = [(dead, b"lost"), (flow(Wire(log)), b"sent")]
    shell.driver.settle(0.0)
    assert log == ["sent"]
    assert [hop for hop, _ in shell.engine.gone] == [dead]


async def test_what_a_loss_gives_rise_to_leaves_in_the_same_settle(shell: Shell) -> None:
    log: list[str] = []
    other = flow(Wire(log))
    shell.engine.on_lost = lambda hop: shell.engine.outbox.append((other, b"next trunk"))
    shell.engine.outbox = [(flow(Wire(log, broken=True)), b"lost")]
    shell.driver.settle(0.0)
    assert log == ["next trunk"]


async def test_a_target_of_no_listener_is_lost(shell: Shell) -> None:
    target = Target("gone", "tcp", "192.0.2.1", 5060)
    shell.engine.outbox = [(target, b"x")]
    shell.driver.settle(0.0)
    assert shell.engine.gone[0][0] is target


async def test_losses_without_end_do_not_hold_the_loop(shell: Shell) -> None:
    dead = flow(Wire([], broken=True))
    shell.engine.on_lost = lambda hop: shell.engine.outbox.append((dead, b"again"))
    shell.engine.outbox = [(dead, b"x")]
    shell.driver.settle(0.0)
    assert 1 < len(shell.engine.gone) < 100


async def test_the_timer_wakes_the_engine_at_its_deadline(shell: Shell) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time() + 0.001
    shell.engine.deadline = due
    shell.driver.settle(loop.time())
    await shell.engine.until(lambda: bool(shell.engine.expired))
    # The loop may fire within its clock's resolution of the deadline.
    assert shell.engine.expired[0] >= due - 0.001
    assert shell.driver.alarm is None


async def test_the_timer_is_armed_again_only_for_an_earlier_deadline(shell: Shell) -> None:
    shell.engine.deadline = asyncio.get_running_loop().time() + 60
    shell.driver.settle(0.0)
    first = shell.driver.alarm
    shell.driver.settle(0.0)
    assert shell.driver.alarm is first
    shell.engine.deadline -= 30
    shell.driver.settle(0.0)
    assert first is not None
    assert first.cancelled()
    second = shell.driver.alarm
    assert second is not None
    assert second is not first
    shell.engine.deadline += 10
    shell.driver.settle(0.0)
    assert shell.driver.alarm is second
    shell.driver.wake()
    assert shell.driver.alarm is not None
    assert shell.driver.alarm.when() >= shell.engine.deadline
    shell.engine.deadline = None
    shell.driver.settle(0.0)
    assert shell.driver.alarm is None


async def test_deadlines_close_to_each_other_share_a_wake_up(shell: Shell) -> None:
    shell.engine.deadline = 1_000_000.001
    shell.driver.settle(0.0)
    first = shell.driver.alarm
    assert first is not None
    assert first.when() >= 1_000_000.001
    shell.engine.deadline = 1_000_000.009
    shell.driver.settle(0.0)
    assert shell.driver.alarm is first


async def test_a_clock_step_is_handed_in(shell: Shell) -> None:
    loop = asyncio.get_running_loop()
    shell.driver.clock = lambda: loop.time() + 1_000.0
    shell.driver.tick()
    assert abs(shell.engine.utc_offset - 1_000.0) < 0.1
    shell.driver.clock = lambda: loop.time() + 1_000.0 + 3600.0
    shell.driver.tick()
    assert abs(shell.engine.utc_offset - 4_600.0) < 0.1


async def test_every_tick_beats_and_some_sweep(shell: Shell) -> None:
    beats: list[int] = []
    log: list[str] = []
    shell.driver.add(Wire(log))
    shell.driver.beat = lambda: beats.append(1)
    shell.driver.swept = -1e9
    shell.driver.tick()
    shell.driver.tick()
    assert len(beats) == 2
    assert log == ["swept"]


async def test_a_tap_sees_what_leaves(shell: Shell) -> None:
    seen: list[tuple[bool, bytes]] = []

    class Tap:
        def saw(self, received: bool, hop: object, data: bytes) -> None:
            seen.append((received, data))

    shell.driver.tap = Tap()
    shell.engine.outbox = [(flow(Wire([])), b"one")]
    shell.driver.settle(0.0)
    assert seen == [(False, b"one")]
