"""Runs as a program of its own, under limits, and takes some pages out of a submission pack into a PDF of their own.

The pack holds what others sent, so it is opened apart, as what it was made of was. The order comes as JSON on standard input.
"""

import json
import sys
from pathlib import Path

import pypdfium2

from jobs.decoding import limit

MEMORY, WRITTEN = 1 << 30, 600_000_000


def cut(source: Path, target: Path, first: int, pages: int) -> None:
    """Write so many pages from the `first` on, counted from 1, as they are."""
    whole, part = pypdfium2.PdfDocument(source), pypdfium2.PdfDocument.new()
    part.import_pages(whole, range(first - 1, first - 1 + pages))
    part.save(target)
    part.close()
    whole.close()


def main() -> None:
    """Do what standard input says."""
    order = json.load(sys.stdin)
    limit(MEMORY, order['seconds'], WRITTEN)
    cut(Path(order['source']), Path(order['target']), order['first'], order['pages'])


if __name__ == '__main__':
    main()
