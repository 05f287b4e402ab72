"""Taking a file in: its name is cleaned, a child under limits looks inside it, a scanner may look too, and the store keeps it.

`take_in` is called off the loop with a finished file in the store's `incoming`; it answers what `documents.attach` files, or
raises `Refused` with the reason in words. Nothing that was refused is kept.
"""

import json
import logging
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from db import files, values
from db.documents import Arrived
from db.files import FileStore
from db.texts import N_, ClaimError
from jobs import children

log = logging.getLogger(__name__)

MOST_BYTES = 25 * 1024 * 1024
SECONDS = 20
DECODING = Path(__file__).with_name('decoding.py')

REASONS = {
    'another_kind': N_('The content of the file is not what its name says. Please save it anew and send it again.'),
    'bomb': N_('Unpacked, the file would be enormous. Please send it in another way.'),
    'damaged': N_('The file is damaged or incomplete. Please open it, save it anew and send it again.'),
    'disguised': N_('The name of the file hides its real ending. Please rename it and send it again.'),
    'empty': N_('The file is empty.'),
    'infected': N_('The virus scanner stopped this file.'),
    'kind': N_('This kind of file is not accepted. PDF, photos (JPG, PNG, WebP, HEIC), TIFF, Excel and Word are.'),
    'locked': N_('The file is locked with a password. Please save it without one and send it again.'),
    'macros': N_('The file contains macros or programs. Please save it without them and send it again.'),
    'old_office': N_('This is an old Office format. Please save it as XLSX, DOCX or PDF and send it again.'),
    'too_big': N_('The file is larger than {most} MB.'),
    'too_heavy': N_('The file is too heavy to open. Please send it in a simpler form, such as PDF.'),
    'too_many_pages': N_('The file has too many pages. Please send it in parts.'),
    'too_many_pixels': N_('The picture has too many pixels. Please send it in a smaller size.'),
    'two_in_one': N_('The file contains another file of a different kind. Please save it anew and send it again.'),
    'unscanned': N_('The virus scanner does not answer. Please try again in a few minutes.'),
    'web_page': N_('This is a web page, not a document. Please save it as PDF and send it again.'),
}


class Refused(ClaimError):  # noqa: N818 - said like a verdict
    """A file is not taken in; `why` is a key of `REASONS`."""

    def __init__(self, why: str) -> None:
        """`why` says which reason."""
        super().__init__(REASONS[why], most=MOST_BYTES // 1024 // 1024)
        self.why = why


@dataclass(frozen=True)
class Uploaded:
    """A file that came in whole: where it waits, how many bytes, their hash, and the name it was sent under."""

    path: Path
    size: int
    sha256: str
    name: str


def take_in(uploaded: Uploaded, keeper: FileStore, clamd_url: str = '') -> Arrived:
    """Look at a file from all sides and keep it."""
    name = clean_name(uploaded.name)
    if uploaded.size > MOST_BYTES:
        raise Refused('too_big')
    with files.new_file(keeper) as (served, _):
        found = _answer(SECONDS, 'inspect', uploaded.path, _ending(name), served)
        scanned = _scan(uploaded.path, clamd_url) if clamd_url else False
        served_hash, served_size = uploaded.sha256, uploaded.size
        if found['served']:
            served_size, served_hash = served.stat().st_size, hash_of(served)
            keeper.put(files.key_of(served_hash), served)
        keeper.put(files.key_of(uploaded.sha256), uploaded.path)
    return Arrived(
        title=name,
        original_name=values.normalise(uploaded.name)[:300],
        media_type=found['media_type'],
        size=uploaded.size,
        sha256=uploaded.sha256,
        served_size=served_size,
        served_sha256=served_hash,
        pages=found['pages'],
        scanned=scanned,
    )


def hash_of(path: Path) -> str:
    """The SHA-256 of a file."""
    digest = sha256()
    with path.open('rb') as file:
        while piece := file.read(files.CHUNK):
            digest.update(piece)
    return digest.hexdigest()


# ---- names ------------------------------------------------------------------------------------------------------------------

_OVERRIDE = re.compile('[\u202d\u202e]')
_FORBIDDEN = re.compile(r'[<>:|?*\x00-\x1f]')
_RESERVED = re.compile(r'(?i)(?:con|prn|aux|nul|com\d|lpt\d)')
MOST_NAME_BYTES = 150


def clean_name(sent: str) -> str:
    """A file's name as people may see it: no path, nothing invisible, nothing a disk refuses, and where it was too long «…»."""
    if _OVERRIDE.search(sent):
        raise Refused('disguised')
    name = values.normalise(re.split(r'[/\\]', sent[-2000:])[-1])
    name = _FORBIDDEN.sub('-', name.replace('"', '״')).strip(' .')
    stem, dot, ending = name.rpartition('.')
    if not dot or len(ending) > 10:
        stem, ending = name, ''
    if not stem or _RESERVED.fullmatch(stem):
        stem = f'document {stem}'.strip()
    kept = stem.encode()[:MOST_NAME_BYTES].decode('utf-8', 'ignore').strip(' .')
    if len(stem.encode()) > MOST_NAME_BYTES:
        kept += '…'
    return f'{kept}.{ending}' if ending else kept


def _ending(name: str) -> str:
    stem, dot, ending = name.rpartition('.')
    return ending.lower() if dot and stem else ''


# ---- the child --------------------------------------------------------------------------------------------------------------


def _answer(seconds: int, order: str, *arguments: object) -> dict[str, Any]:
    """Ask a child under limits; raises `Refused` when it refuses, or does not survive the file."""
    done = children.run(['-I', str(DECODING), order, *(str(argument) for argument in arguments)], seconds)
    if done.code != 0 or not done.told:
        raise Refused('too_heavy' if done.code is None or done.code < 0 else 'damaged')
    answer: dict[str, Any] = json.loads(done.told)
    if 'refused' in answer:
        raise Refused(answer['refused'])
    return answer


def draw(path: Path, media_type: str, folder: Path, pages: range, widths: Sequence[int]) -> list[str]:
    """Have pictures of pages made into a folder; returns their names, `PAGE-WIDTH.webp`."""
    answer = _answer(2 * SECONDS, 'draw', path, media_type, folder, pages.start, pages.stop - 1, *widths)
    return [str(name) for name in answer['drawn']]


# ---- the scanner ------------------------------------------------------------------------------------------------------------


def _scan(path: Path, clamd_url: str) -> bool:
    """Show the file to clamd. A scanner that does not answer lets nothing through."""
    try:
        said = _clamd(path, clamd_url)
    except OSError:
        log.exception('clamd does not answer')
        raise Refused('unscanned') from None
    if said.endswith(b'FOUND'):
        log.warning('clamd: %s', json.dumps(said[-200:].decode('utf-8', 'replace')))
        raise Refused('infected')
    if not said.endswith(b'OK'):
        log.error('clamd: %s', json.dumps(said[-200:].decode('utf-8', 'replace')))
        raise Refused('unscanned')
    return True


def scanner_answers(clamd_url: str) -> bool:
    """Whether clamd is there; raises what stands in the way."""
    with _line_to(clamd_url) as line:
        line.sendall(b'zPING\x00')
        return line.recv(64).rstrip(b'\x00\n ') == b'PONG'


def _line_to(clamd_url: str) -> socket.socket:
    parts = urlsplit(clamd_url)
    if parts.scheme == 'unix':
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(SECONDS)
        line.connect(parts.path)
        return line
    return socket.create_connection((parts.hostname, parts.port or 3310), timeout=SECONDS)


def _clamd(path: Path, clamd_url: str) -> bytes:
    with _line_to(clamd_url) as line, path.open('rb') as file:
        line.sendall(b'zINSTREAM\x00')
        while piece := file.read(files.CHUNK):
            line.sendall(len(piece).to_bytes(4, 'big') + piece)
        line.sendall(bytes(4))
        said = b''
        while not said.endswith(b'\x00') and (more := line.recv(1024)):
            said += more
    return said.rstrip(b'\x00\n ')
