"""Documents and a real server: killed in the middle of uploads, fed with bombs while people click, loaded by ten at once."""

import hashlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import select

from db import files, identity
from db.base import now
from db.claims import Claim
from db.documents import Document
from db.files import Folder
from db.session import open_session
from tests import papers
from tests.conftest import People
from tests.e2e.conftest import serving
from tests.factories import PASSWORD, SYSTEM, make_claim

pytestmark = pytest.mark.slow


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The one kind that is set up in a moment."""
    return sqlite_url


@pytest.fixture
def claim(people: People) -> Claim:
    with open_session(SYSTEM) as session:
        identity.set_password(session, people.dana.user_id or 0, PASSWORD, now())
    return make_claim(people.levi, people.staff)


@contextmanager
def server(database_url: str, folder: Path) -> Iterator[tuple[str, int]]:
    data = folder / 'data'
    data.mkdir(exist_ok=True)
    with serving('app', data, DATABASE_URL=database_url) as running:
        yield running.url, running.process.pid


def enter(address: str) -> dict[str, str]:
    answer = httpx.post(f'{address}/login', data={'email': 'dana@levi.demo', 'password': PASSWORD})
    assert answer.status_code == 303
    return {'Cookie': answer.headers['set-cookie'].split(';')[0]}


def send(client: httpx.Client, claim: Claim, name: str, content: bytes) -> httpx.Response:
    told = {'X-Maakav-Upload': '1', 'X-File-Name': quote(name), 'X-Document-Type': 'damage_photos'}
    return client.post(f'/files/claims/{claim.claim_no}', content=content, headers=told)


def check_whole(keeper: Folder, acknowledged: dict[str, str]) -> None:
    """Every acknowledged upload has its row, every row its file, and every file is what its name says."""
    with open_session(SYSTEM, reading=True) as session:
        rows = {row.uuid: row for row in session.scalars(select(Document))}
    assert acknowledged.items() <= {uuid: row.sha256 for uuid, row in rows.items()}.items(), (
        'an acknowledged upload is there'
    )
    for row in rows.values():
        content = b''.join(keeper.read(files.key_of(row.sha256)))
        assert hashlib.sha256(content).hexdigest() == row.sha256
    for key in keeper.keys(now()):
        if not key.startswith(files.PREVIEWS):
            assert hashlib.sha256(b''.join(keeper.read(key))).hexdigest() == key.rpartition('/')[2], 'no half file'


def test_kill_9_leaves_no_row_without_its_file_and_no_half_file(
    people: People, claim: Claim, database_url: str, tmp_path: Path
) -> None:
    acknowledged: dict[str, str] = {}
    after, gone = 30, threading.Event()
    with server(database_url, tmp_path) as (address, pid):
        entered = enter(address)

        def keep_sending(worker: int) -> None:
            with httpx.Client(base_url=address, headers=entered, timeout=30) as client:
                for number in range(125):  # eight times so many are a thousand
                    content = papers.heavy_photo(1000 * worker + number, 100_000)
                    try:
                        answer = send(client, claim, f'{worker}-{number}.jpg', content)
                    except httpx.TransportError:
                        return
                    if answer.status_code == 201:
                        acknowledged[answer.json()['uuid']] = hashlib.sha256(content).hexdigest()
                    if len(acknowledged) >= after and not gone.is_set():
                        gone.set()
                        os.kill(pid, signal.SIGKILL)

        with ThreadPoolExecutor(8) as senders:
            list(senders.map(keep_sending, range(8)))
    assert len(acknowledged) >= after
    keeper = Folder(tmp_path / 'data' / 'documents')
    check_whole(keeper, acknowledged)
    with server(database_url, tmp_path) as (address, _), httpx.Client(base_url=address, headers=entered) as client:
        uuid = next(iter(acknowledged))
        assert hashlib.sha256(client.get(f'/files/{uuid}').content).hexdigest() == acknowledged[uuid]
        assert not [path for path in keeper.incoming.iterdir() if path.is_file()], (
            'what was half-way is swept at the start'
        )


@contextmanager
def heartbeat(address: str, entered: dict[str, str]) -> Iterator[Callable[[], list[float]]]:
    """Somebody who asks for a small answer all the time."""
    lags: list[float] = []
    leaving = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=address, headers=entered) as client:
            while not leaving.is_set():
                begun = time.monotonic()
                assert client.get('/healthz').status_code == 200
                lags.append(time.monotonic() - begun)
                leaving.wait(0.01)

    thread = threading.Thread(target=ask)
    thread.start()
    yield lambda: lags
    leaving.set()
    thread.join()


def worst_of(lags: list[float]) -> float:
    """The slowest answer but for one in a hundred, in seconds."""
    return sorted(lags)[int(len(lags) * 0.99)]


def memory_of(pid: int) -> int:
    """Resident megabytes."""
    status = Path(f'/proc/{pid}/status').read_text()
    return int(status.split('VmRSS:')[1].split()[0]) // 1024


def test_bombs_are_refused_while_the_pages_stay_live(claim: Claim, database_url: str, tmp_path: Path) -> None:
    bombs = [(name, make(), why) for name, make, why in papers.HOSTILE.values()]
    with server(database_url, tmp_path) as (address, pid):
        entered = enter(address)
        before, peak = memory_of(pid), 0
        with heartbeat(address, entered) as lags:
            time.sleep(3)
        quiet = worst_of(lags())  # what a busy machine adds by itself
        with heartbeat(address, entered) as lags, httpx.Client(base_url=address, headers=entered, timeout=30) as client:
            for name, content, why in bombs:
                begun = time.monotonic()
                answer = send(client, claim, name, content)
                assert (answer.status_code, time.monotonic() - begun < 5) == (422, True), (name, why, answer.text)
                peak = max(peak, memory_of(pid))
        assert peak - before < 150
        assert worst_of(lags()) < 0.05 + 2 * quiet
    assert not [path for path in (tmp_path / 'data' / 'documents').rglob('*') if path.is_file()]


def test_a_hundred_megabytes_by_ten_at_once_stay_small(claim: Claim, database_url: str, tmp_path: Path) -> None:
    photos = [papers.heavy_photo(number, 10_000_000) for number in range(10)]
    with server(database_url, tmp_path) as (address, pid):
        entered = enter(address)
        before, peaks = memory_of(pid), [0]
        leaving = threading.Event()

        def watch() -> None:
            while not leaving.wait(0.02):
                peaks.append(memory_of(pid))

        def upload(number: int) -> int:
            with httpx.Client(base_url=address, headers=entered, timeout=60) as client:
                return send(client, claim, f'{number}.jpg', photos[number]).status_code

        watcher = threading.Thread(target=watch)
        watcher.start()
        with ThreadPoolExecutor(10) as people:
            assert list(people.map(upload, range(10))) == [201] * 10
        leaving.set()
        watcher.join()
    assert max(peaks) - before < 150
