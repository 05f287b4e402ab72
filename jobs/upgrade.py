"""`python -m jobs.upgrade`: brings the database to this version's schema; one that people have worked with is copied first."""

import argparse
import sys
from collections.abc import Sequence

from db import schema
from db.copies import CopyError
from db.settings import load
from jobs import backup


def main(arguments: Sequence[str] | None = None) -> None:
    """Upgrade, and say where the database stands and where its copy lies."""
    parser = argparse.ArgumentParser(
        prog='python -m jobs.upgrade', description='Bring the database to the newest form.'
    )
    parser.add_argument('--without-backup', action='store_true', help='make no copy of the database before')
    given, settings = parser.parse_args(arguments), load()
    settings.make_data_dir()
    present = schema.revision_of(settings.database_url)
    schema.refuse_newer(present)  # before a copy: it would push out the one that leads back
    if present not in (None, schema.newest_revision()) and not given.without_backup:
        try:
            copy = backup.make(settings, with_documents=False)
        except (CopyError, OSError) as error:
            raise SystemExit(f'no upgrade without a backup: {error}') from None
        sys.stdout.write(f'backup before the upgrade: {copy}\n')
        sys.stdout.flush()
    schema.upgrade(settings.database_url)
    sys.stdout.write(f'schema: {schema.revision_of(settings.database_url)}\n')


if __name__ == '__main__':
    main()
