"""Where the bytes of documents lie: a local folder or an S3-compatible store behind one small interface, chosen by DOCUMENTS_URL.

A file is known by its key: `ab/<sha256>` for what people sent, `previews/…` for pictures made of it, `exports/…` for workbooks that
live a day; only the first are for good, and in a backup. What `put` returned from
is safe from a crash. New files are written in `incoming`, locked by their writer, so that what a crash left there is known.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any, BinaryIO, Protocol
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

from obstore.exceptions import BaseError
from obstore.store import S3Store

CHUNK = 256 * 1024
PREVIEWS, EXPORTS = 'previews/', 'exports/'
PASSING = (PREVIEWS, EXPORTS)
FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)
# so long a store may take for one answer, and for the one that `check` waits for
PATIENCE_SECONDS, CHECK_SECONDS = 60, 4


class FileMissing(LookupError):  # noqa: N818 - said like a verdict
    """The store has no such file."""


class StoreFailing(OSError):  # noqa: N818 - said like a verdict
    """The store does not do what it is asked: it does not answer, has no room, or knows neither key nor bucket."""


class FileStore(Protocol):
    """What the product asks of a store. `incoming` is a local folder from where `put` takes finished files over."""

    incoming: Path

    def put(self, key: str, path: Path) -> None:
        """Take the file at `path` over, for good; the same key always means the same bytes."""

    def read(self, key: str) -> Iterator[bytes]:
        """The bytes, in pieces. Raises `FileMissing` at once."""

    def size(self, key: str) -> int | None:
        """How many bytes; None when there is no such file."""

    def local(self, key: str) -> AbstractContextManager[Path]:
        """The file as one of this machine, to read, for a while. Raises `FileMissing`."""

    def delete(self, key: str, before: datetime) -> bool:
        """Forget a file unless somebody has put it (again) since; whether it was forgotten."""

    def keys(self, before: datetime) -> Iterator[str]:
        """The keys of everything written before this moment."""

    def check(self) -> None:
        """Whether files could come now; raises what stands in the way."""


def key_of(sha256: str) -> str:
    """Where a file with this hash lies."""
    return f'{sha256[:2]}/{sha256}'


def preview_key(sha256: str, name: str) -> str:
    """Where a picture of the file with this hash lies."""
    return f'{PREVIEWS}{sha256[:2]}/{sha256}/{name}'


class Folder:
    """A folder of this machine, or one that several instances share."""

    def __init__(self, root: Path) -> None:
        """`root` is made when the first file comes."""
        self.root = root
        self.incoming = root / 'incoming'

    def put(self, key: str, path: Path) -> None:
        """Temp → fsync → rename → fsync of the folder."""
        target = self.root / key
        with suppress(FileNotFoundError):
            os.utime(target)  # young again: a sweep that is about to forget it lets it be
            path.unlink()
            return
        sync(path)
        if not target.parent.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            for folder in (target.parent.parent, self.root):
                sync(folder)
        path.replace(target)
        sync(target.parent)

    def read(self, key: str) -> Iterator[bytes]:
        """Open now, read piece by piece."""
        try:
            file = (self.root / key).open('rb')
        except FileNotFoundError:
            raise FileMissing(key) from None
        return _pieces(file)

    def size(self, key: str) -> int | None:
        """Of the file as it lies there."""
        path = self.root / key
        return path.stat().st_size if path.is_file() else None

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """It is one."""
        if not (self.root / key).is_file():
            raise FileMissing(key)
        yield self.root / key

    def delete(self, key: str, before: datetime) -> bool:
        """Unlink."""
        path = self.root / key
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < before.timestamp():
                path.unlink()
                return True
        return False

    def keys(self, before: datetime) -> Iterator[str]:
        """By the time of the last write."""
        for folder, _, names in os.walk(self.root):
            place = Path(folder)
            if self.incoming in (place, *place.parents):
                continue
            for name in names:
                with suppress(FileNotFoundError):
                    if (place / name).stat().st_mtime < before.timestamp():
                        yield (place / name).relative_to(self.root).as_posix()

    def check(self) -> None:
        """Write one, for a moment."""
        with new_file(self) as (path, file):
            file.write(b'?')
            file.flush()
            sync(path)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(CHUNK):
            yield piece


def sync(path: Path) -> None:
    """Have the disk keep a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_TAKEN = frozenset({'endpoint', 'region'})


class Bucket:
    """An S3-compatible store."""

    def __init__(self, url: str, incoming: Path) -> None:
        """`url` is s3://[key:secret@]bucket[/prefix][?endpoint=…&region=…]; without a key the environment's is used."""
        parts = urlsplit(url)
        options: dict[str, Any] = {name: some[-1] for name, some in parse_qs(parts.query).items() if name in _TAKEN}
        if parts.username:
            options |= {
                'access_key_id': unquote(parts.username),
                'secret_access_key': unquote(parts.password or ''),
            }
        plain = options.get('endpoint', '').startswith('http://')

        def opened(seconds: int, retries: int) -> S3Store:
            return S3Store(
                parts.hostname or '',
                prefix=parts.path.strip('/') or None,
                virtual_hosted_style_request=False,
                client_options={'allow_http': plain, 'timeout': f'{seconds}s'},
                retry_config={'max_retries': retries, 'retry_timeout': timedelta(seconds=20)},
                **{'region': 'us-east-1', **options},
            )

        self._store, self._asked = opened(PATIENCE_SECONDS, 3), opened(CHECK_SECONDS, 0)
        self.incoming, self._refused = incoming, False

    def put(self, key: str, path: Path) -> None:
        """Upload; the store answers when it is safe there."""
        self._refused = True
        try:
            with _told(key):
                self._store.put(key, path)
        except FileMissing:
            raise StoreFailing(f'{key}: the store takes nothing under this name') from None
        self._refused = False
        path.unlink()

    def read(self, key: str) -> Iterator[bytes]:
        """Fetch all of it now: whoever is handed pieces gets a whole file, also when the store fails half-way."""
        self.incoming.mkdir(parents=True, exist_ok=True)
        file = TemporaryFile(dir=self.incoming)  # noqa: SIM115 - closed with its last piece
        try:
            with _told(key):
                for piece in self._store.get(key).stream(min_chunk_size=CHUNK):
                    file.write(piece)
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return _pieces(file)

    def size(self, key: str) -> int | None:
        """As the store says."""
        try:
            with _told(key):
                return int(self._store.head(key)['size'])
        except FileMissing:
            return None

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """A copy, gone afterwards."""
        with new_file(self) as (path, file):
            file.writelines(self.read(key))
            file.flush()
            yield path

    def delete(self, key: str, before: datetime) -> bool:
        """Delete."""
        with suppress(FileMissing), _told(key):
            if self._store.head(key)['last_modified'] < before:
                self._store.delete(key)
                return True
        return False

    def keys(self, before: datetime) -> Iterator[str]:
        """By the time of the upload."""
        pages = iter(self._store.list())
        while page := self._page_of(pages):
            for entry in page:
                if entry['last_modified'] < before:
                    yield entry['path']

    def _page_of(self, pages: Iterator[Any]) -> Any:
        with _told('the list of files'):
            return next(pages, None)

    def check(self) -> None:
        """Ask for the first few names; where the last file was not taken, also whether one would be now."""
        with _told('the list of files'):
            next(iter(self._asked.list(chunk_size=1)), None)
            if self._refused:
                self._asked.put(_TRIAL, b'?')
                self._asked.delete(_TRIAL)
        self._refused = False


# left there by whoever is killed in between: a sweep takes it for an export that nobody wants
_TRIAL = f'{EXPORTS}trial'


@contextmanager
def _told(what: str) -> Iterator[None]:
    """The faults of a store in our words."""
    try:
        yield
    except FileNotFoundError as error:
        if 'NoSuchBucket' not in str(error):
            raise FileMissing(what) from None
        raise StoreFailing(f'{what}: the store has no such bucket') from None
    except BaseError as error:
        raise StoreFailing(f'{what}: {str(error).partition(chr(10))[0]}') from None


def bear(keeper: FileStore, error: StoreFailing) -> None:
    """Go on where only one file cannot be had; raise when the store as a whole fails."""
    try:
        keeper.check()
    except StoreFailing:
        raise error from None


_store: FileStore | None = None


def opened(url: str, data_dir: Path) -> FileStore:
    """The store at `url`."""
    if url.startswith('s3://'):
        return Bucket(url, data_dir / 'incoming')
    return Folder(Path(url.removeprefix('file:').removeprefix('//')))


def connect(url: str, data_dir: Path) -> FileStore:
    """Open the store at `url` for this process; `store` answers it from now on."""
    global _store  # noqa: PLW0603 - the one store of the process, chosen by app and tests
    _store = opened(url, data_dir)
    return _store


def store() -> FileStore:
    """The store of this process."""
    if _store is None:
        raise RuntimeError('connect() first')
    return _store


@contextmanager
def new_file(keeper: FileStore) -> Iterator[tuple[Path, BinaryIO]]:
    """A fresh file to write, ours alone; whatever of it `put` has not taken over is gone afterwards."""
    path, file = _locked(keeper.incoming)
    try:
        with file:
            yield path, file
    finally:
        path.unlink(missing_ok=True)


def _locked(folder: Path) -> tuple[Path, BinaryIO]:
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        path = folder / uuid4().hex
        file = path.open('xb')
        fcntl.flock(file, fcntl.LOCK_EX)
        if path.exists():  # otherwise a sweep came in between
            return path, file
        file.close()


@contextmanager
def new_folder(keeper: FileStore) -> Iterator[Path]:
    """A fresh folder for files that `put` takes over one by one; gone afterwards with what is left in it."""
    keeper.incoming.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=keeper.incoming) as folder:
        yield Path(folder)


def sweep_incoming(keeper: FileStore) -> int:
    """Throw away what writers that died have left; returns how many. A living writer holds his file's lock."""
    swept = 0
    for path in keeper.incoming.iterdir() if keeper.incoming.exists() else ():
        with suppress(FileNotFoundError, BlockingIOError):
            if path.is_dir():
                swept += _sweep_folder(path)
                continue
            with path.open('rb') as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                swept += 1
    return swept


def _sweep_folder(folder: Path) -> int:
    """Pictures that were being made; nothing takes an hour to draw."""
    if time.time() - folder.stat().st_mtime < 3600:
        return 0
    shutil.rmtree(folder, ignore_errors=True)
    return 1
