"""The job that seals the record, and the command that verifies all of it."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from db.base import Base, now
from db.claims import Claim
from db.messages import note_internally
from db.record_seals import chains, heads
from db.session import Database, connect, open_session
from jobs import record_seals, verify_record
from jobs.record_seals import seal_changes
from tests.conftest import People
from tests.factories import SYSTEM, make_claim
from tests.waiting import until


@pytest.fixture
def claims(people: People, database_url: str, monkeypatch: pytest.MonkeyPatch) -> list[Claim]:
    """Three, of two lines each, all of them sealed."""
    monkeypatch.setenv('DATABASE_URL', database_url)
    made = [make_claim(people.levi, people.staff) for _ in range(3)]
    for claim in made:
        with open_session(people.staff) as session:
            note_internally(session, claim.id, 'x', now())
    until(lambda: seal_changes() == 0 and sealed(made) == 6)
    return made


def sealed(claims: list[Claim]) -> int:
    with open_session(SYSTEM, reading=True) as session:
        found = chains(session, [claim.id for claim in claims], now())
        return sum(len(chain.seals) for chain in found.values() if not chain.faults)


def verified(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        verify_record.main(arguments)
    code = end.value.code
    assert isinstance(code, int)
    return code, capsys.readouterr().out


def test_a_run_seals_so_many_batches_and_leaves_the_rest(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_seals, 'BATCH', 2)
    monkeypatch.setattr(record_seals, 'BATCHES', 2)
    made = [make_claim(people.levi, people.staff) for _ in range(7)]
    runs: list[int] = []

    def sealed_by_runs() -> bool:
        runs.append(seal_changes())
        return sum(runs) == 7

    until(sealed_by_runs)
    assert max(runs) <= 4
    assert sealed(made) == 7


def test_the_first_run_of_a_day_writes_the_head_of_the_one_before_and_logs_it(
    claims: list[Claim], caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], database_url: str
) -> None:
    with caplog.at_level(logging.INFO, 'jobs.record_seals'):
        seal_changes()
        assert not caplog.messages
        for _ in range(2):
            seal_changes(now() + timedelta(days=1))
    assert len(caplog.messages) == 1
    with open_session(SYSTEM, reading=True) as session:
        assert caplog.messages[0].endswith(f' {heads(session)[0].hash}')
    code, told = verified(capsys)
    of_claims, of_accesses, of_heads = told.splitlines()
    assert (code, of_claims, of_heads) == (0, '6 lines compared, 0 wait for their seals, 0 faults', '1 heads match')
    assert of_accesses.endswith('0 faults')


def test_the_command_names_what_was_rewritten_and_heads_that_are_gone(
    claims: list[Claim], database: Database, capsys: pytest.CaptureFixture[str], tmp_path: Path, database_url: str
) -> None:
    changes = Base.metadata.tables['changes']
    with database.writer.begin() as connection:
        connection.execute(changes.update().where(changes.c.claim_id == claims[1].id).values(by='אחר'))
    code, told = verified(capsys)
    assert code == 1
    named = [line.split(' (')[0] for line in told.splitlines() if 'does not match' in line]
    assert named == [f'{claims[1].claim_no}: Line {n}' for n in (1, 2)]
    code, told = verified(capsys, claims[0].claim_no)
    assert (code, told.splitlines()[0]) == (
        0,
        f'{claims[0].claim_no}: 2 lines are as they were sealed, 0 wait for their seals',
    )
    kept = tmp_path / 'heads.txt'
    kept.write_text('2026-12-01 6 3 abab\n', 'utf-8-sig')  # as some editors save
    code, told = verified(capsys, claims[0].claim_no, '--against', str(kept))
    assert (code, 'not in the database: 2026-12-01 6 3 abab' in told) == (1, True)
    with pytest.raises(SystemExit, match='not found'):
        verify_record.main(['26-99999'])
    connect(database_url)
