"""The lines of a list: what each shows of its claim, and what news make of it, for all who see the same."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from typing import cast as typed

from sqlalchemy import Integer, Select, and_, bindparam, func, select
from sqlalchemy.orm import Session

from db import values
from db.base import alias_of
from db.changes import Change
from db.claims import Claim
from db.offices import AgentOffice, User
from db.prepared import answers
from db.reference import CLOSED, Appraiser, ClaimStatus, Garage, Insurer
from db.seen_marks import SeenMark


@dataclass(frozen=True)
class Row:
    """A line of the list as the asker may see it. `change` is the newest news when it is unread, None when read."""

    claim_no: str
    claim_id: int
    seq: int
    office_id: int
    insured_name: str
    plate: str
    make_model: str
    event_date: date
    status: str
    repair_stage: str | None
    waiting_on: str
    waiting_since: datetime
    tp_insurer: str
    garage: str
    agent: str
    demand_amount: int | None
    updated_at: datetime
    checked_at: datetime | None
    unread: bool
    change: Change | None = field(default=None, compare=False)
    # the field it was found by, and what stands there, when the line shows neither
    found: tuple[str, str] | None = None
    # read only for a list that shows them
    office: str = ''
    handler: str = ''
    appraiser: str = ''
    insurer_claim_no: str = ''
    policy_no: str = ''
    documents: str = 'unchecked'
    missing_documents: int = 0
    next_action: str = ''
    next_action_due: date | None = None
    approved_amount: int | None = None
    received_amount: int | None = None
    opened_at: date | None = None

    def days_untold(self, today: date) -> int:
        """For how many days nobody told anything of the claim, nor that he looked at it."""
        told = max(filter(None, (self.updated_at, self.checked_at)))
        return (today - values.israel(told).date()).days


def rows_of(session: Session, ids: Sequence[int], columns: Sequence[str] = ()) -> dict[int, Row]:
    """The list rows of these claims, as far as the asker may see them, by claim id; with what these columns show besides the usual."""
    more = tuple(name for name in _MORE if name in columns or (name == 'missing_documents' and 'documents' in columns))
    rows = []
    for line in answers(session, _lines(more), ids=ids, me=session.info['actor'].user_id):
        usual: Any = line[: len(line) - len(more)]
        rows.append(Row(*usual, **dict(zip(more, line[len(usual) :], strict=True))))
    changes = _changes(session, [row.seq for row in rows if row.unread])
    return {row.claim_id: replace(row, change=changes.get(row.seq)) if row.unread else row for row in rows}


_Handler = alias_of(User)
# what only some lists show, and the table it is joined from
_MORE: Mapping[str, tuple[Any, Any]] = {
    'office': (func.coalesce(AgentOffice.name, ''), (AgentOffice, AgentOffice.id == Claim.office_id)),
    'handler': (func.coalesce(_Handler.name, ''), (_Handler, _Handler.id == Claim.handler)),
    'appraiser': (func.coalesce(Appraiser.name, ''), (Appraiser, Appraiser.id == Claim.appraiser)),
    **{
        name: (getattr(Claim, name), None)
        for name in (
            *('insurer_claim_no', 'policy_no', 'documents', 'missing_documents', 'next_action', 'next_action_due'),
            *('approved_amount', 'received_amount', 'opened_at'),
        )
    },
}


@lru_cache(200)
def _lines(more: tuple[str, ...]) -> Select[Any]:
    """The question behind `rows_of`, made once: making it takes longer than asking it, and every list asks it on every news."""
    mine = and_(SeenMark.claim_id == Claim.id, SeenMark.user_id == bindparam('me', type_=Integer))
    agent = alias_of(User)
    baseline = select(User.baseline_seq).where(User.id == bindparam('me', type_=Integer)).scalar_subquery()
    lines = (
        select(
            *(Claim.claim_no, Claim.id, Claim.seq, Claim.office_id, Claim.insured_name, Claim.plate, Claim.make_model),
            *(Claim.event_date, Claim.status, Claim.repair_stage, Claim.waiting_on, Claim.waiting_since),
            *(func.coalesce(Insurer.name, ''), func.coalesce(Garage.name, ''), func.coalesce(agent.name, '')),
            *(Claim.demand_amount, Claim.updated_at, Claim.checked_at),
            Claim.seq > func.coalesce(SeenMark.seq, baseline, 0),
            *(_MORE[name][0] for name in more),
        )
        .select_from(Claim)
        .outerjoin(SeenMark, mine)
        .outerjoin(Insurer, Insurer.id == Claim.tp_insurer)
        .outerjoin(Garage, Garage.id == Claim.garage)
        .outerjoin(agent, agent.id == Claim.agent)
        .where(Claim.id.in_(bindparam('ids', expanding=True)))
    )
    for table in (_MORE[name][1] for name in more):
        lines = lines if table is None else lines.outerjoin(*table)
    return typed('Select[Any]', lines)


_CHANGES = select(Change).where(Change.id.in_(bindparam('numbers', expanding=True)))


def _changes(session: Session, numbers: Sequence[int]) -> dict[int, Change]:
    """What happened, by the number of the news it made."""
    return {change.id: change for change in session.scalars(_CHANGES, {'numbers': numbers})} if numbers else {}


@dataclass(frozen=True)
class News:
    """What became of a claim, as all see it who see it: unread, with its newest change. What is unread to whom, `waiting_for` tells.

    `is_quiet`: no news to anybody, the line only reads differently. `turned`: lists gain or lose it: it was opened, closed or
    reopened, or became another agent's. `before` is the number of its news before this.
    """

    row: Row
    is_open: bool
    is_quiet: bool
    turned: bool
    authors: frozenset[int | None]
    before: int


def news_of(
    session: Session, claim_ids: Collection[int], change_ids: Collection[int], columns: Collection[str] = ()
) -> list[News]:
    """What these changes made of these claims, as far as the asker may see them, with what these columns show."""
    rows = rows_of(session, list(claim_ids), tuple(columns))
    asked = {'claims': [*rows], 'changes': {*change_ids, *(row.seq for row in rows.values())}}
    changes = session.scalars(_THEIR_CHANGES, asked).all()
    closed = frozenset(session.scalars(_CLOSED))
    open_ones = set(session.scalars(_OPEN_AMONG, {'claims': [*rows]}))
    news = []
    for claim_id, row in sorted(rows.items(), key=lambda pair: pair[1].seq):
        fresh = [change for change in changes if change.claim_id == claim_id and change.id in change_ids]
        told = [change for change in fresh if not change.quiet and not change.internal]
        newest = next((change for change in changes if change.id == row.seq), None)
        authors = {change.user_id for change in (*told, newest) if change is not None}
        turned = any(_turns(change, closed) for change in fresh)
        before = _news_before(session, claim_id, told[0].id) if told else row.seq
        line = replace(row, unread=True, change=newest)
        news.append(News(line, claim_id in open_ones, not told, turned, frozenset(authors), before))
    return news


def _turns(change: Change, closed: Collection[str]) -> bool:
    """Whether a change lets lists gain or lose its claim."""
    before, after = change.fields.get('status', ('', ''))
    return change.kind == 'opened' or 'agent' in change.fields or (before in closed) != (after in closed)


def _news_before(session: Session, claim_id: int, change_id: int) -> int:
    return session.scalar(_NEWS_BEFORE, {'claim': claim_id, 'change': change_id}) or 0


# made once: every change asks them for each audience
_THEIR_CHANGES = (
    select(Change)
    .where(
        Change.id.in_(bindparam('changes', expanding=True)), Change.claim_id.in_(bindparam('claims', expanding=True))
    )
    .order_by(Change.id)
)
_CLOSED = select(ClaimStatus.id).where(ClaimStatus.category == CLOSED)
_OPEN_AMONG = select(Claim.id).where(Claim.id.in_(bindparam('claims', expanding=True)), Claim.is_open)
_NEWS_BEFORE = select(func.max(Change.id)).where(
    Change.claim_id == bindparam('claim'),
    Change.id < bindparam('change'),
    Change.quiet.is_(False),
    Change.internal.is_(False),
)
_WAITING = (
    select(User.id)
    .outerjoin(SeenMark, and_(SeenMark.user_id == User.id, SeenMark.claim_id == bindparam('claim')))
    .where(
        User.id.in_(bindparam('people', expanding=True)),
        func.coalesce(SeenMark.seq, User.baseline_seq) < bindparam('number'),
    )
)


def waiting_for(session: Session, before: Mapping[int, int], people: Collection[int]) -> set[tuple[int, int]]:
    """For whom of these people these claims were unread already, with the news `before` (by claim): pairs of person and claim.

    The product asks, for all of them at once: nobody else reads another person's marks.
    """
    waiting: set[tuple[int, int]] = set()
    for claim_id, number in before.items():
        asked = {'claim': claim_id, 'number': number, 'people': people}
        waiting |= {(user_id, claim_id) for user_id in session.scalars(_WAITING, asked)}
    return waiting
