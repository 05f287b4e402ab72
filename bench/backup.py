"""Backups: how long a whole one and a small one take and keep those waiting who save, and how soon Maakav answers again after a restore."""

import hashlib
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psycopg
from sqlalchemy import select
from sqlalchemy.engine import make_url

from bench.figures import Report, Size, p95, seconds_of
from bench.grounds import POSTGRES, postgres_ground, sqlite_ground
from bench.serving import serving
from db import copies, demo_documents, demo_papers, files
from db.base import now
from db.claims import Claim, save_fields
from db.documents import Arrived, Slot, attach
from db.offices import User, actor_of
from db.requirements import Matrix
from db.scope import Actor, Role
from db.session import connect, open_session
from db.settings import Settings, load
from jobs import backup, restore

SYSTEM = Actor.system('bench')
# of a document, and one for so many claims; what people file in a quarter of an hour
BYTES, CLAIMS_EACH, LATER, EDITS = 200_000, 50, 20, 60
# people save one after the other with this pause; so many without a backup under way
PAUSE, SAVES, WAIT_SECONDS = 0.02, 100, 300.0
QUARTER, FIVE_MINUTES = 15 * 60, 300


def measure(size: Size) -> Report:
    """Back up and restore on both databases, a hundred thousand claims at most."""
    report = Report('backup', size)
    ground = replace(size, claims=min(size.claims, 100_000), offices=min(size.offices, 200))
    with sqlite_ground(ground) as url, TemporaryDirectory() as folder:
        here = f'sqlite:///{shutil.copy(copies.path_of(url), folder)}'
        _measure_on(report, 'SQLite', Path(folder), here, f'sqlite:///{folder}/there/maakav.db')
    with postgres_ground(ground) as address:
        if address is None:
            print('No PostgreSQL server answers: not measured on it.')
        else:
            with (
                _database('here', make_url(address).database) as here,
                _database('there') as there,
                TemporaryDirectory() as folder,
            ):
                _measure_on(report, 'PostgreSQL', Path(folder), here, there)
    report.save()
    return report


@contextmanager
def _database(name: str, template: str | None = None) -> Iterator[str]:
    """A database of one's own on the server, empty or a copy."""
    address, name = make_url(POSTGRES), f'maakav_bench_backup_{name}'
    with psycopg.connect(address.set(drivername='postgresql').render_as_string(False), autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS {name} WITH (FORCE)')
        # who loaded it, in this process, may still have it open
        admin.execute('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s', (template,))
        admin.execute(f'CREATE DATABASE {name} TEMPLATE {template or "template1"}')
        try:
            yield address.set(database=name).render_as_string(False)
        finally:
            admin.execute(f'DROP DATABASE {name} WITH (FORCE)')


def _measure_on(report: Report, kind: str, folder: Path, url: str, elsewhere: str) -> None:
    here, there = (
        load(None, database_url=address, data_dir=folder / name)
        for name, address in (('here', url), ('there', elsewhere))
    )
    database = connect(url)
    staff, author, claims = _people()
    _fill(here, staff, claims)
    name = f'{kind}: {len(claims) * CLAIMS_EACH:,} claims, {len(claims):,} documents'
    last = _measure_backups(report, name, folder, here, staff, claims)
    database.close()
    limit = seconds_of(lambda: _put_back_plainly(here, folder, there))
    restored = seconds_of(lambda: restore.restore(there, last, replacing=True))
    report.add(f'{kind}: restore of a small one, proved (limit: put back plainly)', restored, 's', limit=limit)
    ready = restored + seconds_of(lambda: _answers(there, author))
    report.add(f'{kind}: until Maakav is ready and people sign in', ready, 's', at_most=FIVE_MINUTES)


def _measure_backups(report: Report, name: str, folder: Path, here: Settings, staff: Actor, claims: list[int]) -> Path:
    """A whole one and small ones; gives the last."""
    save, plain, kind = _saving(staff, claims), folder / 'plain', name.partition(':')[0]
    quiet = [save() for _ in range(SAVES)]
    report.raw[kind] = {'quiet': quiet}

    def told(what: str, make: Callable[[], Any], limit: float, at_most: float) -> None:
        took, saves = _meanwhile(make, save)
        report.add(f'{name}: {what} (limit: a plain copy)', took, 's', limit=limit, at_most=at_most)
        of_saves = {'limit': p95(quiet), 'at_most': 250.0}
        report.add(f'{kind}: a save meanwhile, p95 (limit: without)', p95(saves), 'ms', **of_saves)
        report.raw[kind][what] = saves

    told('whole backup', lambda: backup.make(here), seconds_of(lambda: _copied(here, plain)), FIVE_MINUTES)
    for number in range(EDITS):
        save()
        if number < LATER:
            _file(here, staff, claims[number % len(claims)], os.urandom(BYTES))
    told(
        'small backup', lambda: backup.make_small(here), seconds_of(lambda: _copied_database(here, plain)), QUARTER / 10
    )
    last = backup.make_small(here)  # what was saved meanwhile
    if last is None:
        raise RuntimeError('what was saved during a backup was not noticed')
    unchanged = seconds_of(lambda: backup.make_small(here)) * 1000
    report.add(f'{kind}: nothing has changed, none is made', unchanged, 'ms', at_most=1000)
    _tell_sizes(report, kind, here.backup_dir)
    return last


def _tell_sizes(report: Report, kind: str, folder: Path) -> None:
    for name, which in (('whole', backup.WHOLE), ('small', backup.SMALL)):
        size = backup.kept(folder, which)[0][1].stat().st_size
        report.add(f'{kind}: size of a {name} backup', size / 1_000_000, 'MB')


# ---- what is backed up ------------------------------------------------------------------------------------------------------


def _people() -> tuple[Actor, int, list[int]]:
    """Somebody of the bureau, his number, and the claims he works on."""
    with open_session(SYSTEM, reading=True) as session:
        author = session.scalars(select(User.id).where(User.role == Role.HANDLER).limit(1)).one()
        staff = actor_of(session, author)
        claims = list(session.scalars(select(Claim.id).order_by(Claim.id)))
    assert staff is not None
    return staff, author, claims[::CLAIMS_EACH]


def _fill(here: Settings, staff: Actor, claims: list[int]) -> None:
    """The demo's papers, and a document of some weight for one claim of many."""
    keeper = files.connect(here.documents_url, here.data_dir)
    with open_session(SYSTEM, reading=True) as session:
        papers = demo_documents.papers(Matrix.read(session))
    demo_papers.put(papers, keeper)
    for claim_id in claims:
        _file(here, staff, claim_id, os.urandom(BYTES))


def _file(here: Settings, staff: Actor, claim_id: int, content: bytes) -> None:
    keeper, digest = files.opened(here.documents_url, here.data_dir), hashlib.sha256(content).hexdigest()
    with files.new_file(keeper) as (path, file):
        file.write(content)
        file.flush()
        keeper.put(files.key_of(digest), path)
    arrived = Arrived('נזק.pdf', 'נזק.pdf', 'application/pdf', BYTES, digest, BYTES, digest, 1)
    with open_session(staff) as session:
        attach(session, claim_id, arrived, Slot('damage_photos'), now())


def _saving(staff: Actor, claims: list[int]) -> Callable[[], float]:
    """A save of one field, how long it took in ms; each time of another claim."""
    turns = iter(range(10**9))

    def save() -> float:
        number = next(turns)
        claim_id = claims[number % len(claims)]
        with open_session(staff, reading=True) as session:
            before = session.get_one(Claim, claim_id).circumstances
        begun = time.perf_counter()
        with open_session(staff) as session:
            save_fields(session, claim_id, {'circumstances': (before, f'נפגע בחניה {number}')}, now())
        return (time.perf_counter() - begun) * 1000

    return save


def _meanwhile(work: Callable[[], Any], save: Callable[[], float]) -> tuple[float, list[float]]:
    """Do it in a thread, as the timetable does, while somebody saves; how many seconds it took, and each save."""
    took, saves = list[float](), list[float]()
    thread = threading.Thread(target=lambda: took.append(seconds_of(work)))
    thread.start()
    while thread.is_alive():
        saves.append(save())
        time.sleep(PAUSE)
    thread.join()
    if not took:
        raise RuntimeError('the backup failed')
    return took[0], saves


# ---- the plain way ----------------------------------------------------------------------------------------------------------


def _copied(here: Settings, folder: Path) -> None:
    """The same bytes, to the disk: the database as its own program copies it, and each document's file."""
    _copied_database(here, folder)
    for path in (here.data_dir / 'documents').rglob('*'):
        if path.is_file():
            _copy(path, folder / path.name)


def _copied_database(here: Settings, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    if copies.kind_of(here.database_url) == 'sqlite':
        _copy(copies.path_of(here.database_url), folder / 'database')
    else:
        _run('pg_dump', here.database_url, '--format=custom', f'--file={folder / "database"}')


def _copy(path: Path, to: Path) -> None:
    shutil.copyfile(path, to)
    files.sync(to)


def _put_back_plainly(here: Settings, folder: Path, there: Settings) -> None:
    """The same bytes where they belong, and nothing proved; what it does to the database of PostgreSQL the restore after it replaces."""
    place = folder / 'plainly'
    place.mkdir()
    for path in (here.data_dir / 'documents').rglob('*'):
        if path.is_file():
            _copy(path, place / path.name)
    if copies.kind_of(there.database_url) == 'sqlite':
        _copy(folder / 'plain' / 'database', place / 'database')
    else:
        _run('pg_restore', there.database_url, '--clean', '--if-exists', str(folder / 'plain' / 'database'))


def _run(program: str, url: str, *arguments: str) -> None:
    address = make_url(url).set(drivername='postgresql').render_as_string(False)
    subprocess.run([program, f'--dbname={address}', *arguments], check=True)


def _answers(there: Settings, author: int) -> None:
    end = time.monotonic() + WAIT_SECONDS
    own = {'DATA_DIR': str(there.data_dir), 'BACKUP_MINUTES': '0'}
    with serving(('bench.portal_server',), there.database_url, author, **own) as origin:
        while (told := httpx.get(f'{origin}/readyz', timeout=WAIT_SECONDS)).status_code != 200:
            if time.monotonic() > end:
                raise RuntimeError(f'not ready: {told.text}')
            time.sleep(0.2)
        form = {'email': 'admin@bureau.demo', 'password': 'maakav-demo'}
        signing_in = httpx.post(f'{origin}/login', data=form, timeout=WAIT_SECONDS)
        if signing_in.status_code != 303:
            raise RuntimeError(f'nobody can sign in: {signing_in.status_code}')
