"""What an audit in any database must do; a test class per database derives from it."""

import pytest
from tests.store.directory_contract import Clock

from tollbar.store.audit import PAGE, Audit, AuditLine
from tollbar.store.database import Database
from tollbar.store.errors import StoreError

START = 1_700_000_000_000


def line(number: int, **other: str) -> AuditLine:
    values = {"tenant": "default", "who": "anne", "action": "correct", "kind": "record"}
    return AuditLine(**(values | {"key": str(number)} | other))  # type: ignore[arg-type]


class AuditContract:
    """The contract."""

    @pytest.fixture
    def database(self) -> Database:
        raise NotImplementedError

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def audit(self, database: Database, clock: Clock) -> Audit:
        return Audit(database, clock)

    def test_a_line_comes_back_whole(self, audit: Audit) -> None:
        wrote = line(1, before='{"account_code":"0214"}', after="ñ🙂")
        audit.append(wrote)
        (read,) = audit.lines()
        assert read.seq > 0
        assert read == AuditLine(
            *("default", "anne", "correct", "record", "1", '{"account_code":"0214"}', "ñ🙂"),
            at=START,
            seq=read.seq,
        )

    def test_the_newest_comes_first(self, audit: Audit, clock: Clock) -> None:
        audit.append(line(1), line(2))
        clock.now -= 3600  # the clock was set
        audit.append(line(3))
        assert [found.key for found in audit.lines()] == ["3", "2", "1"]
        assert [found.key for found in audit.lines(limit=2)] == ["3", "2"]

    def test_it_is_read_by_tenant_entry_person_action_and_time(
        self, audit: Audit, clock: Clock
    ) -> None:
        audit.append(line(1), line(2, tenant="blue"), line(3, who="bob"))
        clock.now += 10
        audit.append(line(1, action="lock", kind="caller"), line(1, who="bob"), line(4, key=""))

        def found(**wanted: object) -> list[str]:
            lines = audit.lines(**wanted)  # type: ignore[arg-type]
            return [f"{a.tenant} {a.who} {a.action} {a.kind} {a.key}" for a in lines]

        assert found(tenant="blue") == ["blue anne correct record 2"]
        assert found(who="bob", since=START + 1) == ["default bob correct record 1"]
        assert found(kind="record", key="1") == [
            "default bob correct record 1",
            "default anne correct record 1",
        ]
        assert found(key="") == ["default anne correct record "]
        assert found(action="lock") == ["default anne lock caller 1"]
        assert len(found(since=START)) == 6
        assert len(found(since=START + 10_000)) == 3
        assert found(since=START + 10_001) == []
        clock.now -= 20  # the clock was set
        audit.append(line(9))
        assert len(found(since=START)) == 6

    def test_it_streams_by_pages(self, audit: Audit) -> None:
        many = PAGE * 2 + 7
        audit.append(*(line(number) for number in range(many)))
        stream = audit.lines()
        first = next(stream)
        audit.append(line(many))
        rest = [int(found.key) for found in stream]
        assert [int(first.key), *rest] == list(range(many - 1, -1, -1))
        assert len(list(audit.lines(limit=PAGE + 1))) == PAGE + 1

    def test_what_fails_writes_nothing(self, audit: Audit) -> None:
        with pytest.raises(StoreError):
            audit.append(line(1), line(2, after="\ud800"))
        assert list(audit.lines()) == []
