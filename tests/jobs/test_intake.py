"""Taking files in: honest ones come back byte for byte, hostile ones are refused in words, quickly, and leave nothing."""

import hashlib
import io
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from db import files
from db.documents import Arrived
from db.files import Folder
from db.texts import t
from jobs import intake
from jobs.intake import REASONS, Refused, Uploaded, clean_name
from tests import papers


@pytest.fixture
def keeper(tmp_path: Path) -> Folder:
    return Folder(tmp_path / 'documents')


def send(keeper: Folder, name: str, content: bytes, clamd_url: str = '') -> Arrived:
    with files.new_file(keeper) as (path, file):
        file.write(content)
        file.flush()
        digest = hashlib.sha256(content).hexdigest()
        return intake.take_in(Uploaded(path, len(content), digest, name), keeper, clamd_url)


def kept(keeper: Folder, digest: str) -> bytes:
    return b''.join(keeper.read(files.key_of(digest)))


def everything_in(keeper: Folder) -> list[Path]:
    return [path for path in keeper.root.rglob('*') if path.is_file()]


@pytest.mark.parametrize('name', papers.HONEST)
def test_an_honest_file_is_kept_byte_for_byte(keeper: Folder, name: str) -> None:
    make, media_type, pages = papers.HONEST[name]
    content = make()
    arrived = send(keeper, name, content)
    assert (arrived.title, arrived.media_type, arrived.pages) == (name, media_type, pages)
    assert arrived.served_sha256 == arrived.sha256
    assert kept(keeper, arrived.sha256) == content
    assert len(everything_in(keeper)) == 1


@pytest.mark.parametrize('what', papers.HOSTILE)
def test_a_hostile_file_is_refused_with_its_reason_and_nothing_is_kept(keeper: Folder, what: str) -> None:
    name, make, why = papers.HOSTILE[what]
    content = make()
    assert len(content) <= intake.MOST_BYTES
    begun = time.monotonic()
    with pytest.raises(Refused) as refused:
        send(keeper, name, content)
    assert refused.value.why == why
    assert time.monotonic() - begun < 5
    assert everything_in(keeper) == []


def test_every_reason_is_told_in_hebrew() -> None:
    for why in REASONS:
        assert any('א' <= letter <= 'ת' for letter in Refused(why).told('he')), why
        assert '{' not in Refused(why).told('he')
    assert t(REASONS['too_big'], 'en', most=25) == 'The file is larger than 25 MB.'


def test_too_many_bytes_are_refused_before_anybody_looks(keeper: Folder, tmp_path: Path) -> None:
    with pytest.raises(Refused, match='25 MB'):
        intake.take_in(Uploaded(tmp_path / 'nothing', intake.MOST_BYTES + 1, 'ab' * 32, 'a.pdf'), keeper)


def test_a_decoder_that_dies_or_never_ends_refuses_the_file(
    keeper: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths = {
        'import os, signal; os.kill(os.getpid(), signal.SIGSEGV)': 'too_heavy',
        'raise SystemExit(3)': 'damaged',
        'import time; time.sleep(9)': 'too_heavy',
    }
    monkeypatch.setattr(intake, 'SECONDS', 1)
    for program, why in deaths.items():
        decoder = tmp_path / 'decoder.py'
        decoder.write_text(program)
        monkeypatch.setattr(intake, 'DECODING', decoder)
        with pytest.raises(Refused) as refused:
            send(keeper, 'a.pdf', papers.pdf())
        assert refused.value.why == why
    assert everything_in(keeper) == []


# ---- the place a photo was taken --------------------------------------------------------------------------------------------


def place_in(content: bytes) -> dict[int, object]:
    with Image.open(io.BytesIO(content)) as picture:
        return dict(picture.getexif().get_ifd(0x8825))


@pytest.mark.parametrize('make', [papers.jpeg, papers.heic, papers.png, papers.webp], ids=lambda make: make.__name__)
def test_the_place_is_taken_out_of_what_is_served_and_the_original_stays(keeper: Folder, make) -> None:
    content = make(place=True)
    assert place_in(content)
    arrived = send(keeper, 'photo.jpg', content)
    served = kept(keeper, arrived.served_sha256)
    assert kept(keeper, arrived.sha256) == content
    assert arrived.served_sha256 == hashlib.sha256(served).hexdigest()
    assert arrived.served_size == len(served)
    assert not place_in(served)
    with Image.open(io.BytesIO(served)) as after, Image.open(io.BytesIO(content)) as before:
        assert after.tobytes() == before.tobytes(), 'not a pixel changes'
        if make in (papers.jpeg, papers.webp):
            assert after.getexif()[0x0112] == 6, 'it still stands upright'


def test_a_place_in_xmp_or_in_a_moving_photo_is_taken_out_too(keeper: Folder) -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf exif:GPSLatitude="31,46.6N"/></x:xmpmeta>'
    video = b'\x00\x00\x00\x1a\xa9xyz\x00\x12\x15\xc7+31.7767+035.2345/'
    content = papers.saved(papers.photo(), 'JPEG', xmp=xmp) + video
    served = kept(keeper, send(keeper, 'photo.jpg', content).served_sha256)
    assert b'31,46' not in served
    assert b'31.7767' not in served
    assert len(served) == len(content)


# ---- names ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('sent', 'shown'),
    [
        ('דו"ח שמאי.pdf', 'דו״ח שמאי.pdf'),
        ('fakepath\\scan.pdf', 'scan.pdf'),
        ('../../etc/passwd', 'passwd'),
        ('a\u200fב\u200e.pdf', 'aב.pdf'),
        ('\u2066a\u2069.pdf', 'a.pdf'),
        ('a<b>|c?.pdf', 'a-b--c-.pdf'),
        ('', 'document'),
        ('....', 'document'),
        ('CON.pdf', 'document CON.pdf'),
        ('a\x00b\n.pdf', 'ab.pdf'),
    ],
)
def test_names_are_cleaned(sent: str, shown: str) -> None:
    assert clean_name(sent) == shown


def test_a_long_name_is_cut_between_letters_and_keeps_its_ending() -> None:
    name = clean_name('ת' * 400 + '.pdf')
    assert name.endswith('ת….pdf')
    assert len(name.encode()) <= 160


# ---- the scanner ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def clamd() -> Iterator[str]:
    """A scanner that knows the word «virus» only."""
    listener = socket.create_server(('127.0.0.1', 0))

    def answer() -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            with line, line.makefile('rb') as said:
                assert said.read(10) == b'zINSTREAM\x00'
                content = b''
                while size := int.from_bytes(said.read(4), 'big'):
                    content += said.read(size)
                line.sendall(b'stream: Bad.Thing FOUND\x00' if b'virus' in content else b'stream: OK\x00')

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield f'tcp://127.0.0.1:{listener.getsockname()[1]}'
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def test_a_scanner_looks_at_every_file_when_there_is_one(keeper: Folder, clamd: str) -> None:
    assert send(keeper, 'a.jpg', papers.jpeg(), clamd).scanned
    assert not send(keeper, 'a.png', papers.png()).scanned
    before = everything_in(keeper)
    with pytest.raises(Refused) as refused:
        send(keeper, 'b.jpg', papers.saved(papers.photo(), 'JPEG', comment=b'virus'), clamd)
    assert refused.value.why == 'infected'
    assert everything_in(keeper) == before


def test_without_an_answer_of_the_scanner_nothing_comes_in(keeper: Folder) -> None:
    with pytest.raises(Refused) as refused:
        send(keeper, 'a.jpg', papers.jpeg(), 'tcp://127.0.0.1:9')
    assert refused.value.why == 'unscanned'
    assert everything_in(keeper) == []
