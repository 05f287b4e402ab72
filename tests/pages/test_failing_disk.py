"""A disk that is full, or fails: people see an error and never a «saved», what was acknowledged is there, and it goes on afterwards."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import select

from db import copies, files, identity
from db.base import now
from db.claims import Claim
from db.documents import Document
from db.session import connect, open_session
from jobs import backup
from tests import papers
from tests.conftest import People
from tests.e2e.conftest import ROOT, Page, Server, Socket, Visitor, serving
from tests.factories import PASSWORD, SYSTEM, make_claim, make_people
from tests.waiting import until

MEGABYTE = 1024 * 1024


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of thirty-two megabytes."""
    folder = Path(tempfile.mkdtemp(prefix='small-disk-'))
    made = subprocess.run(
        ['mount', '-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', str(folder)], capture_output=True, check=False
    )
    if made.returncode:
        folder.rmdir()
        pytest.skip(f'only root makes a small disk: {made.stderr.decode().strip()}')
    yield folder
    subprocess.run(['umount', '--lazy', str(folder)], check=True)
    folder.rmdir()


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Not a byte is free."""
    filler = disk / 'filler'
    with filler.open('wb', buffering=0) as file, pytest.raises(OSError, match='No space'):
        while True:
            file.write(bytes(4096))
    try:
        yield
    finally:
        filler.unlink()


def fill_database(url: str) -> tuple[People, Claim]:
    connected = connect(url)
    people = make_people()
    with open_session(SYSTEM) as session:
        identity.set_password(session, people.staff.user_id or 0, PASSWORD, now())
    claim = make_claim(people.levi, people.staff)
    connected.close()
    return people, claim


class Worker:
    """Somebody of the bureau who sends files and edits a field, and believes what the server says."""

    def __init__(self, server: Server, claim: Claim) -> None:
        self.visitor = Visitor(server).sign_in('staff@bureau.demo', PASSWORD)
        self.claim, self.numbers = claim, iter(range(1_000))
        self.acknowledged: dict[str, int] = {}
        self.page: Page = self.visitor.open(f'/claims/{claim.claim_no}')
        self.socket = Socket(server, self.page.query, self.visitor.cookie, server.url)
        self.address, self.turn = claim.insured_address or '', 0

    def send(self, size: int = 20_000) -> int:
        number = next(self.numbers)
        told = {'X-Maakav-Upload': '1', 'X-File-Name': quote(f'{number}.jpg'), 'X-Document-Type': 'damage_photos'}
        content = papers.heavy_photo(number, size)
        answer = self.visitor.http.post(f'/files/claims/{self.claim.claim_no}', content=content, headers=told)
        if answer.status_code == 201:
            self.acknowledged[answer.json()['uuid']] = len(content)
        return answer.status_code

    def edit(self, address: str) -> str:
        """Save a field as the page does; returns how the server answered."""
        order = {'name': 'insured_address', 'seen': self.address, 'raw': address, 'reason': '', 'anyway': True}
        self.socket.emit('event', self.page.order('save', order, touched={}))
        self.turn += 1  # each answer has the next number
        answer = re.compile(rf'insured_address\W+turn\W+{self.turn}\W+state\W+(\w+)')  # quoted as words of a script
        found = answer.search(self.socket.listen(lambda text: answer.search(text) is not None, 20))
        assert found
        if found[1] == 'saved':
            self.address = address
        return found[1]


def check_everything(url: str, folder: Path, worker: Worker) -> None:
    """What was acknowledged is there, whole; nothing is damaged."""
    assert copies.damage_in(url) == []
    assert backup.faults_of(url, files.opened(f'file:{folder}/documents', folder)) == []
    connected = connect(url)
    with open_session(SYSTEM, reading=True) as session:
        rows = {row.uuid: row.size for row in session.scalars(select(Document))}
        assert session.scalars(select(Claim.insured_address)).one() == worker.address
    connected.close()
    assert worker.acknowledged.items() <= rows.items()


@pytest.mark.slow
def test_a_full_disk_is_told_and_once_there_is_room_work_goes_on(sqlite_template: Path, small_disk: Path) -> None:
    url = f'sqlite:///{small_disk}/maakav.db'
    shutil.copy(sqlite_template, small_disk / 'maakav.db')
    _, claim = fill_database(url)
    with serving('app', small_disk, DATABASE_URL=url) as server:
        worker = Worker(server, claim)
        assert (worker.send(), worker.edit('לפני')) == (201, 'saved')
        with full(small_disk):
            answers = {worker.send() for _ in range(3)}
            assert all(answer >= 500 for answer in answers), answers
            # the log of the database has some room of its own: what fits there is saved, and then no more
            assert 'bad' in (worker.edit(f'{number} ' + 'בזמן' * 60) for number in range(60))
            assert worker.visitor.open(f'/claims/{claim.claim_no}').client_id, 'who only reads goes on'
            settings = {**os.environ, 'DATABASE_URL': url, 'DATA_DIR': str(small_disk)}
            order = [sys.executable, '-m', 'jobs.backup']
            made = subprocess.run(order, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)
            assert made.returncode == 1
            assert 'Traceback' not in made.stderr
            until(lambda: httpx.get(f'{server.url}/readyz').status_code == 503)
            assert httpx.get(f'{server.url}/healthz').status_code == 200, 'it still shows what there is'
        assert (worker.send(), worker.edit('אחרי')) == (201, 'saved')
        assert backup.kept(small_disk / 'backups') == [], 'no half backup looks like one'
    check_everything(url, small_disk, worker)


@contextmanager
def failing(process: int, *faults: str) -> Iterator[None]:
    """Let the kernel refuse a running process what it asks of the disk."""
    if shutil.which('strace') is None:
        pytest.skip('no strace on this machine')
    command = ['strace', '-f', '-qq', '-o', '/dev/null', '-p', str(process)]
    tracer = subprocess.Popen([*command, *(f'--inject={fault}' for fault in faults)], stderr=subprocess.PIPE)
    try:
        until(lambda: tracer.poll() is not None or _is_traced(process))
        if tracer.poll() is not None:
            assert tracer.stderr is not None
            pytest.skip(f'this machine lets nobody trace: {tracer.stderr.read().decode()}')
        yield
    finally:
        if tracer.poll() is None:
            tracer.send_signal(signal.SIGINT)
            tracer.wait(10)
        assert tracer.stderr is not None
        tracer.stderr.close()


def _is_traced(process: int) -> bool:
    tasks = Path(f'/proc/{process}/task').iterdir()
    return all('TracerPid:\t0' not in (task / 'status').read_text() for task in tasks)


@pytest.mark.slow
@pytest.mark.parametrize(
    'faults',
    [
        pytest.param(('fdatasync,fsync:error=EIO',), id='nothing reaches the disk'),
        pytest.param(('pwrite64:error=ENOSPC:when=2+2',), id='every other write has no room'),
    ],
)
def test_a_failing_disk_is_told_and_nothing_is_half_written(
    sqlite_url: str, tmp_path: Path, faults: tuple[str, ...]
) -> None:
    _, claim = fill_database(sqlite_url)
    with serving('app', tmp_path, DATABASE_URL=sqlite_url) as server:
        worker = Worker(server, claim)
        assert (worker.send(), worker.edit('לפני')) == (201, 'saved')
        with failing(server.process.pid, *faults):
            answers = [worker.send() for _ in range(4)]
            answers.append(201 if worker.edit('בזמן') == 'saved' else 500)
        assert any(answer >= 500 for answer in answers), 'the disk did fail'
        assert all(answer == 201 or answer >= 500 for answer in answers)
        assert (worker.send(), worker.edit('אחרי')) == (201, 'saved')
    check_everything(sqlite_url, tmp_path, worker)
