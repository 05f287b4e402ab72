"""Backups: `python -m jobs.backup` makes one while people work, `python -m jobs.backup verify [FILE]` looks whether all is well.

The database is copied first and the documents after it: a document's file is there before its row is, so each row of the copy has
its file. What passes (pictures, which are drawn anew, and exports, which live a day) is in none. Kept are the newest backups of 7 days, 5 weeks and 12 months, and the last ones made before an upgrade.
Between the whole ones the timetable makes small ones, of the database and the documents that the newest whole one does not hold.
"""

import argparse
import fcntl
import logging
import re
import shutil
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from db import copies, files
from db.base import now
from db.copies import BackupsKept, CopyError
from db.files import FileMissing, FileStore, StoreFailing
from db.settings import Settings, load
from jobs import archive
from jobs.archive import DOCUMENTS, FORMAT_SMALL, Manifest, Note, Writer
from jobs.intake import hash_of

log = logging.getLogger(__name__)

KEPT: tuple[tuple[int, Callable[[datetime], object]], ...] = (
    (7, datetime.date),
    (5, lambda moment: moment.isocalendar()[:2]),
    (12, lambda moment: (moment.year, moment.month)),
)
UPGRADES_KEPT, SMALL_KEPT = 5, 8
# what the name of an archive says of its kind
WHOLE, SMALL, UPGRADE = '', '-since', '-before-upgrade'
_NAME = re.compile(
    r'maakav-(\d{8}T\d{6}Z)(-before-upgrade|-since(?=-\d))?(?:(?<=since)-(\d{8}T\d{6}Z))?\.tar(?:\.age|\.gpg)?'
)
_MOMENT = '%Y%m%dT%H%M%SZ'
# below it the monitoring turns red; a copy before an upgrade may use it
FREE_PART = 0.05
_SOME_MEGABYTES = 64 * 1024 * 1024

_settings: Settings | None = None


class Incomplete(CopyError):  # noqa: N818 - said like a verdict
    """A backup was made, but some documents had no file, another one than theirs, or one that the store does not give."""


def use(settings: Settings) -> None:
    """What this installation is, for the timetable's own backups."""
    global _settings  # noqa: PLW0603 - one installation to a process
    _settings = settings


def hours() -> int:
    """How many hours lie between two backups of the timetable; 0: it makes none."""
    return _settings.backup_hours if _settings else 0


def minutes() -> int:
    """How many minutes lie between two small backups of the timetable; 0: it makes none."""
    return _settings.backup_minutes if _settings else 0


def standing() -> BackupsKept:
    """How the backups of this installation stand, as BACKUP_DIR shows, whoever made them."""
    assert _settings is not None
    whole, small = (kept(_settings.backup_dir, kind) for kind in (WHOLE, SMALL))
    newest = whole[0][0] if whole else None
    lately = max((moment for moment, _ in small if newest and moment > newest), default=None)
    return BackupsKept(newest, len(whole), _settings.backup_hours, lately)


def back_up() -> None:
    """The timetable's own backup."""
    if _settings is not None:
        log.info('made the backup %s', make(_settings).name)


def back_up_changes() -> None:
    """The timetable's own small backup, where there is a whole one to stand on and anything has changed."""
    if _settings is not None and (path := make_small(_settings)):
        log.info('made the small backup %s', path.name)


def make(settings: Settings, *, with_documents: bool = True, moment: datetime | None = None) -> Path:
    """Make a backup, forget those that are too many, and return where it is. Raises `Incomplete` when documents lack files."""
    folder = settings.backup_dir
    moment, before = _later(folder, moment), [path for _, path in kept(folder, WHOLE)[:1]]
    with _our_turn(folder), TemporaryDirectory(dir=folder, prefix=_UNFINISHED) as work:
        plan = Manifest(moment.isoformat(), '', None, {}, with_documents)
        path, manifest = _written(settings, Path(work), _name(moment, WHOLE if with_documents else UPGRADE), plan)
        forget_old(folder, spared=before)  # a small one may be made just now that stands on it
    _check_complete(path, manifest)
    return path


def make_small(settings: Settings, *, moment: datetime | None = None) -> Path | None:
    """Save the database, and the documents that the newest whole backup does not hold; None when nothing has changed since the last.

    Also None where there is no whole one, or only some that an older version has made: the next whole one is waited for. A whole
    one that is being made hinders nobody: it may take hours.
    """
    folder = settings.backup_dir
    whole = next(((path, note) for _, path in kept(folder, WHOLE) if (note := Note.beside(path))), None)
    if whole is None:
        return None
    (base, note), (_, newest) = whole, _newest(folder)[0]
    moment, last = _later(folder, moment), Note.beside(newest)
    if last and last.marks == copies.marks_of(settings.database_url):
        return None
    stem = base.name.partition('.')[0]
    with (
        _our_turn(folder, _SMALL_LOCK, _SMALL_UNFINISHED),
        TemporaryDirectory(dir=folder, prefix=_SMALL_UNFINISHED) as work,
    ):
        name = f'{_name(moment, SMALL)}{stem.removeprefix("maakav")}'
        plan = Manifest(moment.isoformat(), '', None, {}, True, format=FORMAT_SMALL, base=(stem, note.seal))
        path, manifest = _written(settings, Path(work), name, plan, held=note.documents)
        forget_old(folder)
    _check_complete(path, manifest)
    return path


def _newest(folder: Path) -> list[tuple[datetime, Path]]:
    """The newest state that was saved, whole or small; of none, nothing."""
    return sorted(kept(folder, WHOLE)[:1] + kept(folder, SMALL)[:1])[-1:]


def _later(folder: Path, moment: datetime | None) -> datetime:
    """The moment of the next one: later than all, also when a clock was set back, for by their names one tells the newest."""
    return max([moment or now(), *(made + timedelta(seconds=1) for made, _ in _newest(folder))])


def _name(moment: datetime, kind: str) -> str:
    return f'maakav-{moment:{_MOMENT}}{kind}'


def _written(
    settings: Settings, work: Path, name: str, plan: Manifest, held: Collection[str] = ()
) -> tuple[Path, Manifest]:
    """Write an archive beside the note of it, without the documents that another one holds."""
    folder, copy, whole = settings.backup_dir, work / 'database', plan.with_documents
    # before the copy: what is written meanwhile is in it, and counts as new
    marks = copies.marks_of(settings.database_url) if whole else {}
    contents = copies.copy_database(settings.database_url, copy)
    wanted = {digest: contents.files[digest] for digest in contents.files.keys() - set(held)} if whole else {}
    _check_room(folder, copy.stat().st_size + sum(wanted.values()), FREE_PART * whole)
    manifest = replace(plan, kind=contents.kind, revision=contents.revision, counts=contents.counts)
    if manifest.database.endswith(archive.PACKED):
        archive.pack(copy)
    with archive.created(work / 'archive', settings.backup_recipient) as file, Writer(file, manifest) as writer:
        writer.add(manifest.database, copy)
        _add_documents(settings, writer, wanted)
    path = folder / f'{name}{archive.ending(settings.backup_recipient)}'
    if whole:
        documents = [member[-64:] for member in manifest.members if member.startswith(DOCUMENTS)]
        Note(manifest.seal, documents, {} if manifest.missing else marks).write(work / 'note')
        (work / 'note').replace(Note.path_of(path))
    (work / 'archive').replace(path)
    files.sync(folder)
    return path, manifest


def _check_complete(path: Path, manifest: Manifest) -> None:
    if manifest.missing:
        told = f'{len(manifest.missing)} files of documents are missing, damaged or not to be read, the first: {manifest.missing[0]}'
        raise Incomplete(f'{path} was made, but {told}; `make verify` lists them')


_LOCK, _UNFINISHED = '.lock', '.unfinished-'
_SMALL_LOCK, _SMALL_UNFINISHED = '.small.lock', '.small-'


def _our_turn(folder: Path, lock: str = _LOCK, unfinished: str = _UNFINISHED) -> AbstractContextManager[None]:
    """One backup of its kind at a time; what a crash has left of an earlier one is thrown away."""
    if not folder.exists():
        folder.mkdir(parents=True, mode=0o700)
    return alone(folder / lock, unfinished, 'another backup is being made')


@contextmanager
def alone(lock: Path, unfinished: str, refusal: str) -> Iterator[None]:
    """One at a time, as long as it lives; folders beside the lock that somebody who was killed has left are thrown away."""
    with lock.open('a') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CopyError(refusal) from None
        for left in lock.parent.glob(f'{unfinished}*'):
            shutil.rmtree(left, ignore_errors=True)
        yield


def _check_room(folder: Path, needed: int, kept_free: float) -> None:
    """Backups never fill the disk that people work on: this part of it stays free."""
    disk = shutil.disk_usage(folder)
    needed += max(_SOME_MEGABYTES, int(kept_free * disk.total))
    if disk.free < needed:
        raise CopyError(
            f'no room in {folder}: {needed // 1_000_000} MB are needed, {disk.free // 1_000_000} MB are free'
        )


def _add_documents(settings: Settings, writer: Writer, wanted: Collection[str]) -> None:
    keeper, absent = files.opened(settings.documents_url, settings.data_dir), set()
    for digest in sorted(wanted):
        try:
            with keeper.local(files.key_of(digest)) as path:
                if hash_of(path) == digest:
                    writer.add(f'{DOCUMENTS}{files.key_of(digest)}', path)
                else:
                    absent.add(digest)
        except FileMissing:
            absent.add(digest)
        except StoreFailing as error:
            files.bear(keeper, error)  # of a store that is gone there is no backup, rather than one without documents
            log.warning('a file of a document cannot be read: %s', digest)
            absent.add(digest)
    missing = copies.in_use(settings.database_url, absent) if absent else set()
    writer.manifest.missing, writer.manifest.emptied = sorted(missing), sorted(absent - missing)


# ---- which are kept ---------------------------------------------------------------------------------------------------------


def kept(folder: Path, kind: str | None = None) -> list[tuple[datetime, Path]]:
    """The backups in a folder, of one kind when it is named, newest first."""
    found = [(match, path) for path in folder.glob('maakav-*') if (match := _NAME.fullmatch(path.name))]
    asked = [(match[1], path) for match, path in found if kind in (None, match[2] or WHOLE)]
    return sorted(((_moment(told), path) for told, path in asked), reverse=True)


def _kind(path: Path) -> str:
    match = _NAME.fullmatch(path.name)
    return (match and match[2]) or WHOLE


def _moment(told: str) -> datetime:
    return datetime.strptime(told, _MOMENT).replace(tzinfo=UTC)


def forget_old(folder: Path, *, spared: Collection[Path] = ()) -> None:
    """Throw away the backups that no day, week or month needs any more, and small ones that a newer whole one holds."""
    there = kept(folder)  # once: what another process makes meanwhile is not among those to go
    whole, small, upgrades = ([one for one in there if _kind(one[1]) == kind] for kind in (WHOLE, SMALL, UPGRADE))
    newest_whole = whole[0][0] if whole else datetime.min.replace(tzinfo=UTC)
    small = [(moment, path) for moment, path in small if moment > newest_whole][:SMALL_KEPT]
    needed = {*spared, *(path for _, path in (*small, *upgrades[:UPGRADES_KEPT]))}
    bases = {name[3] for _, path in small if (name := _NAME.fullmatch(path.name))}
    needed.update(path for moment, path in whole if f'{moment:{_MOMENT}}' in bases)
    for most, period in KEPT:
        newest: dict[object, Path] = {}
        for moment, path in whole:
            newest.setdefault(period(moment), path)
        needed.update([*newest.values()][:most])
    for _, path in there:
        if path not in needed:
            path.unlink(missing_ok=True)
            Note.path_of(path).unlink(missing_ok=True)
            log.info('forgot the backup %s', path.name)
    left = {*folder.glob('.maakav-*.note')} - {Note.path_of(path) for _, path in there}
    for note in left:  # somebody was killed between a note and its archive; a newer one may be on its way
        if note.name < f'.maakav-{newest_whole:{_MOMENT}}':
            note.unlink(missing_ok=True)


# ---- whether all is well ----------------------------------------------------------------------------------------------------


def faults_of(database_url: str, keeper: FileStore, *, forgiven: Sequence[str] = ()) -> list[str]:
    """What is wrong with an installation: its database as it says itself, and each document's file by its hash."""
    faults = copies.damage_in(database_url)
    for digest in sorted(copies.contents_of(database_url).files.keys() - set(forgiven)):
        try:
            with keeper.local(files.key_of(digest)) as path:
                if hash_of(path) != digest:
                    faults.append(f'{files.key_of(digest)}: damaged, its content is another one')
        except FileMissing:
            faults.append(f'{files.key_of(digest)}: missing, although a document is made of it')
        except StoreFailing as error:
            files.bear(keeper, error)
            faults.append(f'{files.key_of(digest)}: not to be read, the store fails')
    return faults


def orphans(database_url: str, keeper: FileStore) -> list[str]:
    """Files that no document is made of; they go by themselves after a day."""
    known = {files.key_of(digest) for digest in copies.contents_of(database_url).files}
    keys = keeper.keys(now() + timedelta(days=1))
    return [key for key in keys if not key.startswith(files.PASSING) and key not in known]


# ---- the command ------------------------------------------------------------------------------------------------------------


def _verify(settings: Settings, file: Path | None, identity: Path | None) -> None:
    if file is not None:
        archives = archive.together(file, identity)
        for path, manifest in archives:
            told = f'whole, made {manifest.made_at}, schema {manifest.revision}, {len(manifest.members)} members'
            _say(f'{path.name}: {told}')
        if manifest.missing:
            raise CopyError(f'{len(manifest.missing)} files were missing when it was made: {manifest.missing}')
        return
    keeper = files.opened(settings.documents_url, settings.data_dir)
    contents = copies.contents_of(settings.database_url)
    faults = faults_of(settings.database_url, keeper)
    for key in orphans(settings.database_url, keeper):
        _say(f'{key}: no document is made of it; it goes by itself after a day')
    if faults:
        raise CopyError('\n'.join(faults))
    _say(f'all is well: {sum(contents.counts.values())} rows, {len(contents.files)} files of documents')


def _say(line: str) -> None:
    sys.stdout.write(f'{line}\n')
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> None:
    """Make a backup, or verify one, or the installation."""
    parser = argparse.ArgumentParser(prog='python -m jobs.backup', description='Backups of Maakav.')
    parser.add_argument('order', nargs='?', choices=('make', 'verify'), default='make')
    parser.add_argument('file', nargs='?', type=Path, help='verify this archive; without it the installation')
    parser.add_argument('--identity', type=Path, help='the key file of age, for an archive that is encrypted')
    given, settings = parser.parse_args(arguments), load()
    try:
        if given.order == 'verify':
            _verify(settings, given.file, given.identity)
        else:
            path = make(settings)
            _say(f'backup: {path} ({path.stat().st_size / 1_000_000:.1f} MB)')
    except (CopyError, OSError) as error:
        raise SystemExit(str(error)) from None


if __name__ == '__main__':
    main()
