"""Backups: made while people write, put back elsewhere, and proved; what is broken is refused, and nothing is overwritten by chance."""

import hashlib
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.engine import make_url

from db import copies, exports, files, identity, schema
from db.alerts import Cursor
from db.base import now
from db.catch_up import changes_after
from db.changes import Change
from db.claims import Claim, save_fields
from db.copies import CopyError
from db.documents import Arrived, Document, Slot, attach
from db.list_state import ListState
from db.scope import Actor
from db.session import connect, open_session
from db.settings import Settings, load
from db.timetable import FREE, note_end, set_timetable, take
from jobs import archive, backup, restore, upgrade
from jobs import exports as making
from tests.conftest import POSTGRES, People
from tests.e2e.conftest import serving
from tests.e2e.instances import bucket
from tests.factories import PASSWORD, SYSTEM, alert_everybody, make_claim, make_people
from tests.processes import PROCESSES
from tests.stores import failing_store
from tests.waiting import until

ROOT = Path(__file__).parents[2]
WRITERS = 6


def installation(folder: Path, url: str, **over: Any) -> Settings:
    return load(None, data_dir=folder, database_url=url, **over)


def file_document(keeper: files.FileStore, actor: Actor, claim_id: int, content: bytes, at: datetime) -> str:
    """What an upload does: the file first, then its row."""
    digest = hashlib.sha256(content).hexdigest()
    with files.new_file(keeper) as (path, file):
        file.write(content)
        file.flush()
        keeper.put(files.key_of(digest), path)
    size = len(content)
    arrived = Arrived('נזק.pdf', 'נזק.pdf', 'application/pdf', size, digest, size, digest, 1)
    with open_session(actor) as session:
        return attach(session, claim_id, arrived, Slot('damage_photos'), at).document.uuid


@pytest.fixture(autouse=True)
def programs(request: pytest.FixtureRequest) -> None:
    """PostgreSQL is copied by its own programs."""
    if 'postgres' in request.node.name and shutil.which('pg_dump') is None and not os.environ.get('REQUIRE_POSTGRES'):
        pytest.skip('no pg_dump on this machine')


@pytest.fixture
def elsewhere(database_url: str, tmp_path: Path) -> Iterator[str]:
    """An empty database of the same kind, on another machine as it were."""
    if database_url.startswith('sqlite'):
        yield f'sqlite:///{tmp_path}/elsewhere/maakav.db'
        return
    name = f'maakav_elsewhere_{uuid.uuid4().hex[:8]}'
    admin_url = make_url(POSTGRES).set(drivername='postgresql').render_as_string(hide_password=False)
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE {name}')  # type: ignore[arg-type, unused-ignore]
    yield make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE {name} WITH (FORCE)')  # type: ignore[arg-type, unused-ignore]


@pytest.fixture
def here(database_url: str, people: People, tmp_path: Path) -> Settings:
    """An installation with one claim and two documents."""
    settings = installation(tmp_path / 'here', database_url)
    keeper = files.connect(settings.documents_url, settings.data_dir)
    claim = make_claim(people.levi, people.staff)
    for content in (b'one', b'two' * 100_000):
        file_document(keeper, people.staff, claim.id, content, now())
    return settings


def close(url: str) -> None:
    """Let go of the database, as a server that is stopped."""
    connect(url).close()


# ---- the drill --------------------------------------------------------------------------------------------------------------


def keep_writing(url: str, folder: Path, staff: Actor, claim_id: int, me: int, told: Connection) -> None:
    """File documents and edit the claim, and say so after each commit, until somebody pulls the plug."""
    connect(url)
    keeper = files.connect(f'file:{folder}/documents', folder)
    for number in range(100_000):
        content = f'{me} {number} '.encode() * 2_000
        told.send(file_document(keeper, staff, claim_id, content, now()))
        with open_session(staff) as session:
            session.get_one(Claim, claim_id).insured_address = f'הרצל {me}/{number}'
        time.sleep(0.02)  # six who never rest would starve each other


@pytest.mark.slow
def test_a_backup_made_under_six_writers_is_whole_elsewhere_and_people_sign_in(
    people: People, database_url: str, elsewhere: str, tmp_path: Path
) -> None:
    with open_session(SYSTEM) as session:
        identity.set_password(session, people.dana.user_id or 0, PASSWORD, now())
    claims = [make_claim(people.levi, people.staff) for _ in range(WRITERS)]
    here, there = (
        installation(tmp_path / name, url) for name, url in (('here', database_url), ('elsewhere', elsewhere))
    )
    lines, writers = [], []
    for number, claim in enumerate(claims):
        heard, told = PROCESSES.Pipe(duplex=False)
        arguments = (database_url, here.data_dir, people.staff, claim.id, number, told)
        writers.append(PROCESSES.Process(target=keep_writing, args=arguments))
        writers[-1].start()
        lines.append(heard)
    before = {heard.recv() for heard in lines for _ in range(2)}
    whole, since = backup.make(here), {heard.recv() for heard in lines for _ in range(2)}
    path = backup.make_small(here)
    assert path is not None
    after = {heard.recv() for heard in lines for _ in range(2)}
    for writer in writers:
        writer.kill()
        writer.join()
    assert after, 'they wrote on while they were made'

    restored = restore.restore(there, path)
    assert copies.damage_in(elsewhere) == []
    assert restored.manifest.missing == []
    connect(elsewhere)
    keeper = files.connect(there.documents_url, there.data_dir)
    with open_session(SYSTEM, reading=True) as session:
        rows = list(session.scalars(select(Document)))
    assert before | since <= {row.uuid for row in rows}, 'what was saved before the small backup is in it'
    for row in rows:
        assert hashlib.sha256(b''.join(keeper.read(files.key_of(row.sha256)))).hexdigest() == row.sha256
    held, new = ({*each.members} - {each.database} for each in map(archive.verified, (whole, path)))
    assert held, 'documents of before'
    assert new, 'and later ones'
    assert held | new == {f'documents/{files.key_of(row.sha256)}' for row in rows}, 'and nothing beside'
    assert not held & new, 'none twice'
    close(elsewhere)
    with (
        serving('app', there.data_dir, DATABASE_URL=elsewhere) as server,
        httpx.Client(base_url=server.url, timeout=30) as client,
    ):
        assert client.post('/login', data={'email': 'dana@levi.demo', 'password': PASSWORD}).status_code == 303
        assert client.get(f'/files/{next(iter(before))}').status_code == 200


# ---- what a backup is -------------------------------------------------------------------------------------------------------


def test_an_archive_tells_what_it_holds_and_only_its_owner_reads_it(here: Settings, people: People) -> None:
    path = backup.make(here)
    assert re.fullmatch(r'maakav-\d{8}T\d{6}Z\.tar', path.name)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    left = {entry.name for entry in path.parent.iterdir()}
    assert left == {path.name, f'.{path.stem}.note', '.lock'}, 'nothing is left lying about'
    with tarfile.open(path) as tar:
        names = tar.getnames()
        told = json.load(tar.extractfile('manifest.json'))  # type: ignore[arg-type]
        for name, (size, digest) in told['members'].items():
            content = tar.extractfile(name).read()  # type: ignore[union-attr]
            assert (len(content), hashlib.sha256(content).hexdigest()) == (size, digest)
    assert names[-1] == 'manifest.json'
    assert {*names} == {*told['members'], 'manifest.json'}
    assert (told['revision'], told['counts']['documents'], told['counts']['claims']) == (schema.newest_revision(), 2, 1)
    assert told['members'].keys() >= {f'documents/{files.key_of(hashlib.sha256(b"one").hexdigest())}'}


def test_a_database_with_data_is_not_overwritten_by_chance(here: Settings, database_url: str) -> None:
    path = backup.make(here)
    close(database_url)
    with pytest.raises(CopyError, match='has data'):
        restore.restore(here, path)
    connect(database_url)
    with open_session(SYSTEM) as session:
        session.scalars(select(Claim)).one().insured_name = 'אחרי הגיבוי'
    with pytest.raises(CopyError, match='stop Maakav first'):
        restore.restore(here, path, replacing=True)
    close(database_url)
    restored = restore.restore(here, path, replacing=True)
    connect(database_url)
    with open_session(SYSTEM) as session:
        assert session.scalars(select(Claim)).one().insured_name != 'אחרי הגיבוי'
    if restored.set_aside is not None:
        connect(f'sqlite:///{restored.set_aside}')
        with open_session(SYSTEM) as session:
            assert session.scalars(select(Claim)).one().insured_name == 'אחרי הגיבוי', 'what stood there is set aside'


def spoil(path: Path, at: int) -> None:
    with path.open('r+b') as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))


def test_a_spoiled_or_cut_archive_restores_nothing(here: Settings, elsewhere: str, tmp_path: Path) -> None:
    whole = backup.make(here)
    there = installation(tmp_path / 'elsewhere', elsewhere)
    size = whole.stat().st_size
    for name, change in {
        'spoiled.tar': lambda path: spoil(path, size // 2),
        'cut.tar': lambda path: os.truncate(path, size // 2),
        'headless.tar': lambda path: os.truncate(path, 100),
        'empty.tar': lambda path: os.truncate(path, 0),
    }.items():
        broken = Path(shutil.copy(whole, tmp_path / name))
        change(broken)
        with pytest.raises(archive.Broken):
            restore.restore(there, broken)
        with pytest.raises(archive.Broken):
            archive.verified(broken)
        assert not copies.has_data(elsewhere)
        assert not (tmp_path / 'elsewhere' / 'documents').exists()


@pytest.mark.parametrize('name', ['../evil', '/etc/evil', 'documents/ab/../../evil', 'manifest.json/x'])
def test_an_archive_of_somebody_else_writes_nowhere(tmp_path: Path, name: str) -> None:
    (tmp_path / 'x').write_bytes(b'x')
    with tarfile.open(tmp_path / 'evil.tar', 'w') as tar:
        tar.add(tmp_path / 'x', name)
    settings = installation(tmp_path / 'here', f'sqlite:///{tmp_path}/here/maakav.db')
    with pytest.raises(archive.Broken, match='no backup of Maakav'):
        restore.restore(settings, tmp_path / 'evil.tar')


def test_verify_finds_what_is_missing_damaged_or_belongs_to_nobody(here: Settings, capsys) -> None:
    folder = here.data_dir / 'documents'
    environment = {'DATA_DIR': str(here.data_dir), 'DATABASE_URL': here.database_url}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        backup.main(['verify'])
        assert 'all is well' in capsys.readouterr().out
        one, two = (
            folder / files.key_of(hashlib.sha256(content).hexdigest()) for content in (b'one', b'two' * 100_000)
        )
        one.unlink()
        spoil(two, 5)
        stray = folder / files.key_of('ab' * 32)
        stray.parent.mkdir(exist_ok=True)
        stray.write_bytes(b'stray')
        with pytest.raises(SystemExit) as told:
            backup.main(['verify'])
        assert f'{one.name}: missing' in str(told.value)
        assert f'{two.name}: damaged' in str(told.value)
        assert f'{stray.name}: no document' in capsys.readouterr().out
        with pytest.raises(SystemExit, match='2 files of documents are missing, damaged or not to be read'):
            backup.main([])
        ((_, path),) = backup.kept(here.backup_dir)
        assert {*archive.verified(path).missing} == {one.name, two.name}, (
            'the rest is saved all the same, and it says so'
        )


def test_exports_stay_out_of_a_backup_and_nobody_misses_them(
    here: Settings, people: People, elsewhere: str, database_url: str, tmp_path: Path, capsys
) -> None:
    with open_session(people.staff) as session:
        export = exports.start_export(session, exports.Asked(ListState(view='all')), now())
    assert making.make_exports() == 1
    with open_session(people.staff, reading=True) as session:
        export = session.get_one(exports.Export, export.id)
    assert (here.data_dir / 'documents' / export.key).exists()
    path = backup.make(here)
    manifest = archive.verified(path)
    assert not any('exports' in name for name in manifest.members)
    assert (manifest.missing, len(manifest.members)) == ([], 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('DATA_DIR', str(here.data_dir))
        patch.setenv('DATABASE_URL', database_url)
        backup.main(['verify'])
    assert capsys.readouterr().out.startswith('all is well'), 'an export is no stray file'

    close(database_url)
    there = installation(tmp_path / 'elsewhere', elsewhere)
    restore.restore(there, path)
    connect(elsewhere)
    files.connect(there.documents_url, there.data_dir)
    assert making.clear_exports() == 1, 'what the backup knew of is gone, and says so'
    with open_session(people.staff, reading=True) as session:
        assert session.get_one(exports.Export, export.id).state == exports.EXPIRED
    close(elsewhere)


def test_what_the_trash_gave_up_meanwhile_is_not_missed(here: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = copies.copy_database

    def copy_and_empty(url: str, path: Path) -> copies.Contents:
        contents = copied(url, path)
        with open_session(SYSTEM) as session:
            document = session.scalars(select(Document).order_by(Document.id)).first()
            assert document is not None
            document.deleted_at = document.purged_at = now()
        (here.data_dir / 'documents' / files.key_of(document.sha256)).unlink()
        return contents

    monkeypatch.setattr(copies, 'copy_database', copy_and_empty)
    manifest = archive.verified(backup.make(here))
    assert (manifest.missing, len(manifest.emptied)) == ([], 1)


# ---- small ones -------------------------------------------------------------------------------------------------------------


def edit(here: Settings, name: str) -> None:
    connect(here.database_url)
    with open_session(SYSTEM) as session:
        session.scalars(select(Claim)).one().insured_name = name
    with open_session(SYSTEM) as session:  # as every click is, after it
        for signed_in in session.scalars(select(identity.WebSession)):
            identity.touch_sessions(session, [signed_in.token_hash], now())


def test_a_small_backup_holds_what_is_new_and_is_put_back_with_the_whole_one(
    here: Settings, people: People, elsewhere: str, tmp_path: Path, capsys
) -> None:
    assert backup.make_small(here) is None, 'there is nothing to stand on'
    assert not here.backup_dir.exists()
    whole = backup.make(here)
    assert backup.make_small(here) is None, 'nothing has changed'
    keeper = files.connect(here.documents_url, here.data_dir)
    with open_session(SYSTEM) as session:
        claim_id = session.scalars(select(Claim.id)).one()
    file_document(keeper, people.staff, claim_id, b'three', now())
    small = backup.make_small(here)
    assert small is not None
    assert re.fullmatch(rf'maakav-\d{{8}}T\d{{6}}Z-since-{whole.stem.removeprefix("maakav-")}\.tar', small.name)
    manifest = archive.verified(small)
    three = f'documents/{files.key_of(hashlib.sha256(b"three").hexdigest())}'
    assert {*manifest.members} - {manifest.database} == {three}
    assert backup.make_small(here) is None, 'again nothing has changed'
    backup.main(['verify', str(small)])
    assert capsys.readouterr().out.count('whole, made') == 2
    close(here.database_url)

    there = installation(tmp_path / 'elsewhere', elsewhere)
    alone = Path(shutil.copy(small, tmp_path / small.name))
    for look in (lambda: restore.restore(there, alone), lambda: archive.together(alone)):
        with pytest.raises(CopyError, match=rf'since {whole.name}: put that one beside it'):
            look()
    shutil.copy(
        backup.make(installation(here.data_dir, here.database_url, backup_dir=tmp_path / 'other')),
        tmp_path / whole.name,
    )
    with pytest.raises(CopyError, match='another archive than the one'):
        restore.restore(there, alone)
    assert not copies.has_data(elsewhere)
    spoil(Path(shutil.copy(whole, tmp_path / whole.name)), whole.stat().st_size // 2)
    with pytest.raises(archive.Broken):
        restore.restore(there, alone)
    assert not (tmp_path / 'elsewhere' / 'documents').exists()

    restored = restore.restore(there, small)
    assert (restored.manifest.counts['documents'], restored.files) == (3, 3)
    assert backup.faults_of(elsewhere, files.opened(there.documents_url, there.data_dir)) == []


@pytest.mark.parametrize('database_url', ['sqlite'], indirect=True)
def test_eight_small_backups_of_sqlite_take_no_more_room_than_two_whole_ones(here: Settings, people: People) -> None:
    with archive.opened(backup.make(here)) as file:
        assert next(archive.members(file))[0] == 'database.sqlite', 'which the version before an upgrade can read'
    make_claim(people.levi, people.staff)
    small = backup.make_small(here)
    assert small is not None
    whole = archive.together(small)[0][0]
    assert small.stat().st_size * 4 < whole.stat().st_size


@pytest.mark.parametrize('database_url', ['sqlite'], indirect=True)
def test_what_leaves_no_row_behind_is_a_change_too_and_what_the_product_notes_of_itself_is_none(
    here: Settings, people: People
) -> None:
    with open_session(SYSTEM) as session:
        token = identity.start_session(session, people.dana.user_id or 0, identity.Browser(), now())
    backup.make(here)
    with open_session(SYSTEM) as session:
        set_timetable(session, {'back_up': (timedelta(hours=24), True)}, now())
        note_end(session, 'back_up', now(), 1)
        take(session, 'timetable', 'me', FREE)
    assert backup.make_small(here) is None
    with open_session(SYSTEM) as session:  # a mark somebody has taken away, say
        identity.touch_sessions(session, [hashlib.sha256(token.encode()).hexdigest()], now() + timedelta(seconds=1))
    assert backup.make_small(here) is not None


@pytest.mark.parametrize('database_url', ['sqlite'], indirect=True)
def test_small_ones_that_lack_a_document_are_made_until_they_have_it(here: Settings, people: People) -> None:
    backup.make(here)
    keeper = files.connect(here.documents_url, here.data_dir)
    with open_session(SYSTEM) as session:
        claim_id = session.scalars(select(Claim.id)).one()
    file_document(keeper, people.staff, claim_id, b'three', now())
    lost = here.data_dir / 'documents' / files.key_of(hashlib.sha256(b'three').hexdigest())
    content = lost.read_bytes()
    lost.unlink()
    for _ in range(2):
        with pytest.raises(backup.Incomplete, match='1 files of documents are missing'):
            backup.make_small(here)
    lost.write_bytes(content)
    small = backup.make_small(here)
    assert small is not None
    assert (archive.verified(small).missing, len(archive.verified(small).members)) == ([], 2)
    assert backup.make_small(here) is None


@pytest.mark.parametrize('database_url', ['sqlite'], indirect=True)
def test_the_newest_small_ones_are_kept_until_there_is_a_whole_one(here: Settings) -> None:
    moment = now()
    first = backup.make(here, moment=moment)
    for number in range(backup.SMALL_KEPT + 2):
        edit(here, f'מספר {number}')
        assert backup.make_small(here, moment=moment - timedelta(hours=1)), 'whatever the clock says'
    small = backup.kept(here.backup_dir, backup.SMALL)
    assert len(small) == backup.SMALL_KEPT
    assert small[0][0] - moment > timedelta(seconds=9), 'one after the other'
    assert len([*here.backup_dir.glob('.maakav-*.note')]) == backup.SMALL_KEPT + 1
    second = backup.make(here, moment=moment + timedelta(minutes=1))
    assert [path for _, path in backup.kept(here.backup_dir)] == [second, first], 'of the day, and below who knows what'
    edit(here, 'לאחר השני')
    third = backup.make_small(here, moment=moment + timedelta(minutes=2))
    assert third is not None
    assert [path for _, path in backup.kept(here.backup_dir)] == [third, second], 'nothing stands on the first'
    assert backup._NAME.fullmatch(third.name)[3] == second.stem.removeprefix('maakav-')  # type: ignore[index]


@pytest.mark.parametrize('database_url', ['sqlite'], indirect=True)
def test_a_whole_one_is_the_newest_also_when_the_clock_was_set_back(here: Settings) -> None:
    moment = now()
    backup.make(here, moment=moment)
    edit(here, 'אחרי שהשעון הוזז')
    second = backup.make(here, moment=moment - timedelta(minutes=5))
    assert second.exists(), 'the one just made is not forgotten for one of before'
    assert backup.kept(here.backup_dir)[0][1] == second
    assert backup.make_small(here) is None, 'it holds everything'


def test_what_is_made_while_old_ones_are_forgotten_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def archives(*hours: int) -> list[Path]:
        made = [tmp_path / f'maakav-20261129T{hour:02}0000Z.tar' for hour in hours]
        for path in made:
            path.touch()
        return made

    [first, second], late = archives(1, 2), list[Path]()
    looked = Path.glob

    def look_and_make(folder: Path, pattern: str) -> list[Path]:
        found = [*looked(folder, pattern)]
        late.extend(archives(3) if not late else [])  # by another process, as soon as one has looked
        return found

    monkeypatch.setattr(Path, 'glob', look_and_make)
    backup.forget_old(tmp_path)
    assert (first.exists(), second.exists(), late[0].exists()) == (False, True, True)


# ---- which are kept ---------------------------------------------------------------------------------------------------------


def test_seven_days_five_weeks_and_twelve_months_are_kept(tmp_path: Path) -> None:
    today = datetime(2026, 11, 29, 2, tzinfo=UTC)
    for days in range(800):
        for hour in (0, 12):
            moment = today - timedelta(days=days) + timedelta(hours=hour)
            (tmp_path / f'maakav-{moment:%Y%m%dT%H%M%SZ}.tar').touch()
    for days in range(9):
        (tmp_path / f'maakav-{today - timedelta(days=100 * days):%Y%m%dT%H%M%SZ}-before-upgrade.tar').touch()
    (tmp_path / 'my own notes.txt').touch()
    backup.forget_old(tmp_path)
    whole = [moment for moment, path in backup.kept(tmp_path) if 'upgrade' not in path.name]
    assert [moment.date() for moment in whole[:7]] == [(today - timedelta(days=days)).date() for days in range(7)]
    assert all(moment.hour == 14 for moment in whole), 'of each day the newest'
    assert [f'{moment:%m-%d}' for moment in whole[7:]] == [
        *('11-22', '11-15', '11-08', '11-01', '10-31', '09-30', '08-31', '07-31', '06-30', '05-31', '04-30'),
        *('03-31', '02-28', '01-31', '12-31'),
    ]
    assert len([path for _, path in backup.kept(tmp_path) if 'upgrade' in path.name]) == 5
    assert (tmp_path / 'my own notes.txt').exists()


def test_two_backups_at_once_are_one_too_many_and_a_crash_leaves_nothing_for_long(here: Settings) -> None:
    here.backup_dir.mkdir(parents=True)
    (here.backup_dir / '.unfinished-abc').mkdir()
    (here.backup_dir / '.unfinished-abc' / 'database').touch()
    with backup._our_turn(here.backup_dir), pytest.raises(CopyError, match='another backup'):
        backup.make(here)
    (here.backup_dir / '.maakav-20200101T000000Z.note').touch()
    path = backup.make(here)
    assert {entry.name for entry in path.parent.iterdir()} == {path.name, f'.{path.stem}.note', '.lock'}
    (here.backup_dir / '.small-abc').mkdir()
    with backup._our_turn(here.backup_dir):
        edit(here, 'בזמן הגיבוי המלא')
        small = backup.make_small(here)
        assert small, 'a whole one that takes hours keeps no small one from being made'
    assert not (here.backup_dir / '.small-abc').exists()
    edit(here, 'שוב')
    with (
        backup._our_turn(here.backup_dir, backup._SMALL_LOCK, backup._SMALL_UNFINISHED),
        pytest.raises(CopyError, match='another backup'),
    ):
        backup.make_small(here)
    assert [kept for _, kept in backup.kept(here.backup_dir, backup.SMALL)] == [small]


def test_a_backup_never_fills_the_disk_that_people_work_on(here: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = shutil.disk_usage(here.data_dir)
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: disk._replace(total=10**12, free=45 * 10**9))
    with pytest.raises(CopyError, match='no room in'):
        backup.make(here)
    assert not list(here.backup_dir.glob('maakav-*'))
    assert backup.make(here, with_documents=False).exists(), 'an upgrade copies as long as there is any room'
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: disk._replace(total=10**12, free=55 * 10**9))
    assert backup.make(here).exists()


# ---- killed in the middle ---------------------------------------------------------------------------------------------------

STEPS: dict[str, Callable[[str, tuple[Any, ...]], bool]] = {
    'the document comes': lambda event, told: event == 'os.rename' and '/documents/' in str(told[1]),
    'the database comes': lambda event, _: event == 'shutil.copyfile',
    'it is set aside': lambda event, _: event == 'os.link',
    'it is swapped': lambda event, told: event == 'os.rename' and str(told[1]).endswith('maakav.db'),
    'pg_restore': lambda event, told: event == 'subprocess.Popen' and str(told[0]).endswith('pg_restore'),
    'psql': lambda event, told: event == 'subprocess.Popen' and str(told[0]).endswith('psql'),
}


def be_killed_restoring(step: str, path: Path, environment: dict[str, str]) -> None:
    """Restore an archive as the command does, in a session of one's own, until this step."""

    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    os.setsid()
    os.environ.update(environment)
    if step in STEPS:
        sys.addaudithook(lambda event, told: die() if STEPS[step](event, told) else None)
    elif step == 'it is proved':
        restore._check_restored = die  # type: ignore[assignment]
    restore.main([str(path), '--replace'])


@pytest.fixture
def two_states(here: Settings, people: People, database_url: str) -> Path:
    """A backup with a third document, and an installation that has gone on without it."""
    keeper = files.connect(here.documents_url, here.data_dir)
    with open_session(SYSTEM) as session:
        claim_id = session.scalars(select(Claim.id)).one()
    third = file_document(keeper, people.staff, claim_id, b'three', now())
    path = backup.make(here)
    with open_session(SYSTEM) as session:
        session.get_one(Claim, claim_id).insured_name = 'אחרי הגיבוי'
        document = session.scalars(select(Document).where(Document.uuid == third)).one()
        document.deleted_at = document.purged_at = now()
    keeper.delete(files.key_of(document.sha256), files.FOR_EVER)
    close(database_url)
    return path


def stands(here: Settings) -> str:
    """Which of the two states is there, whole; there is no third."""
    assert backup.faults_of(here.database_url, files.opened(here.documents_url, here.data_dir)) == []
    connect(here.database_url)
    with open_session(SYSTEM, reading=True) as session:
        name = session.scalars(select(Claim.insured_name)).one()
        third = session.scalars(select(Document.purged_at).order_by(Document.id.desc()).limit(1)).one()
    close(here.database_url)
    assert (name == 'אחרי הגיבוי') == (third is not None)
    return 'new' if third is None else 'old'


def killed_at(step: str, here: Settings, path: Path, **more: str) -> BaseProcess:
    environment = {'DATA_DIR': str(here.data_dir), 'DATABASE_URL': here.database_url, **more}
    child: BaseProcess = PROCESSES.Process(target=be_killed_restoring, args=(step, path, environment))
    child.start()
    return child


def ended(child: BaseProcess) -> int | None:
    child.join(60)
    return child.exitcode


def restores_all_the_same(here: Settings, path: Path) -> None:
    """Said again, it comes to its end, and nothing is left of the time before."""
    restore.restore(here, path, replacing=True)
    assert stands(here) == 'new'
    left = [entry.name for entry in here.data_dir.iterdir()]
    assert not [name for name in left if name.startswith('.restoring-') or name.endswith('.arriving')]
    database = copies.path_of(here.database_url)
    assert not any(aside.samefile(database) for aside in database.parent.glob('maakav.db.before-*'))


@pytest.mark.parametrize(
    ('database_url', 'step', 'expected'),
    [
        ('sqlite', 'the document comes', 'old'),
        ('sqlite', 'the database comes', 'old'),
        ('sqlite', 'it is set aside', 'old'),
        ('sqlite', 'it is swapped', 'old'),
        ('sqlite', 'it is proved', 'new'),
        pytest.param('postgres', 'the document comes', 'old', marks=pytest.mark.postgres),
        pytest.param('postgres', 'pg_restore', 'old', marks=pytest.mark.postgres),
        pytest.param('postgres', 'psql', 'old', marks=pytest.mark.postgres),
        pytest.param('postgres', 'it is proved', 'new', marks=pytest.mark.postgres),
    ],
    indirect=['database_url'],
)
def test_a_restore_that_is_killed_leaves_the_old_or_the_new_installation(
    here: Settings, two_states: Path, step: str, expected: str
) -> None:
    assert ended(killed_at(step, here, two_states)) == -signal.SIGKILL
    assert stands(here) == expected
    restores_all_the_same(here, two_states)


@pytest.mark.postgres
@pytest.mark.parametrize('whom', ['all', 'the restore alone'])
@pytest.mark.parametrize('database_url', ['postgres'], indirect=True)
def test_a_restore_that_is_killed_while_psql_loads_is_undone_or_comes_to_its_end(
    here: Settings, two_states: Path, tmp_path: Path, whom: str
) -> None:
    slow = tmp_path / 'programs' / 'psql'
    slow.parent.mkdir()
    seconds = 60 if whom == 'all' else 15
    slow.write_text(f'#!/bin/sh\nexec {shutil.which("psql")} "$@" --command="SELECT pg_sleep({seconds})"\n')
    slow.chmod(0o755)
    child = killed_at('', here, two_states, PATH=f'{slow.parent}:{os.environ["PATH"]}')
    admin_url = make_url(POSTGRES).set(drivername='postgresql').render_as_string(hide_password=False)
    name = make_url(here.database_url).database
    with psycopg.connect(admin_url, autocommit=True) as admin:

        def at_work(query: str = '%') -> bool:
            asked = 'SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND query LIKE %s'
            row = admin.execute(asked, [name, query]).fetchone()
            return bool(row and row[0])

        until(lambda: at_work('SELECT pg_sleep%'), 60)
        os.killpg(child.pid or 0, signal.SIGKILL) if whom == 'all' else child.kill()
        assert ended(child) == -signal.SIGKILL
        if whom != 'all':
            with pytest.raises(CopyError, match='another program has the database open'):
                restore.restore(here, two_states, replacing=True)
        else:  # the server learns of it when it looks at the line, which it does not while it sleeps
            admin.execute('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s', [name])
        until(lambda: not at_work(), 60)
    # left alone, psql ends its transaction, or gives it up when it finds that nobody listens to it any more
    assert stands(here) in ({'old'} if whom == 'all' else {'old', 'new'})
    restores_all_the_same(here, two_states)


@pytest.mark.postgres
@pytest.mark.parametrize('database_url', ['postgres'], indirect=True)
def test_who_follows_the_record_goes_on_on_a_server_that_counts_from_less(
    here: Settings, people: People, elsewhere: str, tmp_path: Path
) -> None:
    make_claim(people.levi, people.staff)
    alert_everybody()
    late = make_claim(people.levi, people.staff)  # nobody has followed this one yet
    with psycopg.connect(make_url(here.database_url).set(drivername='postgresql').render_as_string(False)) as server:
        for name in ('changes', 'rings', 'admin_changes', 'cursors'):  # as on a server that has run for years
            server.execute(f'UPDATE {name} SET xid = xid + 1000000000 WHERE xid > 0')  # type: ignore[arg-type, unused-ignore]
    archive = backup.make(here)
    close(here.database_url)
    there = installation(tmp_path / 'there', elsewhere)
    restore.restore(there, archive)
    connect(elsewhere)
    with open_session(people.staff) as session:
        save_fields(session, late.id, {'circumstances': (late.circumstances, 'נפגע בחניה')}, now())

    def waiting() -> list[Change]:
        with open_session(SYSTEM, reading=True) as session:
            followed = session.get_one(Cursor, 'alerts')
            return changes_after(session, followed.xid, followed.change_id)

    # the server holds a change back while any older transaction runs, of another database too
    until(lambda: any('circumstances' in change.fields for change in waiting()))
    assert {change.claim_id for change in waiting()} == {late.id}
    close(elsewhere)


def test_two_restores_at_once_are_one_too_many(sqlite_url: str, tmp_path: Path) -> None:
    settings = installation(tmp_path / 'here', sqlite_url)
    path = backup.make(settings)
    there = installation(tmp_path / 'there', f'sqlite:///{tmp_path}/there/maakav.db')
    there.data_dir.mkdir()
    with restore._our_turn(there), pytest.raises(CopyError, match='another restore is under way'):
        restore.restore(there, path)


# ---- locked -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def recipient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if shutil.which('gpg') is None:
        pytest.skip('no gpg on this machine')
    home = Path('/tmp') / f'gpg-{uuid.uuid4().hex[:8]}'  # its socket needs a short name
    home.mkdir(mode=0o700)
    monkeypatch.setenv('GNUPGHOME', str(home))
    key = ('--quick-generate-key', 'backup@example.org', 'default', 'default', 'never')
    subprocess.run(['gpg', '--batch', '--quiet', '--passphrase', '', *key], check=True, capture_output=True)
    yield 'backup@example.org'
    subprocess.run(['gpgconf', '--kill', 'all'], check=False, capture_output=True)
    shutil.rmtree(home, ignore_errors=True)


def test_a_locked_archive_opens_with_the_key_and_says_nothing_without(
    sqlite_url: str, tmp_path: Path, recipient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = installation(tmp_path / 'here', sqlite_url, backup_recipient=recipient)
    path = backup.make(settings)
    assert path.name.endswith('.tar.gpg')
    assert b'SQLite format' not in path.read_bytes()
    assert archive.verified(path).revision == schema.newest_revision()
    there = installation(tmp_path / 'there', f'sqlite:///{tmp_path}/there/maakav.db')
    assert restore.restore(there, path).manifest.kind == 'sqlite'
    connect(sqlite_url)
    people = make_people()
    claim = make_claim(people.levi, people.staff)
    keeper = files.connect(settings.documents_url, settings.data_dir)
    file_document(keeper, people.staff, claim.id, b'three', now())
    small = backup.make_small(settings)
    assert small is not None
    assert small.name.endswith('.tar.gpg')
    assert restore.restore(there, small, replacing=True).files == 1
    close(sqlite_url)
    monkeypatch.setenv('GNUPGHOME', str(tmp_path))
    with pytest.raises(archive.Broken, match='could not be decrypted'):
        archive.verified(path)
    with pytest.raises(CopyError, match='could not be encrypted'):
        backup.make(settings)
    assert [kept for _, kept in backup.kept(settings.backup_dir)] == [small, path]


def test_an_archive_for_age_opens_with_the_key_file_and_with_no_other(sqlite_url: str, tmp_path: Path) -> None:
    if shutil.which('age') is None:
        pytest.skip('no age on this machine')
    keys = [tmp_path / 'key.txt', tmp_path / 'other.txt']
    told = [
        subprocess.run(['age-keygen', '-o', str(key)], check=True, capture_output=True, text=True).stderr
        for key in keys
    ]
    recipient = told[0].split()[-1]
    settings = installation(tmp_path / 'here', sqlite_url, backup_recipient=recipient)
    path = backup.make(settings)
    assert path.name.endswith('.tar.age')
    assert b'SQLite format' not in path.read_bytes()
    there = installation(tmp_path / 'there', f'sqlite:///{tmp_path}/there/maakav.db')
    for wrong in (keys[1], None):
        with pytest.raises(archive.Broken, match='could not be decrypted'):
            restore.restore(there, path, identity=wrong)
    assert not copies.path_of(there.database_url).exists()
    environment = {**os.environ, 'DATA_DIR': str(there.data_dir), 'DATABASE_URL': there.database_url}
    for module, *arguments in (
        ('jobs.backup', 'verify', str(path), '--identity', str(keys[0])),
        ('jobs.restore', str(path), '--identity', str(keys[0])),
    ):
        subprocess.run([sys.executable, '-m', module, *arguments], cwd=ROOT, env=environment, check=True)
    assert backup.faults_of(there.database_url, files.opened(there.documents_url, there.data_dir)) == []


# ---- documents in a store of others -----------------------------------------------------------------------------------------


@pytest.mark.parametrize('database_url', ['sqlite'], indirect=True)
def test_documents_of_a_bucket_go_back_into_a_bucket(database_url: str, people: People, tmp_path: Path) -> None:
    content = os.urandom(3 * files.CHUNK)
    with bucket() as url:
        before, after = (url.replace('claims?', f'claims/{name}?') for name in ('before', 'after'))
        here = installation(tmp_path / 'here', database_url, documents_url=before)
        keeper = files.connect(here.documents_url, here.data_dir)
        file_document(keeper, people.staff, make_claim(people.levi, people.staff).id, content, now())
        with files.new_file(keeper) as (export, _):
            keeper.put(f'{files.EXPORTS}{"0" * 32}', export)
        path = backup.make(here)
        close(database_url)
        there = installation(tmp_path / 'there', f'sqlite:///{tmp_path}/there/maakav.db', documents_url=after)
        restored = restore.restore(there, path)
        assert len(restored.manifest.members) == 2
        keeper = files.opened(there.documents_url, there.data_dir)
        key = files.key_of(hashlib.sha256(content).hexdigest())
        assert b''.join(keeper.read(key)) == content
        assert list(keeper.keys(files.FOR_EVER)) == [key]
        keeper.delete(key, files.FOR_EVER)
        assert backup.faults_of(there.database_url, keeper) == [f'{key}: missing, although a document is made of it']
        restore.restore(there, path, replacing=True)
        assert backup.faults_of(there.database_url, keeper) == []


@pytest.mark.parametrize('database_url', ['sqlite'], indirect=True)
def test_what_a_store_does_not_give_is_named_and_without_a_store_there_is_no_backup(
    database_url: str, people: People, tmp_path: Path
) -> None:
    with failing_store() as store:
        here = installation(tmp_path / 'here', database_url, documents_url=store.url)
        keeper = files.connect(here.documents_url, here.data_dir)
        claim = make_claim(people.levi, people.staff)
        for content in (b'one', b'two'):
            file_document(keeper, people.staff, claim.id, content, now())
        one = hashlib.sha256(b'one').hexdigest()
        store.fault, store.only = 'error', one
        with pytest.raises(backup.Incomplete, match=f'not to be read, the first: {one}'):
            backup.make(here)
        ((_, path),) = backup.kept(here.backup_dir)
        manifest = archive.verified(path)
        assert (manifest.missing, len(manifest.members)) == ([one], 2)
        assert backup.faults_of(database_url, keeper) == [f'{files.key_of(one)}: not to be read, the store fails']
        for fault in ('error', 'hang up', 'key', 'bucket'):
            store.fault, store.only = fault, ''
            with pytest.raises(OSError, match=r'[0-9a-f]{64}'):
                backup.make(here)
            with pytest.raises(OSError, match=r'[0-9a-f]{64}'):
                backup.faults_of(database_url, keeper)
        settings = {**os.environ, 'DATABASE_URL': database_url, 'DATA_DIR': str(here.data_dir)}
        command = [sys.executable, '-m', 'jobs.backup']
        told = subprocess.run(
            command, cwd=ROOT, env=settings | {'DOCUMENTS_URL': store.url}, capture_output=True, text=True, check=False
        )
        assert (told.returncode, 'Traceback' in told.stderr, 'no such bucket' in told.stderr) == (1, False, True)
        assert [kept for _, kept in backup.kept(here.backup_dir)] == [path], 'no archive without its documents'
        store.mend()
        assert archive.verified(backup.make(here, moment=now() + timedelta(seconds=5))).missing == []


# ---- programs of PostgreSQL -------------------------------------------------------------------------------------------------


@pytest.mark.postgres
def test_without_the_programs_of_postgresql_it_says_what_to_install(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = installation(tmp_path / 'here', postgres_url)
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(CopyError, match='pg_dump is missing: install the postgresql-client'):
        backup.make(settings)
    old = tmp_path / 'pg_dump'
    old.write_text('#!/bin/sh\necho "pg_dump (PostgreSQL) 9.6.1"\n')
    old.chmod(0o755)
    with pytest.raises(CopyError, match=r'pg_dump is of PostgreSQL 9, the server of \d+: install postgresql-client-'):
        backup.make(settings)


def test_an_archive_goes_back_into_its_own_kind_only(sqlite_url: str, tmp_path: Path) -> None:
    path = backup.make(installation(tmp_path / 'here', sqlite_url))
    there = installation(tmp_path / 'there', 'postgresql+psycopg://nobody@127.0.0.1:9/nothing')
    with pytest.raises(CopyError, match='another kind'):
        restore.restore(there, path)


# ---- before an upgrade ------------------------------------------------------------------------------------------------------


def test_an_upgrade_copies_the_database_first_and_says_where(
    elsewhere: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    settings = installation(tmp_path / 'elsewhere', elsewhere)
    settings.data_dir.mkdir(exist_ok=True)
    monkeypatch.setenv('DATABASE_URL', elsewhere)
    monkeypatch.setenv('DATA_DIR', str(settings.data_dir))
    older = schema.revisions()[-3]
    schema.upgrade(elsewhere, older)
    upgrade.main([])
    ((_, path),) = backup.kept(settings.backup_dir)
    told = capsys.readouterr().out
    assert told == f'backup before the upgrade: {path}\nschema: {schema.newest_revision()}\n'
    manifest = archive.verified(path)
    assert (manifest.revision, manifest.with_documents, len(manifest.members)) == (older, False, 1)
    upgrade.main([])
    assert capsys.readouterr().out == f'schema: {schema.newest_revision()}\n', 'nothing to do, nothing to copy'
    assert len(backup.kept(settings.backup_dir)) == 1
    restore.restore(settings, path, replacing=True)
    assert schema.revision_of(elsewhere) == older, 'the way back'


def test_an_older_version_leaves_a_newer_database_and_its_copies_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / 'data'
    monkeypatch.setenv('DATABASE_URL', f'sqlite:///{data}/maakav.db')
    monkeypatch.setenv('DATA_DIR', str(data))
    upgrade.main([])
    assert stat.S_IMODE(data.stat().st_mode) == 0o700, 'nobody else of this machine reads it'
    newest = schema.revisions()[-1]
    monkeypatch.setattr(schema, 'revisions', lambda: ['first_schema'])
    monkeypatch.setattr(schema, 'newest_revision', lambda: 'first_schema')
    with pytest.raises(SystemExit, match=f'at schema {newest}, which this version does not know'):
        upgrade.main([])
    assert not (data / 'backups').exists(), 'another copy each time would push out the one that leads back'


def test_an_upgrade_that_cannot_be_copied_does_not_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    url = f'sqlite:///{tmp_path}/maakav.db'
    older = schema.revisions()[-3]
    schema.upgrade(url, older)
    (tmp_path / 'file').touch()
    monkeypatch.setenv('DATABASE_URL', url)
    monkeypatch.setenv('DATA_DIR', str(tmp_path))
    monkeypatch.setenv('BACKUP_DIR', '/proc/nowhere')
    with pytest.raises(SystemExit, match='no upgrade without a backup'):
        upgrade.main([])
    assert schema.revision_of(url) == older
    upgrade.main(['--without-backup'])
    assert schema.revision_of(url) == schema.newest_revision()


# ---- the command ------------------------------------------------------------------------------------------------------------


def test_the_commands_make_verify_and_restore(sqlite_url: str, tmp_path: Path) -> None:
    there = {'DATA_DIR': str(tmp_path / 'there'), 'DATABASE_URL': f'sqlite:///{tmp_path}/there/maakav.db'}
    here = {'DATA_DIR': str(tmp_path), 'DATABASE_URL': sqlite_url}

    def told(module: str, *arguments: str, **settings: str) -> str:
        command = [sys.executable, '-m', module, *arguments]
        environment = {**os.environ, **settings}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout

    path = told('jobs.backup', **here).split()[1]
    assert 'whole, made' in told('jobs.backup', 'verify', path, **here)
    assert 'restored:' in told('jobs.restore', path, **there)
    assert 'all is well' in told('jobs.backup', 'verify', **there)
