"""The clients of an office as a workbook, for the meetings about their renewals."""

from typing import Any

from db.clients import ClientLine, Clients
from db.texts import N_, is_rtl, t
from jobs.book_making import book_of
from jobs.report_book import Book
from jobs.sheets import Column, Kind, Table, in_words

LABEL = N_('Clients for renewal')
_COLUMNS = (
    Column(N_('Insured'), Kind.TEXT, 28),
    Column(N_('ID no.'), Kind.CODE, 14),
    Column(N_('Mobile'), Kind.CODE, 14),
    Column(N_('Agent'), Kind.TEXT, 20),
    Column(N_('Claims'), Kind.WHOLE, 10),
    Column(N_('Open'), Kind.WHOLE, 10),
    Column(N_('Demanded'), Kind.MONEY, 14),
    Column(N_('Received'), Kind.MONEY, 14),
    Column(N_('Own policy'), Kind.TEXT, 20),
    Column(N_('Last opened'), Kind.DAY, 13),
    Column(N_('Newest claim'), Kind.CODE, 14),
)


def client_book(found: Clients, about: str, reader: str) -> Book:
    """One sheet, a client in each row; `about` says of which office and which days."""
    label = t(LABEL, reader)
    table = Table(label, label, about, in_words(_COLUMNS, reader), is_rtl(reader))
    file = book_of(label, [(table, [_row(line, reader) for line in found.lines])])
    return Book(LABEL, [column.label for column in _COLUMNS], len(found.lines), file)


def _row(line: ClientLine, reader: str) -> tuple[Any, ...]:
    return (
        *(line.name, line.id_no, line.phone, line.agent, line.claims, line.opened, line.demanded, line.received),
        *(line.policy.told(reader), line.last_opened, line.claim_no),
    )
