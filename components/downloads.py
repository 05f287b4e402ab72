"""How a file leaves the product: behind walls, and under its own name."""

import re
from urllib.parse import quote

from db.texts import N_

# whatever it is, it runs nothing, loads nothing, and is shown in no frame; nobody's disk keeps it unasked
LOCKED = {
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
    'X-Frame-Options': 'DENY',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cache-Control': 'private, no-store',
}

WORKBOOK = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'

# what is said while the place where files lie does not do what it is asked: it is full, does not answer, or breaks off
NOT_KEPT = N_(
    'The file was not saved, because the store of documents does not work just now. Please try again in a few minutes.'
)
NOT_FETCHED = N_('The store of documents does not work just now. Please try again in a few minutes.')


def disposition(name: str, *, inline: bool = False) -> str:
    """As RFC 6266 has it: a plain name for old programs, the real one for everybody else."""
    plain = re.sub(r'_{2,}', '_', re.sub(r'[^A-Za-z0-9._-]', '_', name))
    kind = 'inline' if inline else 'attachment'
    return f'{kind}; filename="{plain}"; filename*=UTF-8\'\'{quote(name, safe="")}'
