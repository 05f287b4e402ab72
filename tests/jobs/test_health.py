"""Whether everything works: each thing that may break turns the answer, the log names it, and it turns back by itself."""

import shutil
import socket
import threading
from collections import Counter, namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Column, MetaData, Table

from db import engines, files, schema
from db.base import now
from db.session import Database, connect, open_session
from db.settings import Settings, load
from db.timetable import JobRun
from jobs import health
from jobs.health import Health
from pages import health as pages_health
from tests.conftest import People
from tests.factories import SYSTEM, alert_everybody, make_claim
from tests.stores import failing_store


@pytest.fixture
def settings(database_url: str, database: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(health, 'BELIEVED_SECONDS', -1.0)
    settings = load(None, data_dir=tmp_path / 'data', database_url=database_url)
    settings.data_dir.mkdir()
    files.connect(settings.documents_url, settings.data_dir)
    return settings


def test_documents_on_a_disk_of_their_own_need_room_there(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / 'elsewhere'
    elsewhere.mkdir()
    files.connect(f'file:{elsewhere}', settings.data_dir)
    looked = Health(settings)
    usage = namedtuple('usage', 'total used free')
    monkeypatch.setattr(
        shutil,
        'disk_usage',
        lambda place: usage(100, 96, 4) if elsewhere in (place, *place.parents) else usage(100, 0, 100),
    )
    assert looked.faults() == ('disk',)


def test_all_is_well(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    assert Health(settings).faults() == ()
    assert caplog.text == ''


def test_a_disk_that_fills_up_and_a_folder_nobody_can_write_to_turn_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looked = Health(settings)
    usage = namedtuple('usage', 'total used free')
    with monkeypatch.context() as patch:
        patch.setattr(shutil, 'disk_usage', lambda _: usage(100, 96, 4))
        assert looked.faults() == ('disk',)
        patch.setattr(shutil, 'disk_usage', lambda _: usage(100, 95, 5))
        assert looked.faults() == ()
    (settings.data_dir / 'documents').mkdir(exist_ok=True)
    incoming = settings.data_dir / 'documents' / 'incoming'
    shutil.rmtree(incoming, ignore_errors=True)
    incoming.touch()
    assert looked.faults() == looked.faults() == ('documents',)
    incoming.unlink()
    assert looked.faults() == ()
    told = [record.getMessage() for record in caplog.records]
    assert [line.partition(':')[0] for line in told] == ['not ready', 'ready again'] * 2, 'each turn once'
    assert 'documents' in told[2]


def test_what_those_above_know_of_turns_it_too(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    written = [True, False, True]
    looked = Health(settings, {'accesses': lambda: written.pop(0)})
    assert [looked.faults() for _ in range(3)] == [(), ('accesses',), ()]
    assert 'accesses' in caplog.text


@contextmanager
def scanner(says: bytes) -> Iterator[str]:
    with socket.create_server(('127.0.0.1', 0)) as listening:

        def answer() -> None:
            line, _ = listening.accept()
            with line:
                assert line.recv(100) == b'zPING\0'
                line.sendall(says)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f'tcp://127.0.0.1:{listening.getsockname()[1]}'
        thread.join()


@pytest.mark.parametrize('fault', ['error', 'key', 'bucket', 'slow'])
def test_a_store_of_documents_that_fails_turns_it(
    settings: Settings, fault: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(files, 'CHECK_SECONDS', 1)
    with failing_store() as store:
        files.connect(store.url, settings.data_dir)
        looked = Health(settings)
        assert looked.faults() == ()
        store.fault = fault
        assert looked.faults() == ('documents',)
        assert 'StoreFailing' in caplog.text
        store.mend()
        assert looked.faults() == ()


def test_a_store_answers_for_a_probe_within_its_patience() -> None:
    assert files.CHECK_SECONDS < pages_health.PATIENCE_SECONDS, 'else the log never learns what it is'


def test_a_scanner_that_does_not_answer_turns_it(settings: Settings) -> None:
    for says, faults in ((b'PONG\0', ()), (b'what?\0', ('scanner',))):
        with scanner(says) as address:
            assert Health(settings.model_copy(update={'clamd_url': address})).faults() == faults
    nobody = settings.model_copy(update={'clamd_url': 'tcp://127.0.0.1:9'})
    assert Health(nobody).faults() == ('scanner',)


def test_a_late_job_turns_it(settings: Settings) -> None:
    with open_session(SYSTEM) as session:
        session.add(JobRun(name='made_up', every_seconds=1, at_night=True, known_since=now().replace(year=2020)))
    assert Health(settings).faults() == ('jobs',)


def test_changes_that_nobody_turns_into_alerts_turn_it(
    settings: Settings, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert_everybody()
    looked = Health(settings)
    make_claim(people.levi, people.staff)
    assert looked.faults() == (), 'for a moment that is so'
    with monkeypatch.context() as patch:
        patch.setattr(health, 'FOLLOWED_SECONDS', 0.0)
        assert looked.faults() == ('alerts',)
    alert_everybody()
    assert looked.faults() == ()


def test_a_schema_of_another_version_turns_it(settings: Settings, database: Database) -> None:
    looked, versions = Health(settings), Table('alembic_version', MetaData(), Column('version_num'))
    for revision, faults in ((schema.revisions()[-2], ('schema',)), (schema.revisions()[-1], ())):
        with database.writer.begin() as connection:
            connection.execute(versions.update(), {'version_num': revision})
        assert looked.faults() == faults


@pytest.mark.parametrize('database_url', ['sqlite'], indirect=True)
def test_a_writer_that_gets_no_turn_turns_it(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, '_SQLITE_SETTINGS', (*engines._SQLITE_SETTINGS, 'busy_timeout=100'))
    other = connect(settings.database_url)
    connect(settings.database_url)
    looked = Health(settings)
    with other.writer.begin():
        assert looked.faults() == ('writing',), 'who reads goes on'
    assert looked.faults() == ()
    other.close()


def test_a_database_that_is_gone_turns_it(settings: Settings) -> None:
    nowhere = 'postgresql+psycopg://nobody@127.0.0.1:9/nothing'
    connect(nowhere)
    gone = settings.model_copy(update={'database_url': nowhere})
    assert {'schema', 'database', 'writing', 'jobs', 'alerts'} <= {*Health(gone).faults()}


@pytest.mark.postgres
def test_a_database_that_only_reads_turns_it(
    postgres_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('PGOPTIONS', '')
    with psycopg.connect(postgres_url.replace('+psycopg', ''), autocommit=True) as admin:
        admin.execute('ALTER DATABASE ' + postgres_url.rpartition('/')[2] + ' SET default_transaction_read_only = on')  # type: ignore[arg-type, unused-ignore]
    connect(postgres_url)
    assert 'writing' in Health(settings.model_copy(update={'database_url': postgres_url})).faults()


def test_who_asks_often_costs_one_look_and_who_leaves_says_so(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: Counter[str] = Counter()
    monkeypatch.setattr(health, 'BELIEVED_SECONDS', 60.0)
    monkeypatch.setattr('db.vitals.takes_writes', lambda: bool(looks.update(['look']) or True))
    looked = Health(settings)
    for _ in range(20):
        assert looked.faults() == ()
    assert looks['look'] == 1
    looked.leave()
    assert looked.faults() == ('leaving',)
