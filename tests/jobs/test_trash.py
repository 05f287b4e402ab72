"""The trash is emptied after thirty days: the document first, its file afterwards, and only when nobody else needs it."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from db import documents, files
from db.base import now
from db.documents import Document, Slot
from db.files import Folder
from db.session import fetch, open_session
from db.timetable import heartbeats, set_timetable
from jobs import exports, intake, orphans, schedule
from jobs.intake import Uploaded
from jobs.trash import empty_trash
from tests import papers
from tests.conftest import People
from tests.factories import SYSTEM, make_claim
from tests.stores import failing_store


@pytest.fixture
def keeper(people: People, tmp_path: Path) -> Folder:
    kept = files.connect(f'file:{tmp_path}/documents', tmp_path)
    assert isinstance(kept, Folder)
    return kept


def uploaded(people: People, keeper: Folder, content: bytes, kind: str = 'damage_photos') -> Document:
    claim = make_claim(people.levi, people.staff)
    with files.new_file(keeper) as (path, file):
        file.write(content)
        file.flush()
        arrived = intake.take_in(Uploaded(path, len(content), intake.hash_of(path), 'a.jpg'), keeper)
    with open_session(people.dana) as session:
        return documents.attach(session, claim.id, arrived, Slot(kind), now()).document


def removed(document: Document, days_ago: float) -> None:
    with open_session(SYSTEM) as session:
        documents.remove(session, document.uuid, now() - timedelta(days=days_ago))


def aged(keeper: Folder) -> None:
    """Two days later, as the disk sees it."""
    old = (now() - timedelta(days=2)).timestamp()
    for path in keeper.root.rglob('*'):
        if path.is_file():
            os.utime(path, (old, old))


def there(keeper: Folder, document: Document) -> bool:
    return keeper.size(files.key_of(document.sha256)) is not None


def test_after_thirty_days_the_file_is_gone_unless_another_document_needs_it(people: People, keeper: Folder) -> None:
    old, young = uploaded(people, keeper, papers.jpeg()), uploaded(people, keeper, papers.png())
    shared = [uploaded(people, keeper, papers.webp()) for _ in range(2)]
    removed(old, 31)
    removed(young, 29)
    removed(shared[0], 31)
    aged(keeper)
    assert orphans.sweep_files() == 0, 'what lies in the trash can be brought back'
    assert empty_trash() == 2
    assert there(keeper, old), 'first the row, then the file: a crash in between loses nothing'
    assert orphans.sweep_files() == 1
    assert not there(keeper, old)
    assert there(keeper, young)
    assert there(keeper, shared[1])
    assert empty_trash() == 0


def test_the_same_file_sent_again_before_the_sweep_stays(people: People, keeper: Folder) -> None:
    gone = uploaded(people, keeper, papers.jpeg())
    removed(gone, 31)
    aged(keeper)
    assert empty_trash() == 1
    again = uploaded(people, keeper, papers.jpeg())
    assert orphans.sweep_files() == 0
    assert there(keeper, again)


def test_sweeps_outlive_a_store_that_fails_and_sweep_when_it_is_well_again(
    people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, 'is_night', lambda _: False)
    sweeps = (orphans.sweep_files, empty_trash, exports.clear_exports, exports.release_exports)

    with open_session(SYSTEM) as session:
        set_timetable(session, {sweep.__name__: (timedelta(hours=1), False) for sweep in sweeps}, now())

    def swept() -> set[str]:
        for sweep in sweeps:
            schedule.perform(sweep)
        with open_session(SYSTEM, reading=True) as session:
            return {run.name for run in fetch(session, heartbeats()) if run.error}

    with failing_store() as store:
        kept = files.connect(store.url, tmp_path)
        with files.new_file(kept) as (path, file):
            file.write(b'stray')
            file.flush()
            kept.put(files.key_of('ab' * 32), path)
        for fault in ('error', 'hang up', 'key'):
            store.fault = fault
            assert swept() == {'sweep_files'}
        store.mend()
        assert swept() == set()
        assert store.kept == {}
