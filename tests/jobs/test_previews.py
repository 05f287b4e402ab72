"""Pictures of pages: drawn for every kind of document in the background, upright, on demand further in; and the files nobody needs."""

import hashlib
import io
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from db import documents, files
from db.base import now
from db.claims import Claim
from db.documents import Document, Slot
from db.files import FileMissing, FileStore, StoreFailing
from db.scope import Actor
from db.session import open_session
from jobs import intake, orphans, previews
from jobs.intake import Refused, Uploaded
from tests import papers
from tests.conftest import People
from tests.factories import SYSTEM, make_claim
from tests.stores import failing_store


@pytest.fixture
def keeper(tmp_path: Path) -> FileStore:
    return files.connect(f'file:{tmp_path}/documents', tmp_path)


def upload(actor: Actor, claim: Claim, name: str, content: bytes, kind: str = 'damage_photos') -> Document:
    keeper = files.store()
    with files.new_file(keeper) as (path, file):
        file.write(content)
        file.flush()
        arrived = intake.take_in(Uploaded(path, len(content), hashlib.sha256(content).hexdigest(), name), keeper)
    with open_session(actor) as session:
        return documents.attach(session, claim.id, arrived, Slot(kind), now()).document


def state_of(document: Document) -> str:
    with open_session(SYSTEM, reading=True) as session:
        return session.get_one(Document, document.id).preview_state


def picture(document: Document, page: int, width: int) -> Image.Image:
    key = previews.picture(document, page, width, files.store())
    return Image.open(io.BytesIO(b''.join(files.store().read(key))))


def test_every_kind_gets_its_pictures_in_the_background(people: People, keeper: FileStore) -> None:
    claim = make_claim(people.levi, people.staff)
    sent = {
        name: upload(people.dana, claim, name, make(), 'other_required') for name, (make, _, _) in papers.HONEST.items()
    }
    drawn = {name: document for name, document in sent.items() if document.pages}
    assert previews.draw_waiting() == len({document.id for document in drawn.values()})
    for name, document in sent.items():
        assert state_of(document) == ('ready' if document.pages else 'none'), name
    for document in drawn.values():
        for page in range(1, (document.pages or 0) + 1):
            for width in previews.WIDTHS:
                name = f'{page}-{width}.webp'
                assert keeper.size(files.preview_key(document.served_sha256, name)), (document.title, name)
    assert previews.draw_waiting() == 0


def test_a_photo_stands_as_it_was_held(people: People, keeper: FileStore) -> None:
    claim = make_claim(people.levi, people.staff)
    for name, make in (('a.jpg', papers.jpeg), ('b.heic', papers.heic)):
        document = upload(people.dana, claim, name, make(place=True))
        with picture(document, 1, 1400) as shown:
            assert (shown.format, shown.size) == ('WEBP', (480, 640))
            assert not shown.getexif()
        with picture(document, 1, 320) as small:
            assert small.width == 320


def test_pages_further_in_are_drawn_when_somebody_looks(people: People, keeper: FileStore) -> None:
    document = upload(people.dana, make_claim(people.levi, people.staff), 'a.pdf', papers.pdf(25))
    previews.draw_waiting()
    later = files.preview_key(document.served_sha256, '23-320.webp')
    assert keeper.size(files.preview_key(document.served_sha256, '10-320.webp'))
    assert keeper.size(later) is None
    with picture(document, 23, 320):
        assert keeper.size(later)
    with pytest.raises(FileMissing):
        keeper.read(previews.picture(document, 26, 320, keeper))


def test_strange_pictures_become_plain_ones(people: People, keeper: FileStore) -> None:
    claim = make_claim(people.levi, people.staff)
    odd = {
        'clear.png': papers.saved(Image.new('RGBA', (60, 40), (255, 0, 0, 0)), 'PNG'),
        'deep.png': papers.saved(Image.new('I;16', (60, 40), 30000), 'PNG'),
        'few.png': papers.saved(Image.new('P', (60, 40)), 'PNG', transparency=0),
        'press.jpg': papers.saved(Image.new('CMYK', (60, 40)), 'JPEG'),
        'fax.tif': papers.saved(Image.new('1', (60, 40)), 'TIFF', compression='group4'),
    }
    for name, content in odd.items():
        with picture(upload(people.dana, claim, name, content), 1, 320) as shown:
            assert (shown.mode, shown.size) == ('RGB', (60, 40)), name
            if name == 'clear.png':
                assert shown.getpixel((5, 5)) == (255, 255, 255)


def test_a_file_that_cannot_be_drawn_is_marked_and_stops_nobody(
    people: People, keeper: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = make_claim(people.levi, people.staff)
    lost, heavy, fine = (
        upload(people.dana, claim, f'{n}.png', papers.saved(papers.photo(90 + n), 'PNG')) for n in range(3)
    )
    (keeper.root / files.key_of(lost.served_sha256)).unlink()  # type: ignore[attr-defined]
    draw = intake.draw
    turns = iter([Refused('too_heavy')])

    def draw_once(*arguments: object) -> list[str]:
        for refused in turns:
            raise refused
        return draw(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(intake, 'draw', draw_once)
    assert previews.draw_waiting() == 1
    assert [state_of(document) for document in (lost, heavy, fine)] == ['failed', 'failed', 'ready']


def test_a_thread_draws_what_comes_in(people: People, keeper: FileStore) -> None:
    claim = make_claim(people.levi, people.staff)
    (keeper.incoming).mkdir(parents=True)
    (keeper.incoming / 'left by a crash').write_bytes(b'half')
    stop = previews.start()
    try:
        document = upload(people.dana, claim, 'a.jpg', papers.jpeg())
        previews.draw_soon()
        for _ in range(100):
            if state_of(document) == 'ready':
                break
            time.sleep(0.05)
        assert state_of(document) == 'ready'
        assert not any(keeper.incoming.iterdir())
    finally:
        stop()


def test_files_of_no_document_go_after_a_day(people: People, keeper: FileStore) -> None:
    document = upload(people.dana, make_claim(people.levi, people.staff), 'a.jpg', papers.jpeg(place=True))
    previews.draw_waiting()
    stray, young = 'ab' * 32, 'cd' * 32
    for key in (files.key_of(stray), files.preview_key(stray, '1-320.webp'), files.key_of(young)):
        with files.new_file(keeper) as (path, file):
            file.write(b'stray')
            file.flush()
            keeper.put(key, path)
    old = (now() - timedelta(hours=25)).timestamp()
    for path in keeper.root.rglob('*'):  # type: ignore[attr-defined]
        if path.is_file() and young not in path.name:
            os.utime(path, (old, old))
    assert orphans.sweep_files() == 2
    left = set(keeper.keys(now() + timedelta(days=1)))
    assert left >= {files.key_of(document.sha256), files.key_of(document.served_sha256), files.key_of(young)}
    assert not any(stray in key for key in left)
    assert any(key.startswith(files.PREVIEWS) for key in left)


@pytest.mark.skipif(not papers.SAMPLES.exists(), reason='the samples are not beside this checkout')
@pytest.mark.parametrize(
    'path', sorted(papers.SAMPLES.iterdir()) if papers.SAMPLES.exists() else [], ids=lambda path: path.name
)
def test_the_samples_come_back_byte_for_byte_and_are_drawn(people: People, keeper: FileStore, path: Path) -> None:
    content = path.read_bytes()
    document = upload(people.dana, make_claim(people.levi, people.staff), path.name, content)
    assert b''.join(keeper.read(files.key_of(document.sha256))) == content
    assert document.served_size == len(content)
    with picture(document, document.pages or 0, 320) as shown:
        assert shown.width <= 320


def test_a_file_that_the_store_does_not_give_holds_up_no_other_and_is_drawn_later(
    people: People, tmp_path: Path
) -> None:
    with failing_store() as store:
        files.connect(store.url, tmp_path)
        claim = make_claim(people.levi, people.staff)
        held, fine = (
            upload(people.dana, claim, name, make()) for name, make in (('a.jpg', papers.jpeg), ('b.png', papers.png))
        )
        store.fault, store.only = 'error', held.sha256
        assert previews.draw_waiting() == 1
        assert [state_of(document) for document in (held, fine)] == ['waiting', 'ready']
        store.only = ''
        with pytest.raises(StoreFailing):
            previews.draw_waiting()
        assert state_of(held) == 'waiting', 'nobody says of it that there can be no picture'
        store.mend()
        assert previews.draw_waiting() == 1
        assert state_of(held) == 'ready'
