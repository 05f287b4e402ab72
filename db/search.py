"""Finding claims by anything people know of them: one normalised text per claim, kept in the order of the list."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from string import digits
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Index,
    Select,
    SQLColumnExpression,
    and_,
    any_,
    bindparam,
    case,
    cast,
    column,
    event,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    table,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import Mapped, Session, UOWTransaction, mapped_column

from db import masks
from db.base import Base, BigKey, has_changed
from db.claims import Claim, locked
from db.masks import SearchText, beside_mask
from db.offices import AgentOffice
from db.prepared import answers
from db.reference import Appraiser, Garage, Insurer
from db.scope import ClaimPart, claim_key
from db.values import has_a_word, search_key, search_words

# An office up to this size is searched by walking its own rows, newest first; the index over everybody's claims is
# slower there, because a common word has many hits in other offices (measured: 86-259 ms against 2 ms).
WALK_UP_TO = 8000
# 2 ** 16 numbers of news are an epoch: a column of the index, which hands out the hits of one in a few milliseconds
EPOCH_BITS = 16
SEARCHED = (
    *('claim_no', 'insured_name', 'insured_id_no', 'insured_phone', 'plate', 'policy_no', 'insurer_claim_no'),
    *('tp_policy_holder', 'tp_phone', 'tp_plate', 'tp_driver', 'tp_agent', 'driver', 'insured_address', 'tp_policy_no'),
)
_NAMED = ('garage', 'appraiser', 'tp_insurer')
# what people read off a paper or a phone and type as a whole: each has an index of its own
NUMBERS = ('claim_no_key', 'plate', 'tp_plate', 'insured_phone', 'tp_phone')
_WHOLE_NUMBER = re.compile('[0-9]{7,12}')


class ClaimSearch(ClaimPart, Base):
    """What a claim is found by. Its key is the claim's `seq`, so that hits come newest first without sorting.

    NOTE: `seq` and `is_open` are the claim's; a trigger keeps them (see the migration), so that every save need not.
    """

    __tablename__ = 'claim_search'
    __table_args__ = (claim_key(), Index('ix_claim_search_office', 'office_id', 'seq', 'is_open'))

    seq: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    claim_id: Mapped[int] = mapped_column(BigKey, unique=True)
    is_open: Mapped[bool]
    text: Mapped[str] = mapped_column(SearchText())


_ROWS = Base.metadata.tables['claim_search']
_OF_CLAIM = update(_ROWS).where(_ROWS.c.claim_id == bindparam('claim'))
_INDEXED = frozenset({*SEARCHED, *_NAMED})


# SQLite: a trigram index beside the table, kept by triggers (see the first migration); PostgreSQL has its own on office, epoch and
# `text`, and one on the fields of the claims that one searches alone.
INDEX = table('claim_fts', column('rowid'), column('claim_fts'))


def whole_number(typed: str) -> str | None:
    """What was typed, when it is a number as long as a vehicle's, a phone's or a claim's, in any writing."""
    words = search_words(typed)
    return words[0] if len(words) == 1 and _WHOLE_NUMBER.fullmatch(words[0]) else None


_RARE_NUMBER = re.compile('[0-9]{5,}')


def is_rare(typed: str) -> bool:
    """Whether so few texts have what was typed that the newest hardly have a page of it: five digits stand in one of some thousands."""
    return any(_RARE_NUMBER.fullmatch(word) for word in search_words(typed))


def with_number(number: str | BindParameter[str]) -> ColumnElement[bool]:
    """Claims with exactly this number; asked one by one, so that each finds its index."""
    return Claim.id.in_(union_all(*(select(Claim.id).where(getattr(Claim, name) == number) for name in NUMBERS)))


@dataclass(frozen=True)
class Newest:
    """The newest claims, those with a `seq` above one: among them a search is tried first on PostgreSQL, whose index has no order.

    They are looked at one after the other: a word that many have is met soon. When they are told by `epochs`, the index hands out
    their hits: there are few of a word that is not so common, where all of them would be thousands.
    """

    above: int
    epochs: tuple[int, ...] = ()


def newest_epochs(seq: int, some: int) -> Newest:
    """The epoch of the newest claim, which may just have begun, and those before, so many together."""
    last = seq >> EPOCH_BITS
    return Newest(((last - some + 1) << EPOCH_BITS) - 1, tuple(range(last, last - some, -1)))


@dataclass(frozen=True)
class Route:
    """How a search goes about it.

    `walkable` is how many claims there are to look at (None: too many to walk). `among`: only these, before all are asked for.
    `own_office`: what the one office is called, in the form of the texts, whose claims alone are the asker's (None: the bureau).
    """

    dialect: str
    walkable: int | None
    # the asker sees masks: of an identity number he finds the whole, and never a part
    hides_numbers: bool
    among: Newest | None = None
    own_office: str | None = None

    @property
    def walks(self) -> bool:
        """Whether each claim is looked at, instead of asking the index over everybody's."""
        if self.among is not None:
            return not self.among.epochs
        return self.walkable is not None and self.walkable <= WALK_UP_TO

    @property
    def asks_sqlite(self) -> bool:
        """Whether SQLite's index over the texts is asked, which hands out the newest hits first."""
        return self.dialect == 'sqlite' and not self.walks

    def told_apart(self, parts: Sequence[str]) -> tuple[list[str], list[str]]:
        """What an index can find, and what the name of the asker's own office has: that stands at the end of each of his claims' texts."""
        own = [part for part in parts if part in f' {self.own_office or ""}']
        return [part for part in parts if part not in own], own

    def beside_office(self, own: Sequence[str]) -> list[ColumnElement[bool]]:
        """That these parts stand in a text also before the name of its office."""
        if not own:
            return []
        most = len(self.own_office or '') + 1
        text = self._open_text
        before = (
            func.left(text, -most) if self.dialect == 'postgresql' else func.substr(text, 1, func.length(text) - most)
        )
        return [_position(before, part, self) > 0 for part in own]

    def in_the_open(self, parts: Sequence[str]) -> list[ColumnElement[bool]]:
        """For whoever sees masks: that each part stands in a text beside the identity number, or is the whole of it.

        A part of a number that finds its claim would tell the number, digit by digit.
        """
        if not self.hides_numbers:
            return []
        beside = self._open_text
        return [or_(_position(beside, part, self) > 0, _is_number(part.strip())) for part in parts if part.isascii()]

    @property
    def _open_text(self) -> ColumnElement[str]:
        if not self.hides_numbers:
            return ClaimSearch.text.expression
        return func.replace(ClaimSearch.text, literal(' ') + _NUMBER + literal(' '), ' ')

    def narrow(self, statement: Select[Any], seq: SQLColumnExpression[int]) -> Select[Any]:
        """Leave only the claims it looks `among`; `seq` is the column of the table that is searched."""
        if self.among is None:
            return statement
        if not self.among.epochs:
            return statement.where(seq > self.among.above)
        its_epoch = seq.bitwise_rshift(literal(EPOCH_BITS, literal_execute=True))  # as the indexes have it
        return statement.where(its_epoch == any_(array([cast(epoch, BigInteger) for epoch in self.among.epochs])))


def matching(statement: Select[Any], typed: str, route: Route) -> tuple[Select[Any], SQLColumnExpression[Any]]:
    """Narrow a select over Claim to those that hold every typed word, in any of the searched fields.

    Words of one letter are left out; of signs alone nothing is found. Returns the column to sort by for newest first too: the
    one in which the hits already come in order.
    """
    if not has_a_word(typed):
        return statement.where(false()), Claim.seq
    return _holding(statement, _parts(typed), route)


def matching_field(
    statement: Select[Any], name: str, typed: str, route: Route
) -> tuple[Select[Any], SQLColumnExpression[Any]]:
    """Narrow by one field: claim_no, plate or insured_name. Numbers match anywhere, names by the start of each word.

    On PostgreSQL these fields have an index of their own: in whole texts a number is met in phones too, a name in an office's.
    On SQLite the index over the texts finds what is worth a look: whatever stands in the field stands there too.
    """
    if not has_a_word(typed):
        return statement.where(false()), Claim.seq
    words = search_words(typed)
    together = ''.join(words)
    conditions: dict[str, Sequence[ColumnElement[bool]]] = {
        'claim_no': [_has(Claim.claim_no_key, together, route)],
        'plate': [_has(Claim.plate, together, route)],
        'insured_name': [_has_word(Claim.insured_key, word, route) for word in words],
    }
    parts = [f' {word}' for word in words] if name == 'insured_name' else [together]
    parts = [part for part in parts if len(part) > 2]
    if parts and route.dialect == 'postgresql' and not route.walks:
        return route.narrow(statement, Claim.seq).where(*conditions[name]), Claim.seq + 0
    route = replace(route, own_office=None, hides_numbers=False)  # the field itself decides
    found, newest = _holding(statement, parts, route)
    return found.where(*conditions[name]), newest


def hits(typed: str, route: Route) -> Select[Any] | None:
    """The texts that hold every typed word, as a select over ClaimSearch: they are counted without a look at claims. None: nothing narrows."""
    parts = _parts(typed)
    if not parts:
        return None
    parts, own = route.told_apart(parts)
    statement = route.narrow(select(ClaimSearch.claim_id).select_from(ClaimSearch), ClaimSearch.seq)
    beside = [*route.beside_office(own), *route.in_the_open(parts)]
    if beside and route.hides_numbers:
        statement = statement.join(Claim, Claim.id == ClaimSearch.claim_id)
    statement = statement.where(*beside)
    if route.asks_sqlite and parts:
        rowid, seq = INDEX.c.rowid, ClaimSearch.seq
        # NOTE: `BETWEEN`, and SQLite asks the index of the office, a thirtieth as large, for each of everybody's hits, not the texts
        same = rowid == seq if route.own_office is None else seq.between(rowid, rowid)
        return statement.join(INDEX, same).where(INDEX.c.claim_fts.match(_trigrams(parts)))
    return statement.where(*(_has(ClaimSearch.text, part, route) for part in parts))


def _parts(typed: str) -> list[str]:
    return [_start(word) for word in search_words(typed) if len(word) > 1]


def _holding(
    statement: Select[Any], parts: Sequence[str], route: Route
) -> tuple[Select[Any], SQLColumnExpression[Any]]:
    """Narrow to claims whose search text holds all these parts, each of three letters or more."""
    if not parts:
        return statement.where(Claim.seq > route.among.above) if route.among else statement, Claim.seq
    parts, own = route.told_apart(parts)
    beside = [*route.beside_office(own), *route.in_the_open(parts)]
    if beside or not route.asks_sqlite:
        statement = statement.join(ClaimSearch, ClaimSearch.seq == Claim.seq).where(*beside)
    if route.asks_sqlite and parts:
        found = statement.join(INDEX, INDEX.c.rowid == Claim.seq).where(INDEX.c.claim_fts.match(_trigrams(parts)))
        return found, INDEX.c.rowid
    found = route.narrow(statement, ClaimSearch.seq).where(*(_has(ClaimSearch.text, part, route) for part in parts))
    # sorted when they are found: the index has no order, and a walk might go through all claims
    return found, Claim.seq if route.walks or not parts else ClaimSearch.seq + 0


# an identity number as the texts have it: `search_key` takes what begins like a number from abroad for one at home
_ID_NO = beside_mask(Claim.insured_id_no)
_NUMBER: ColumnElement[str] = func.lower(
    case(
        (
            and_(_ID_NO.like('009720%'), func.substr(_ID_NO, 7, 1).in_(tuple(digits))),
            literal('0') + func.substr(_ID_NO, 7),
        ),
        (
            and_(_ID_NO.like('00972%'), func.substr(_ID_NO, 6, 1).in_(tuple(digits))),
            literal('0') + func.substr(_ID_NO, 6),
        ),
        else_=_ID_NO,
    )
)


def _is_number(word: str) -> ColumnElement[bool]:
    """Whether a word is the whole identity number; one need not write the zeros it begins with."""
    return _NUMBER.in_({word, word.zfill(9)} if word.isdigit() else {word})


def _has(where: SQLColumnExpression[str], part: str, route: Route) -> ColumnElement[bool]:
    """Whether a text has a part: said so that an index can answer, or that none is tempted to while the claims are walked."""
    if not route.walks:
        return where.contains(part, autoescape=True)
    return _position(where, part, route) > 0


def _position(where: SQLColumnExpression[str], part: str, route: Route) -> ColumnElement[int]:
    position: ColumnElement[int] = (func.instr if route.dialect == 'sqlite' else func.strpos)(where, part)
    return position


def _has_word(where: SQLColumnExpression[str], start: str, route: Route) -> ColumnElement[bool]:
    """Whether a word of a text starts so."""
    if route.walks:
        return _has(literal(' ') + where, f' {start}', route)
    return or_(where.startswith(start, autoescape=True), _has(where, f' {start}', route))


def _start(word: str) -> str:
    """Two letters are looked for at the start of a word: anywhere inside, they are in almost every text."""
    return f' {word}' if len(word) == 2 else word


def _trigrams(parts: Sequence[str]) -> str:
    return ' AND '.join('"{}"'.format(part.replace('"', '""')) for part in parts)


# what every line of a list shows of its claim: found by one of these, a claim tells itself why it was found
_SHOWN = ('claim_no', 'claim_no_key', 'insured_name', 'plate', 'tp_insurer', 'garage')
_READ = (*SEARCHED, 'claim_no_key')
_BESIDE = (
    select(Claim.id, *(getattr(Claim, name) for name in _READ), Garage.name, Appraiser.name, Insurer.name)
    .select_from(Claim)
    .outerjoin(Garage, Garage.id == Claim.garage)
    .outerjoin(Appraiser, Appraiser.id == Claim.appraiser)
    .outerjoin(Insurer, Insurer.id == Claim.tp_insurer)
    .where(Claim.id.in_(bindparam('ids', expanding=True)))
)


def found_by(session: Session, typed: str, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """By which field that its line does not show each of these claims was found, and what stands there."""
    parts, found = _parts(typed), {}
    for claim_id, *read in answers(session, _BESIDE, ids=ids):
        said = {
            name: value
            for name, value in zip((*_READ, *_NAMED), read, strict=True)
            if value and not masks.is_hidden(name, value)
        }
        shown = [_compared(said[name]) for name in _SHOWN if name in said]
        rest = [part for part in parts if not any(part in text for text in shown)]
        if not rest:
            continue
        beside = {name: _compared(value) for name, value in said.items() if name not in _SHOWN}
        # what is meant as a whole comes before what has it somewhere
        told = {
            name: sum((part in text) + (part.strip() == text.strip()) for part in rest) for name, text in beside.items()
        }
        if any(told.values()):
            name = max(told, key=told.__getitem__)
            found[claim_id] = (name, said[name])
    return found


# the same claims are found again with each letter that is typed, and a normalisation takes longer than all else here
@lru_cache(maxsize=8192)
def _compared(value: str) -> str:
    """A value as the parts of a search are looked for in it."""
    return f' {search_key(value)}'


def index_claims(session: Session, _: UOWTransaction) -> None:
    """After a flush: keep the search text of every claim."""
    for claim in [row for row in session.new if isinstance(row, Claim)]:
        row = {'claim_id': claim.id, 'office_id': claim.office_id, 'seq': claim.seq, 'is_open': claim.is_open}
        session.connection().execute(insert(_ROWS), {**row, 'text': search_text(session, claim)})
    for claim in [row for row in session.dirty if isinstance(row, Claim)]:
        if has_changed(claim, *_INDEXED):
            session.connection().execute(_OF_CLAIM, {'claim': claim.id, 'text': search_text(session, claim)})


def search_text(session: Session, claim: Claim) -> str:
    """Everything a claim is found by, normalised, words single-spaced with one space before the first."""
    named = [
        session.get(model, key)
        for model, key in (
            (Garage, claim.garage),
            (Appraiser, claim.appraiser),
            (Insurer, claim.tp_insurer),
            (AgentOffice, claim.office_id),
        )
        if key is not None
    ]
    return joined_text(
        [
            *(masks.unmasked(session, claim, name) for name in SEARCHED),
            claim.claim_no_key if claim.claim_no_key != search_key(claim.claim_no) else '',
            *(row.name for row in named if isinstance(row, Garage | Appraiser | Insurer | AgentOffice)),
        ]
    )


def joined_text(parts: Sequence[str]) -> str:
    """The searchable form of several texts: each normalised by itself, so that no word runs over into the next field."""
    return ' ' + ' '.join(key for part in parts if part and (key := search_key(part)))


def refresh_texts(session: Session, name: str, key: int, after: int, limit: int) -> int | None:
    """Bring the search texts of the next claims that name a firm, an insurer or an office up to what it is called now.

    `name` is the claim's field. Returns the last claim looked at, None at the end. The claims are locked, so that no text
    is written over by an older one.
    """
    found = select(Claim).where(getattr(Claim, name) == key, Claim.id > after).order_by(Claim.id).limit(limit)
    claims = list(session.scalars(locked(found)))
    for claim in claims:
        session.connection().execute(_OF_CLAIM, {'claim': claim.id, 'text': search_text(session, claim)})
    return claims[-1].id if len(claims) == limit else None


def listen_to(session_class: type[Session]) -> None:
    """Attach the index to a session class; called once, by db/session.py, after the record."""
    event.listen(session_class, 'after_flush', index_claims)
