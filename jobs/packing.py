"""What documents are called when they leave us, and several of them in one ZIP that is made while it is sent."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from db.claims import Claim
from db.documents import FREE_TYPE, Document
from db.files import FileStore
from db.reference import DocumentType

ENDINGS = {
    'application/pdf': 'pdf',
    'image/jpeg': 'jpg',
    'image/png': 'png',
    'image/webp': 'webp',
    'image/heic': 'heic',
    'image/tiff': 'tif',
    'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
    'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
}


def named(claim: Claim, document: Document, kinds: Mapping[str, DocumentType], language: str) -> str:
    """As people look for it: `26-00042_כהן_דוח-שמאי_v2.pdf`."""
    label = word(kinds[document.type].label_in(language) if document.type != FREE_TYPE else Path(document.title).stem)
    version = f'_v{document.version}' if document.version > 1 else ''
    return f'{beginning(claim)}_{label}{version}.{ENDINGS[document.media_type]}'


def beginning(claim: Claim) -> str:
    """What the names of all files of a claim begin with: its number and the family name."""
    return f'{word(claim.claim_no)}_{word((claim.insured_name.split() or [""])[-1])}'


def word(text: str) -> str:
    """Letters and digits of any language, joined by hyphens."""
    return '-'.join(re.findall(r'[^\W_]+', re.sub(r'["״׳\']', '', text)))[:60] or '-'


def all_different(names: Sequence[str]) -> list[str]:
    """Where one name stands several times, the later ones get a number."""
    seen: Counter[str] = Counter()
    different = []
    for name in names:
        seen[name] += 1
        stem, _, ending = name.rpartition('.')
        different.append(name if seen[name] == 1 else f'{stem}_{seen[name]}.{ending}')
    return different


class _Line:
    """What a ZIP is written into while it is sent: it goes forward only and keeps nothing."""

    def __init__(self) -> None:
        """Empty."""
        self._waiting = bytearray()
        self._sent = 0

    def write(self, piece: bytes) -> int:
        """Take a piece until it is fetched."""
        before = len(self._waiting)
        self._waiting += piece
        return len(self._waiting) - before

    def tell(self) -> int:
        """How far the archive has come."""
        return self._sent + len(self._waiting)

    def flush(self) -> None:
        """Nothing waits elsewhere."""

    def close(self) -> None:
        """The archive is whole."""

    def take(self) -> bytes:
        """What was written since the last time."""
        piece = bytes(self._waiting)
        self._sent += len(piece)
        self._waiting.clear()
        return piece


def packed(keeper: FileStore, members: Sequence[tuple[str, str, datetime]]) -> Iterator[bytes]:
    """A ZIP, piece by piece; photos and PDFs are packed already, so it only puts them together."""
    line = _Line()
    with ZipFile(line, 'w', ZIP_STORED) as archive:
        for name, key, moment in members:
            with archive.open(ZipInfo(name, moment.timetuple()[:6]), 'w') as member:
                for piece in keeper.read(key):
                    member.write(piece)
                    yield line.take()
    yield line.take()
