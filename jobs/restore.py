"""Restoring: `python -m jobs.restore FILE [--replace]` makes an archive the installation, and proves it before and after.

The archive is read to its end first, and with a small one the whole one it stands on. Then the documents are put into the store, and last the database is swapped in one step:
whatever breaks on the way, be it a kill at any moment, leaves the database that was there, whole and with all its documents, or the new one.
Said again it begins anew, and throws away what the one before has left.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from db import copies, files
from db.base import now
from db.copies import CopyError
from db.files import FileMissing, FileStore
from db.settings import Settings, load
from jobs import archive
from jobs.archive import DOCUMENTS, Manifest
from jobs.backup import alone, faults_of
from jobs.intake import hash_of


@dataclass(frozen=True)
class Restored:
    """What was restored, and where the SQLite database lies that stood there before."""

    manifest: Manifest
    # of documents, those of the whole archive below a small one too
    files: int
    set_aside: Path | None


def restore(settings: Settings, path: Path, *, replacing: bool = False, identity: Path | None = None) -> Restored:
    """Make an archive the installation that the settings name. A database that has data is refused unless it is to be replaced."""
    url = settings.database_url
    archives = archive.together(path, identity)
    _, manifest = archives[-1]
    _check_fit(manifest, url)
    copies.check_free(url)  # before anything is asked of it that would wait for whoever has it open
    if copies.has_data(url) and not replacing:
        raise CopyError('the database here has data; `make restore FILE=… REPLACE=yes` puts the archive in its place')
    settings.make_data_dir()
    keeper = files.opened(settings.documents_url, settings.data_dir)
    with _our_turn(settings), TemporaryDirectory(dir=settings.data_dir, prefix=_UNFINISHED) as work:
        copy = Path(work) / 'database'
        for each, _ in archives:
            with archive.opened(each, identity) as file:
                for name, content in archive.members(file):
                    if name.startswith(DOCUMENTS):
                        _put_document(keeper, name.removeprefix(DOCUMENTS), content)
                    elif name == manifest.database and each == path:
                        with archive.unpacked(name, content) as database, copy.open('wb') as taken:
                            shutil.copyfileobj(database, taken, files.CHUNK)
        aside = copies.put_back(copy, url, now())
    _check_restored(manifest, url, keeper)
    return Restored(manifest, sum(len(each.members) - 1 for _, each in archives), aside)


_UNFINISHED = '.restoring-'


def _our_turn(settings: Settings) -> AbstractContextManager[None]:
    return alone(settings.data_dir / '.restore.lock', _UNFINISHED, 'another restore is under way: wait for it')


def _check_fit(manifest: Manifest, url: str) -> None:
    if manifest.kind != copies.kind_of(url):
        raise CopyError(f'the archive is of a {manifest.kind} database, DATABASE_URL names another kind')
    if not copies.knows(manifest.revision):
        raise CopyError(f'the archive has schema {manifest.revision}, which is newer than this version of Maakav')


def _put_document(keeper: FileStore, key: str, content: IO[bytes]) -> None:
    try:
        with keeper.local(key) as there:
            if hash_of(there) == key[-64:]:
                return
        keeper.delete(key, files.FOR_EVER)
    except FileMissing:
        pass
    with files.new_file(keeper) as (path, file):
        shutil.copyfileobj(content, file, files.CHUNK)
        file.flush()
        keeper.put(key, path)


def _check_restored(manifest: Manifest, url: str, keeper: FileStore) -> None:
    contents = copies.contents_of(url)
    if (contents.counts, contents.revision) != (manifest.counts, manifest.revision):
        raise CopyError('the database does not hold what the manifest says; look at it before anybody works with it')
    if faults := faults_of(url, keeper, forgiven=(*manifest.missing, *manifest.emptied)):
        raise CopyError('\n'.join(['restored, but:', *faults]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Restore an archive."""
    parser = argparse.ArgumentParser(prog='python -m jobs.restore', description='Make a backup the installation.')
    parser.add_argument('file', type=Path, help='an archive that jobs.backup made')
    parser.add_argument('--replace', action='store_true', help='also when the database has data')
    parser.add_argument('--identity', type=Path, help='the key file of age, for an archive that is encrypted')
    given = parser.parse_args(arguments)
    try:
        restored = restore(load(), given.file, replacing=given.replace, identity=given.identity)
    except (CopyError, OSError) as error:
        raise SystemExit(str(error)) from None
    manifest = restored.manifest
    lines = [f'restored: {sum(manifest.counts.values())} rows and {restored.files} files, made {manifest.made_at}']
    lines += [f'missing since then: {len(manifest.missing)} files'] * bool(manifest.missing)
    lines += [f'the database that stood here: {restored.set_aside}'] * (restored.set_aside is not None)
    sys.stdout.write('\n'.join([*lines, 'now: make run', '']))


if __name__ == '__main__':
    main()
