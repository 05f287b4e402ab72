"""The job that seals the log of access, the command that verifies it, and the alarm when either the log or its seals stand still."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from db.access_log import SEARCH, keep_accesses
from db.access_seals import AccessSeal, access_heads, access_standing
from db.base import Base, now
from db.session import Database, connect, open_session
from jobs import access_seals, verify_record
from jobs.access_seals import is_sealed, seal_access_log
from tests.conftest import People
from tests.factories import SYSTEM
from tests.waiting import until

LINES = Base.metadata.tables['accesses']


def write(*told: str) -> None:
    with open_session(SYSTEM) as session:
        keep_accesses(session, [{'at': now(), 'user_id': None, 'what': SEARCH, 'told': words} for words in told])


def waits() -> bool:
    with open_session(SYSTEM, reading=True) as session:
        return access_standing(session, now()).waits_since is not None


def seal() -> None:
    until(lambda: seal_access_log() == 0 and not waits())


def verified(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        verify_record.main(arguments)
    code = end.value.code
    assert isinstance(code, int)
    return code, capsys.readouterr().out


def test_a_run_seals_so_many_batches_and_says_so_once_a_day(
    people: People, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(access_seals, 'BATCH', 2)
    monkeypatch.setattr(access_seals, 'BATCHES', 2)
    monkeypatch.setattr(access_seals, '_told', None)
    write(*'אבגדהו')
    runs: list[int] = []
    with caplog.at_level(logging.INFO, 'jobs.access_seals'):

        def sealed_by_runs() -> bool:
            runs.append(seal_access_log())
            return sum(runs) == 6

        until(sealed_by_runs)
        assert max(runs) <= 4
        with open_session(SYSTEM, reading=True) as session:
            first = session.get_one(AccessSeal, 1)
        assert [line.rpartition(' ')[2] for line in caplog.messages] == [first.hash]
        write('ז')
        until(lambda: seal_access_log(now() + timedelta(days=1)) == 1)
    assert len(caplog.messages) == 2


def test_the_command_finds_what_was_done_to_the_log(
    people: People,
    database: Database,
    database_url: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv('DATABASE_URL', database_url)
    write('א', 'ב')
    seal()
    write('ג')
    seal()
    code, told = verified(capsys)
    assert (code, '3 lines of the log of access under 2 seals compared, 0 faults' in told) == (0, True)
    connect(database_url)
    with open_session(SYSTEM, reading=True) as session:
        kept = tmp_path / 'heads.txt'
        kept.write_text(f'{access_heads(session)[0].line}\n')
    assert verified(capsys, '--against', str(kept))[0] == 0
    connected = connect(database_url)
    with connected.writer.begin() as connection:
        connection.execute(LINES.delete().where(LINES.c.told == 'ב'))
    code, told = verified(capsys)
    assert code == 1
    assert 'lines are missing under the seal 1' in told
    assert '2 were sealed, 1 are there' in told
    kept.write_text('access 2 abab\n')
    assert 'not in the database: access 2 abab' in verified(capsys, '--against', str(kept))[1]
    connect(database_url)


def test_a_log_that_nobody_seals_is_no_longer_well(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    write('א')
    seal()
    write('ב')
    assert is_sealed()
    monkeypatch.setattr(access_seals, 'now', lambda: now() + timedelta(hours=2))
    assert not is_sealed()
