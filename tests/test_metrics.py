import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families
from tests.facts import Story

from tollbar import metrics as tables
from tollbar.cdr.record import Record
from tollbar.metrics import Metrics
from tollbar.scrape import Scrape


class Counters:
    received = {b"INVITE": 3, b"200": 2, b"other": 1}
    sent = {b"INVITE": 4}
    repeats_sent = 5
    repeats_absorbed = 6

    def __len__(self) -> int:
        return 7


def samples(metrics: Metrics) -> dict[str, float]:
    """Every sample as "name{label=value,...}" (labels in order)."""
    found = {}
    for family in metrics.collect():
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def test_an_answered_call_is_counted_once_by_all_its_labels() -> None:
    metrics = Metrics()
    metrics.fold(Story().whole("one"))
    found = samples(metrics)
    labels = "classification=local,outcome=answered,peer=pbx,reason=,trunk=carrier"
    assert found[f"tollbar_calls_total{{{labels}}}"] == 1
    assert found["tollbar_calls_in_progress{peer=pbx}"] == 0
    assert found["tollbar_trunk_calls_in_progress{trunk=carrier}"] == 0


def test_a_refused_call_counts_its_reason_and_no_trunk() -> None:
    metrics = Metrics()
    metrics.fold(Story().refused("one", "required"))
    labels = "classification=local,outcome=refused,peer=pbx,reason=required,trunk="
    assert samples(metrics)[f"tollbar_calls_total{{{labels}}}"] == 1


def test_calls_in_progress_follow_a_call_to_its_last_trunk() -> None:
    story, metrics = Story(), Metrics()
    metrics.fold([story.attempted("one"), story.tried("one", trunk="first")])
    assert samples(metrics)["tollbar_trunk_calls_in_progress{trunk=first}"] == 1
    metrics.fold([story.tried("one", trunk="second", tries=2)])
    found = samples(metrics)
    assert found["tollbar_trunk_calls_in_progress{trunk=first}"] == 0
    assert found["tollbar_trunk_calls_in_progress{trunk=second}"] == 1
    assert found["tollbar_calls_in_progress{peer=pbx}"] == 1
    metrics.fold([story.ended("one", 5.0, "failed")])
    assert not metrics.running
    assert samples(metrics)["tollbar_trunk_calls_in_progress{trunk=second}"] == 0


def test_setup_and_post_dial_delay_are_measured_from_the_invite() -> None:
    metrics = Metrics()
    metrics.fold(Story().whole("one"))
    found = samples(metrics)
    assert found["tollbar_setup_seconds_sum"] == pytest.approx(2.0)
    assert found["tollbar_post_dial_delay_seconds_sum"] == pytest.approx(0.3)
    assert found["tollbar_post_dial_delay_seconds_bucket{le=0.25}"] == 0
    assert found["tollbar_post_dial_delay_seconds_bucket{le=0.5}"] == 1
    assert found["tollbar_post_dial_delay_seconds_bucket{le=+Inf}"] == 1


def test_an_answer_without_ringing_is_the_post_dial_delay() -> None:
    story, metrics = Story(), Metrics()
    metrics.fold([story.attempted("one"), story.answered("one", 1.5)])
    assert samples(metrics)["tollbar_post_dial_delay_seconds_sum"] == pytest.approx(1.5)


def test_a_call_of_the_last_process_is_in_progress_and_then_counted() -> None:
    metrics = Metrics()
    record = Record("one", peer="pbx", trunk="carrier", classification="local")
    metrics.restore([record])
    assert samples(metrics)["tollbar_calls_in_progress{peer=pbx}"] == 1
    metrics.fold([Story().ended("one", 5.0)])
    found = samples(metrics)
    labels = "classification=local,outcome=answered,peer=pbx,reason=,trunk=carrier"
    assert found[f"tollbar_calls_total{{{labels}}}"] == 1
    assert found["tollbar_calls_in_progress{peer=pbx}"] == 0
    assert found["tollbar_setup_seconds_count"] == 0


def test_emergency_calls_and_unknown_sources_have_counts_of_their_own() -> None:
    story, metrics = Story(), Metrics()
    metrics.fold([story.attempted("one", emergency=True), story.noticed("unknown_source")])
    found = samples(metrics)
    assert found["tollbar_emergency_calls_total"] == 1
    assert found["tollbar_unknown_sources_total"] == 1
    assert found["tollbar_notices_total{kind=unknown_source}"] == 1


def test_labels_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "SERIES", 3)
    story, metrics = Story(), Metrics()
    for number in range(10):
        metrics.fold(story.refused(str(number), f"reason{number}"))
        metrics.fold([story.noticed(f"kind{number}")])
    assert len(metrics.calls) == 4
    assert metrics.calls[tables.OTHER] == 7
    for number in range(100):
        metrics.fold([story.noticed(f"more{number}")])
    assert len(metrics.notices) <= 65


def test_no_label_holds_a_number_a_code_or_a_user() -> None:
    metrics = Metrics(Counters())
    metrics.fold(
        Story().whole("one", user="alice", account_code="4711", dialled="*61*4711#3175551234")
    )
    text = " ".join(samples(metrics))
    for secret in ("alice", "4711", "1001", "3175551234"):
        assert secret not in text


def test_the_stacks_counters_are_shown() -> None:
    found = samples(Metrics(Counters()))
    assert found["tollbar_sip_requests_total{direction=received,method=INVITE}"] == 3
    assert found["tollbar_sip_responses_total{direction=received,status=200}"] == 2
    assert found["tollbar_sip_requests_total{direction=sent,method=INVITE}"] == 4
    assert found["tollbar_sip_retransmissions_total{direction=sent}"] == 5
    assert found["tollbar_sip_retransmissions_total{direction=received}"] == 6
    assert found["tollbar_sip_transactions"] == 7


class Served:
    def __init__(self) -> None:
        self.reason = ""
        self.metrics = Metrics(Counters())
        self.untold = Story().whole("untold")
        self.scrape = Scrape(self.metrics, lambda: self.reason, self.tell)
        self.address = ("", 0)

    def tell(self) -> None:
        self.metrics.fold(self.untold)
        self.untold = []

    async def get(self, request: str) -> tuple[str, str]:
        """Status line and body."""
        reader, writer = await asyncio.open_connection(*self.address)
        writer.write(request.encode())
        answer = (await reader.read()).decode()
        writer.close()
        await writer.wait_closed()
        head, _, body = answer.partition("\r\n\r\n")
        return head.partition("\r\n")[0], body


@pytest_asyncio.fixture
async def served() -> AsyncIterator[Served]:
    served = Served()
    served.address = await served.scrape.start("127.0.0.1", 0)
    yield served
    served.scrape.close()


async def test_a_scrape_is_valid_text(served: Served) -> None:
    served.metrics.fold(Story().whole("one"))
    status, body = await served.get("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status == "HTTP/1.1 200 OK"
    names = [family.name for family in text_string_to_metric_families(body)]
    assert "tollbar_calls" in names
    assert len(names) == len(set(names))


async def test_a_scrape_shows_what_was_not_counted_yet(served: Served) -> None:
    _, body = await served.get("GET /metrics HTTP/1.1\r\n\r\n")
    assert "tollbar_setup_seconds_sum 2.0" in body
    assert served.untold == []


async def test_the_probes_tell_ready_from_not(served: Served) -> None:
    assert (await served.get("GET /readyz HTTP/1.1\r\n\r\n"))[1] == "ready\n"
    served.reason = "draining"
    status, body = await served.get("GET /readyz HTTP/1.1\r\n\r\n")
    assert (status, body) == ("HTTP/1.1 503 Service Unavailable", "draining\n")
    assert (await served.get("GET /healthz HTTP/1.1\r\n\r\n"))[1] == "ok\n"


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET /etc/passwd HTTP/1.1", "HTTP/1.1 404 Not Found"),
        ("POST /metrics HTTP/1.1", "HTTP/1.1 405 Method Not Allowed"),
        ("nonsense", "HTTP/1.1 404 Not Found"),
    ],
)
async def test_anything_else_is_refused(served: Served, request_line: str, status: str) -> None:
    assert (await served.get(f"{request_line}\r\n\r\n"))[0] == status


async def test_a_request_without_end_is_cut_off(served: Served) -> None:
    reader, writer = await asyncio.open_connection(*served.address)
    writer.write(b"x" * 100_000)
    try:
        got = await reader.read()
    except ConnectionError:
        got = b""
    assert got == b""
    writer.transport.abort()


def test_chats_are_counted_apart_from_calls() -> None:
    metrics, story = Metrics(), Story()
    attempted = story.attempted("chat")
    attempted.kind = "chat"
    away = story.turned_away("other", "limit")
    away.kind = "chat"
    metrics.fold([attempted, story.tried("chat"), story.answered("chat", 1.0), away])
    assert "tollbar_calls_in_progress{peer=pbx}" not in samples(metrics)
    metrics.fold([story.ended("chat", 1800.0, reason="gap"), story.closed("chat", 1800.0)])
    found = samples(metrics)
    assert found["tollbar_chats_total{outcome=answered,reason=gap}"] == 1
    assert found["tollbar_chats_total{outcome=refused,reason=limit}"] == 1
    assert not any(name.startswith("tollbar_calls_total") for name in found)
    assert not metrics.chatting


def test_a_chat_of_the_last_process_is_counted_when_it_ends() -> None:
    metrics = Metrics()
    metrics.restore([Record("chat", peer="pbx", trunk="carrier", kind="chat")])
    metrics.fold([Story().ended("chat", 0.0, reason="restart")])
    assert samples(metrics)["tollbar_chats_total{outcome=answered,reason=restart}"] == 1


def test_a_call_that_is_turned_away_counts_its_reason() -> None:
    metrics = Metrics()
    metrics.fold([Story().turned_away("one", "locked")])
    labels = "classification=local,outcome=refused,peer=pbx,reason=locked,trunk="
    assert samples(metrics)[f"tollbar_calls_total{{{labels}}}"] == 1
    assert not metrics.running
