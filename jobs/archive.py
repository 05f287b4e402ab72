"""The archive of a backup: one tar file with the database, the documents, and at its end a manifest that vouches for each of them.

The manifest comes last, so an archive that breaks off has none and is refused. With a recipient the whole is encrypted on its way
to the disk, by age or by gpg. Nobody but its owner can read an archive.
A small archive leaves out the documents that a whole one holds, and names it. What has to be known of an archive to make the next one
lies beside it in a note: whoever encrypts an archive may not be able to read it, and nobody wants to read all of it for that.
"""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Self, cast

from db.copies import CopyError
from db.files import CHUNK

try:
    from isal import igzip as gzip  # packs four times as fast, and as tightly
except ImportError:  # not made for every machine
    import gzip  # type: ignore[no-redef]

_gzip: Any = gzip  # isal says nothing of types

FORMAT = 1
# of a small archive, which older versions do not understand; a whole one they put back
FORMAT_SMALL = 2
ENDINGS = ('.tar', '.tar.age', '.tar.gpg')
MANIFEST = 'manifest.json'
DATABASE = {'sqlite': 'database.sqlite', 'postgresql': 'database.pgdump'}
DOCUMENTS = 'documents/'
_WHOLE = re.compile(r'maakav-\d{8}T\d{6}Z')
# one of every quarter of an hour; pg_dump packs by itself
PACKED = '.gz'
_MEMBER = re.compile(r'database\.(?:sqlite(?:\.gz)?|pgdump)|documents/[0-9a-f]{2}/[0-9a-f]{64}')


class Broken(CopyError):  # noqa: N818 - said like a verdict
    """An archive is not what was once written."""


@dataclass
class Manifest:
    """What an archive holds: the schema, the moment, the rows of each table, and size and SHA-256 of each member."""

    made_at: str
    kind: str
    revision: str | None
    counts: dict[str, int]
    # an archive of the database alone leaves the documents where they are
    with_documents: bool
    members: dict[str, tuple[int, str]] = field(default_factory=dict)
    # files of documents that were not there, or not what their names say, when this was made
    missing: list[str] = field(default_factory=list)
    # files that were thrown away with the trash meanwhile
    emptied: list[str] = field(default_factory=list)
    format: int = FORMAT
    # of a small archive: the name of the whole one it stands on, without its ending, and that one's seal
    base: tuple[str, str] | None = None

    @property
    def database(self) -> str:
        """The member that is the database. Of SQLite's a small archive has it packed; a whole one, which older versions read, does not."""
        return DATABASE[self.kind] + PACKED * (self.kind == 'sqlite' and self.format == FORMAT_SMALL)

    @property
    def seal(self) -> str:
        """What no other archive has: the moment it was made, and everything in it."""
        told = json.dumps([self.made_at, sorted((name, *member) for name, member in self.members.items())])
        return hashlib.sha256(told.encode()).hexdigest()


@dataclass(frozen=True)
class Note:
    """What is known of an archive without reading it; nothing of anybody, so it is not encrypted."""

    seal: str
    # SHA-256 of each document in it
    documents: list[str]
    # how the database stood, see `marks_of`; empty where it lacks files, so that it is not taken for the newest state
    marks: dict[str, str]

    @classmethod
    def beside(cls, path: Path) -> Self | None:
        """The note of an archive; None when it has none, or one that cannot be read."""
        try:
            return cls(**json.loads(cls.path_of(path).read_text('ascii')))
        except (OSError, ValueError, TypeError):
            return None

    @staticmethod
    def path_of(path: Path) -> Path:
        """Where the note of an archive lies."""
        return path.with_name(f'.{path.name.partition(".")[0]}.note')

    def write(self, path: Path) -> None:
        """Write it into a new file, which is on the disk then."""
        with created(path, '') as file:
            file.write(json.dumps(asdict(self)).encode())


# ---- writing ----------------------------------------------------------------------------------------------------------------


class Writer:
    """Fills an archive, member by member; it is whole once this ends well."""

    def __init__(self, file: IO[bytes], manifest: Manifest) -> None:
        """`file` takes the bytes."""
        self.manifest = manifest
        self._tar = tarfile.open(fileobj=file, mode='w|', format=tarfile.PAX_FORMAT)  # noqa: SIM115 - closed at the end

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Seal it, or let it lie as it is."""
        if error is None:
            self._seal()
        else:
            cast(Any, self._tar.fileobj).closed = True  # otherwise it would still write when it is thrown away

    def add(self, name: str, path: Path) -> None:
        """Put a file in."""
        with path.open('rb') as file:
            hashed = _Hashed(file)
            size = os.fstat(file.fileno()).st_size
            self._tar.addfile(_member(name, size), hashed)
        self.manifest.members[name] = size, hashed.digest

    def _seal(self) -> None:
        told_of = asdict(self.manifest)
        if self.manifest.base is None:
            del told_of['base']  # the version before an upgrade puts the copy of it back, and knows no such line
        told = json.dumps(told_of, indent=1).encode()
        self._tar.addfile(_member(MANIFEST, len(told)), io.BytesIO(told))
        self._tar.close()


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member


class _Hashed(io.RawIOBase):
    """A file that is hashed while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._hash = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self._hash.update(piece)
        return piece

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


def pack(path: Path) -> None:
    """Pack a file, in its place."""
    packed = path.with_name(f'{path.name}{PACKED}')
    with path.open('rb') as file, _gzip.open(packed, 'wb', 1) as into:
        shutil.copyfileobj(file, into, CHUNK)
    packed.replace(path)


@contextmanager
def created(path: Path, recipient: str) -> Iterator[IO[bytes]]:
    """A new file that only its owner can read, encrypted to the recipient if one is named; on the disk when this is over."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'wb') as file:
        if recipient:
            with _piped(_locking(recipient), into=file) as pipe:
                yield pipe
        else:
            yield file
        file.flush()
        os.fsync(file.fileno())


def ending(recipient: str) -> str:
    """How the name of an archive ends that is made for this recipient."""
    if not recipient:
        return '.tar'
    return '.tar.age' if _by_age(recipient) else '.tar.gpg'


def _by_age(recipient: str) -> bool:
    return recipient.startswith(('age1', 'ssh-'))


def _locking(recipient: str) -> list[str]:
    if _by_age(recipient):
        return [_program('age'), '--encrypt', '--recipient', recipient]
    return [_program('gpg'), '--batch', '--quiet', '--trust-model', 'always', '--encrypt', '--recipient', recipient]


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise CopyError(f'{name} is missing, and BACKUP_RECIPIENT needs it: install the package {name}')
    return found


class _Patient:
    """A pipe whose reader may have given up: why, its end says."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe

    def write(self, piece: bytes) -> int:
        with suppress(BrokenPipeError):
            self._pipe.write(piece)
        return len(piece)

    def flush(self) -> None:
        pass


@contextmanager
def _piped(command: list[str], into: IO[bytes]) -> Iterator[IO[bytes]]:
    with TemporaryFile() as complaints:
        # only age and gpg, with the recipient of the settings
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=into, stderr=complaints)  # noqa: S603
        assert child.stdin is not None
        try:
            yield cast(IO[bytes], _Patient(child.stdin))
            with suppress(BrokenPipeError):
                child.stdin.close()
        except BaseException:
            child.kill()
            child.wait()
            raise
        if child.wait():
            complaints.seek(0)
            raise CopyError(
                f'the archive could not be encrypted: {complaints.read().decode("utf-8", "replace").strip()}'
            )


# ---- reading ----------------------------------------------------------------------------------------------------------------


@contextmanager
def opened(path: Path, identity: Path | None = None) -> Iterator[IO[bytes]]:
    """An archive to read, decrypted on the way; `identity` is the key file of age, gpg asks its own keyring. Raises `Broken`."""
    try:
        with path.open('rb') if path.suffix == '.tar' else _unlocked(path, identity) as file:
            yield file
    except (tarfile.TarError, EOFError) as error:
        raise Broken(f'the archive breaks off or is damaged: {error}') from error


@contextmanager
def _unlocked(path: Path, identity: Path | None) -> Iterator[IO[bytes]]:
    if path.suffix == '.age':
        command = [_program('age'), '--decrypt', *(('--identity', str(identity)) if identity else ()), str(path)]
    else:
        command = [_program('gpg'), '--batch', '--quiet', '--decrypt', str(path)]
    with TemporaryFile() as complaints:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints)  # noqa: S603 - only age and gpg
        assert child.stdout is not None
        try:
            yield child.stdout
            while child.stdout.read(CHUNK):
                pass
        except (Broken, tarfile.TarError, EOFError):
            if child.wait():
                complaints.seek(0)
                told = complaints.read().decode('utf-8', 'replace').strip()
                raise Broken(f'{path.name} could not be decrypted: {told}') from None
            raise
        finally:
            child.stdout.close()
            child.wait()


def members(file: IO[bytes]) -> Iterator[tuple[str, IO[bytes]]]:
    """Each member of an archive and its bytes, in the order they stand in; the names are ones we give, nothing else passes."""
    with tarfile.open(fileobj=file, mode='r|') as tar:
        for member in tar:
            if not member.isreg() or not (member.name == MANIFEST or _MEMBER.fullmatch(member.name)):
                raise Broken(f'this is no backup of Maakav: it holds {member.name!r}')
            content = tar.extractfile(member)
            assert content is not None
            yield member.name, content


def unpacked(name: str, content: IO[bytes]) -> IO[bytes]:
    """What a member holds."""
    return cast(IO[bytes], _gzip.open(content)) if name.endswith(PACKED) else content


def verified(path: Path, identity: Path | None = None) -> Manifest:
    """Read a whole archive and compare each member with the manifest; raises `Broken`."""
    found: dict[str, tuple[int, str]] = {}
    told: bytes | None = None
    with opened(path, identity) as file:
        for name, content in members(file):
            if told is not None:
                raise Broken('something follows the manifest')
            if name == MANIFEST:
                told = content.read()
            else:
                found[name] = _measured(content)
    if told is None:
        raise Broken('the archive breaks off: it has no manifest')
    manifest = _read(told)
    wrong = sorted(name for name in found.keys() | manifest.members if found.get(name) != manifest.members.get(name))
    if wrong or manifest.database not in found:
        raise Broken(f'{len(wrong)} members are not what the manifest says, the first: {wrong[:1]}')
    return manifest


def together(path: Path, identity: Path | None = None) -> list[tuple[Path, Manifest]]:
    """An archive, and before it the whole one it stands on, each read to its end; raises `CopyError`."""
    manifest = verified(path, identity)
    if manifest.base is None:
        return [(path, manifest)]
    name, seal = manifest.base
    found = [whole for ending in ENDINGS if (whole := path.with_name(f'{name}{ending}')).exists()]
    if not found:
        raise CopyError(f'{path.name} holds what is new since {name}.tar: put that one beside it, into {path.parent}')
    below = verified(found[0], identity)
    if below.seal != seal:
        raise CopyError(f'{found[0].name} is another archive than the one of this name that {path.name} stands on')
    return [(found[0], below), (path, manifest)]


def _measured(content: IO[bytes]) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    while piece := content.read(CHUNK):
        size += len(piece)
        digest.update(piece)
    return size, digest.hexdigest()


def _read(told: bytes) -> Manifest:
    try:
        given: dict[str, Any] = json.loads(told)
        if given['format'] not in {FORMAT, FORMAT_SMALL}:
            raise Broken(f'the archive is of format {given["format"]}: a newer version of Maakav reads it')
        members = {name: (size, digest) for name, (size, digest) in given.pop('members').items()}
        if base := given.pop('base', None):
            base = (str(base[0]), str(base[1]))
            if not _WHOLE.fullmatch(base[0]):
                raise ValueError(base[0])
        return Manifest(**given, members=members, base=base)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise Broken(f'the manifest cannot be read: {error}') from error
