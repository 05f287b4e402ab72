"""The clients of an office by their claims: one of them for the meeting about renewing his policy, or all of them, a line each.

- Who he is: the claims of one office with one ID number are one client's. A claim without a number is of him whose other claims of that
  office have none either, the same name and the same phone; without a phone it is by itself. Across offices nobody is compared with anybody.
- Which claims: those opened in the last twelve months, or all of them; only those that the asker sees. One that was closed because
  it was opened by mistake counts for nothing.
- Days to the money: from the opening to the day on which the first sum that stayed was noted as received. What is usual is the
  median of the bureau's newest closed claims, of `ENOUGH` at least (`db/habits.py`).
- Own policy: as the field «Own policy used» of each claim has it; nothing said is told as nothing said.

When a policy ends is written down nowhere in Maakav: nothing here goes by the month of its renewal.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Select, and_, case, func, select
from sqlalchemy.orm import Session

from db.base import alias_of
from db.calendar import DAY
from db.claims import NOT_FOUND, Claim, claim_by_no
from db.documents import Document
from db.habits import day_of_money, days_to_money
from db.masks import beside_mask, unmasked
from db.measuring import Measured, measured
from db.money import MoneyMove
from db.offices import AgentOffice, User
from db.reference import Insurer, StatusReason
from db.report_state import Span
from db.scope import Actor, Can
from db.texts import N_, ClaimError, t, tn
from db.values import misread_choices

YEAR, ALL = '12m', 'all'
PERIODS = (YEAR, ALL)
RECEIVED, CLAIMS, NAME = 'received', 'claims', 'name'
SORTS = (RECEIVED, CLAIMS, NAME)
ON_PAGE = 50
# of one client so many claims are told one by one, the newest of them
MOST = 60
# the reason of a claim that should never have been
_MISTAKE = {'status_id': 'closed', 'id': 'closed_cancelled'}
_CONFIRMATION = 'no_claim_confirmation'
USED, NOT_USED, NOT_SAID = N_('Used'), N_('Not used'), N_('Not said')
_id_no = beside_mask(Claim.insured_id_no)


@dataclass(frozen=True)
class ClientsState:
    """Which clients are asked for, and how they are sorted; it stands in the address."""

    period: str = YEAR
    sort: str = RECEIVED
    office: str = ''
    page: int = 1
    unknown: tuple[str, ...] = ()

    @classmethod
    def read(cls, query: Mapping[str, str]) -> 'ClientsState':
        """From an address. Anything hostile or outdated falls back to the default; it never raises."""
        period, sort, office, page = (query.get(name, '') for name in ('period', 'sort', 'office', 'page'))
        number = office.isascii() and office.isdecimal() and len(office) < 10
        return cls(
            period=period if period in PERIODS else YEAR,
            sort=sort if sort in SORTS else RECEIVED,
            office=office if number else '',
            page=max(int(page), 1) if page.isascii() and page.isdecimal() and len(page) < 6 else 1,
            unknown=misread_choices(query, {'period': PERIODS, 'sort': SORTS, 'office': (office,) if number else ()}),
        )

    def address(self, **over: Any) -> str:
        """The query string of this state, or of one that differs in something; without what is at its default."""
        state, usual = replace(self, **over), ClientsState()
        shown = {name: getattr(state, name) for name in ('period', 'sort', 'office', 'page')}
        return urlencode({name: value for name, value in shown.items() if value != getattr(usual, name)})

    def span(self, today: date) -> Span | None:
        """The days in which the claims were opened; None: all of them."""
        return span_of(self.period, today)


def span_of(period: str, today: date) -> Span | None:
    """Twelve months up to today, from the day on which a year ago they began; None of all time."""
    if period == ALL:
        return None
    try:
        return Span(today.replace(year=today.year - 1) + DAY, today)
    except ValueError:
        return Span(date(today.year - 1, 3, 1), today)


@dataclass(frozen=True)
class Policy:
    """Of so many claims: in how many the own policy was used, and of how many nobody said it."""

    claims: int
    used: int
    unsaid: int

    @property
    def untouched(self) -> bool:
        """Whether it is known of every claim that the own policy was not used."""
        return self.claims > 0 and self.used == 0 and self.unsaid == 0

    def told(self, reader: str) -> str:
        """The same in words."""
        if self.used:
            return tn('Used in {n} claim', 'Used in {n} claims', self.used, reader)
        return t(NOT_USED if self.untouched else NOT_SAID, reader)


@dataclass(frozen=True)
class ClientClaim:
    """A claim of a client, and how many days it took from its opening to the first money; None: none came, or nobody knows when."""

    claim_no: str
    name: str
    plate: str
    insurer: str
    status: str
    is_open: bool
    event_date: date
    opened_at: date
    demanded: int | None
    received: int | None
    own_policy_used: bool | None
    confirmed: bool = False
    days: int | None = None


@dataclass(frozen=True)
class Client:
    """A client and his claims, the newest first. `shown` are the first `MOST` of them; sums are of all.

    `known_by`: 'id_no', 'name_and_phone' or 'claim'. `other_names`: what he is called on claims with the same number, where it is not this.
    `before`: claims of his that were opened before the days asked for. `mistakes`: what counts for nothing.
    """

    name: str
    id_no: str
    phone: str
    office: str
    known_by: str
    span: Span | None
    other_names: Sequence[str]
    claims: int
    opened: int
    demanded: int | None
    received: int | None
    undemanded: int
    policy: Policy
    confirmed: int
    before: int
    mistakes: int
    shown: Sequence[ClientClaim]
    usual: Measured

    @property
    def days(self) -> Sequence[int]:
        """How long it took, of the claims shown in which it is known; the shortest first."""
        return sorted(claim.days for claim in self.shown if claim.days is not None)

    @property
    def sooner(self) -> int:
        """In how many of them the money came sooner than usual."""
        return sum(days < self.usual.number for days in self.days)


@dataclass(frozen=True)
class ClientLine:
    """A client of an office in one line; by his newest claim one finds the others."""

    claim_no: str
    name: str
    id_no: str
    phone: str
    agent: str
    claims: int
    opened: int
    demanded: int
    received: int
    policy: Policy
    last_opened: date


@dataclass(frozen=True)
class Clients:
    """Some of the clients of an office, and how many there are."""

    lines: Sequence[ClientLine]
    total: int


# ---- one client -------------------------------------------------------------------------------------------------------------


def client_of(session: Session, claim_no: str, period: str, today: date) -> Client:
    """The client whose claim this is, with all claims of his that the asker sees."""
    actor: Actor = session.info['actor']
    actor.need(Can.SEE_CLAIMS)
    claim = session.scalars(claim_by_no(claim_no)).one_or_none()
    if claim is None:
        raise ClaimError(NOT_FOUND)
    known_by, same = _same_client(session, claim)
    rows = [*session.execute(_claims_of(claim, same))]
    mistakes = _mistakes(session)
    counted = [row for row in rows if row.is_open or row.status_reason not in mistakes]
    span = span_of(period, today)
    asked = [row for row in counted if span is None or row.opened_at >= span.first]
    confirmed, came = _confirmed(session, asked), _money_came(session, asked[:MOST])
    house = session.get(AgentOffice, claim.office_id)
    return Client(
        name=claim.insured_name,
        id_no=claim.insured_id_no,
        phone=claim.insured_phone,
        office=house.name if house else '',
        known_by=known_by,
        span=span,
        other_names=list(dict.fromkeys(row.insured_name for row in counted if row.insured_key != claim.insured_key)),
        claims=len(asked),
        opened=sum(row.is_open for row in asked),
        demanded=_sum(row.demand_amount for row in asked),
        received=_sum(row.received_amount for row in asked),
        undemanded=sum(row.demand_amount is None for row in asked),
        policy=Policy(
            len(asked),
            sum(row.own_policy_used is True for row in asked),
            sum(row.own_policy_used is None for row in asked),
        ),
        confirmed=len(confirmed),
        before=len(counted) - len(asked),
        mistakes=len(rows) - len(counted),
        shown=[_told(row, row.id in confirmed, came.get(row.id)) for row in asked[:MOST]],
        usual=measured(Counter(days_to_money(session))),
    )


def _same_client(session: Session, claim: Claim) -> tuple[str, list[ColumnElement[bool]]]:
    """By what his claims are known, and how they are found."""
    # NOTE: the asker sees this claim; of the others he learns no more than that the same number stands on them
    number = unmasked(session, claim, 'insured_id_no')
    if number:
        return 'id_no', [_id_no == number]
    if claim.insured_phone:
        same = Claim.insured_key == claim.insured_key, Claim.insured_phone == claim.insured_phone
        return 'name_and_phone', [_id_no == '', *same]
    return 'claim', [Claim.id == claim.id]


def _claims_of(claim: Claim, same: Sequence[ColumnElement[bool]]) -> Select[Any]:
    columns = (
        *(Claim.id, Claim.claim_no, Claim.insured_name, Claim.insured_key, Claim.plate, Insurer.name.label('insurer')),
        *(Claim.status, Claim.status_reason, Claim.is_open, Claim.event_date, Claim.opened_at, Claim.created_at),
        *(Claim.demand_amount, Claim.received_amount, Claim.own_policy_used),
    )
    found: Any = select(*columns).outerjoin(Insurer, Insurer.id == Claim.tp_insurer)
    # the bureau sees every office: another agent's client is another client
    found = found.where(Claim.office_id == claim.office_id, *same)
    ordered: Select[Any] = found.order_by(Claim.opened_at.desc(), Claim.id.desc())
    return ordered


def _mistakes(session: Session) -> frozenset[str]:
    """By which reasons of a closed claim one knows that it was none: as it is called, in either language."""
    reason = session.get(StatusReason, _MISTAKE)
    named = (reason.label, reason.label_in('he'), reason.label_en) if reason else ()
    return frozenset({_MISTAKE['id'], *named})


def _sum(amounts: Any) -> int | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def _confirmed(session: Session, rows: Sequence[Any]) -> set[int]:
    """The claims for which the own insurer confirmed that nothing was claimed of him."""
    there = (Document.type == _CONFIRMATION, Document.state == 'accepted', Document.deleted_at.is_(None))
    ids = [row.id for row in rows if row.own_policy_used is not True]
    return set(session.scalars(select(Document.claim_id).where(Document.claim_id.in_(ids), *there)))


def _money_came(session: Session, rows: Sequence[Any]) -> dict[int, int]:
    """Claim → how many days after its opening the money came."""
    moves = select(MoneyMove.claim_id, MoneyMove.at, MoneyMove.amount).where(
        MoneyMove.claim_id.in_([row.id for row in rows]), MoneyMove.total == 'received'
    )
    by_claim = groupby(session.execute(moves.order_by(MoneyMove.claim_id, MoneyMove.id)), key=lambda move: move[0])
    moved: dict[int, list[tuple[datetime, int]]] = {key: [(at, sum_) for _, at, sum_ in told] for key, told in by_claim}
    came = ((row, day_of_money(row.created_at, moved.get(row.id, []))) for row in rows)
    return {row.id: max((day - row.opened_at).days, 0) for row, day in came if day is not None}


def _told(row: Any, confirmed: bool, days: int | None) -> ClientClaim:
    return ClientClaim(
        *(row.claim_no, row.insured_name, row.plate, row.insurer or '', row.status, row.is_open),
        *(row.event_date, row.opened_at, row.demand_amount, row.received_amount, row.own_policy_used),
        confirmed=confirmed,
        days=days,
    )


# ---- the clients of an office -----------------------------------------------------------------------------------------------


def clients_of(session: Session, state: ClientsState, today: date, most: int = ON_PAGE) -> Clients:
    """The clients of the asker's office, or of the one the bureau chose: a page of them, or `most` from the first on."""
    actor: Actor = session.info['actor']
    actor.need(Can.SEE_CLAIMS)
    if actor.is_bureau and not state.office:
        return Clients([], 0)
    # all of them have to be put together for any page, so the same look counts them
    found = (
        _grouped(session, state, today).add_columns(func.count().over().label('total')).order_by(*_order(state.sort))
    )
    rows = session.execute(found.limit(most).offset((state.page - 1) * most)).all()
    if not rows and state.page > 1:
        rows = _last_page(session, found, most)
    names = _newest(session, [row.newest for row in rows])
    return Clients([_line(row, names[row.newest]) for row in rows], rows[0].total if rows else 0)


def _last_page(session: Session, found: Select[Any], most: int) -> Sequence[Any]:
    first = session.execute(found.limit(1)).first()
    return session.execute(found.limit(most).offset((first.total - 1) // most * most)).all() if first else []


def _grouped(session: Session, state: ClientsState, today: date) -> Select[Any]:
    """A line for each client, as `_same_client` knows him."""
    span = state.span(today)
    nameless = _id_no == ''
    alone = and_(nameless, Claim.insured_phone == '')
    by = (
        *(Claim.office_id, _id_no),
        *(case((nameless, column), else_='') for column in (Claim.insured_key, Claim.insured_phone)),
        case((alone, Claim.id), else_=0),
    )
    mistaken = and_(Claim.is_open.is_(False), Claim.status_reason.in_(_mistakes(session)))
    columns = (
        func.max(Claim.id).label('newest'),
        func.count(Claim.id).label('claims'),
        func.count(case((Claim.is_open.is_(True), 1))).label('opened'),
        func.coalesce(func.sum(Claim.demand_amount), 0).label('demanded'),
        _RECEIVED.label('received'),
        func.count(case((Claim.own_policy_used.is_(True), 1))).label('used'),
        func.count(case((Claim.own_policy_used.is_(None), 1))).label('unsaid'),
        func.max(Claim.opened_at).label('last_opened'),
    )
    found: Any = select(*columns).where(~mistaken)
    if span is not None:
        found = found.where(Claim.opened_at >= span.first)
    if state.office:
        found = found.where(Claim.office_id == int(state.office))
    grouped: Select[Any] = found.group_by(*by)
    return grouped


_RECEIVED = func.coalesce(func.sum(Claim.received_amount), 0)


def _order(sort: str) -> list[Any]:
    """The largest first; names as they are read."""
    by: dict[str, list[Any]] = {
        RECEIVED: [_RECEIVED.desc(), func.count(Claim.id).desc()],
        CLAIMS: [func.count(Claim.id).desc(), _RECEIVED.desc()],
        NAME: [func.min(Claim.insured_key)],
    }
    return [*by[sort], func.max(Claim.id).desc()]


def _newest(session: Session, ids: Sequence[int]) -> dict[int, Any]:
    """What stands on the newest claims of some clients."""
    agent = alias_of(User)
    found: Any = select(
        *(Claim.id, Claim.claim_no, Claim.insured_name, Claim.insured_id_no, Claim.insured_phone),
        agent.name.label('agent'),
    ).outerjoin(agent, agent.id == Claim.agent)
    rows: dict[int, Any] = {}
    for start in range(0, len(ids), 1000):
        some = found.where(Claim.id.in_(ids[start : start + 1000]))
        rows |= {row.id: row for row in session.execute(some)}
    return rows


def _line(row: Any, newest: Any) -> ClientLine:
    return ClientLine(
        *(newest.claim_no, newest.insured_name, newest.insured_id_no, newest.insured_phone, newest.agent or ''),
        *(row.claims, row.opened, int(row.demanded), int(row.received)),
        Policy(row.claims, row.used, row.unsaid),
        row.last_opened,
    )
