"""Tables as one workbook: a small one is made here, a large one in a process of its own, so that nobody else's page waits for it.

What goes to that process are the tables as they are; it answers the file. Only this product's own words go there.
"""

import pickle
import sys
from collections.abc import Sequence
from io import BytesIO
from typing import Any

from jobs import children
from jobs.sheets import Table, add_table, new_workbook

Sheet = tuple[Table, Sequence[Sequence[Any]]]
# made in a tenth of a second; with ten times as many everybody's pages would stand still for a fifth of one, again and again
CELLS_HERE = 10_000
SECONDS = 120.0


def book_of(title: str, sheets: Sequence[Sheet]) -> bytes:
    """The workbook as a file. Call it off the loop."""
    if sum(len(rows) * len(table.columns) for table, rows in sheets) <= CELLS_HERE:
        return _written(title, sheets)
    ended = children.run(['-m', 'jobs.book_making'], SECONDS, pickle.dumps((title, sheets)))
    if ended.code != 0:
        raise RuntimeError(f'no workbook was made: its process ended with {ended.code}')
    return ended.told


def _written(title: str, sheets: Sequence[Sheet]) -> bytes:
    workbook, file = new_workbook(title), BytesIO()
    for table, rows in sheets:
        add_table(workbook, table, rows)
    workbook.save(file)
    return file.getvalue()


if __name__ == '__main__':
    sys.stdout.buffer.write(_written(*pickle.load(sys.stdin.buffer)))  # noqa: S301 - it comes from `book_of` alone
