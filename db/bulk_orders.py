"""One order for many claims: what it would change and what it leaves alone and why, carried out claim by claim, and its report.

An order is kept with a line for each claim. A line is settled in the same transaction as its claim is changed, by the same verb
as a single edit: whoever goes on with an order that was interrupted does nothing twice.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, Select, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from db import values
from db.alerts import is_unseen, visit
from db.base import Base, BigKey, take_turns
from db.changes import newest_change
from db.claims import Claim, change_status, lock_claim, mark_checked, save_fields
from db.doorbell import Notice, ring_for
from db.list_claims import claims_in
from db.list_state import ListState
from db.message_templates import VARIABLES, MessageTemplate, filled_template, not_known_of
from db.messages import Letter, ThreadKey, write_message
from db.offices import User, bureau_people
from db.reference import ClaimStatus
from db.scope import Actor, Can, OfficeOwned, PersonOwned, claim_key
from db.seen_marks import mark_unseen, seen_seq
from db.texts import N_, ClaimError, Told

ASSIGN, STATUS, CHECKED, MESSAGE, READ, UNREAD = 'assign', 'status', 'checked', 'message', 'read', 'unread'
# what a person does to his own marks, of closed claims too
_OWN_MARKS = frozenset({READ, UNREAD})
# what may be ordered, and the right it takes
ACTIONS: Mapping[str, Can] = {
    ASSIGN: Can.EDIT_CLAIM,
    STATUS: Can.EDIT_CLAIM,
    CHECKED: Can.EDIT_CLAIM,
    MESSAGE: Can.EDIT_CLAIM,
    READ: Can.FOLLOW,
    UNREAD: Can.FOLLOW,
}
RUNNING, FINISHED = 'running', 'finished'
WAITING, DONE, LEFT = '', 'done', 'left'
AT_MOST = 2000
CHUNK = 20
NUMBERS_SHOWN = 30
REASON_LIMIT = 500

_ALREADY: Mapping[str, str] = {
    ASSIGN: N_('Already with this colleague'),
    STATUS: N_('Already in this status'),
    CHECKED: N_('Already checked today'),
    READ: N_('Nothing unread'),
    UNREAD: N_('Already unread'),
}
_CLOSED = N_('The claim is closed')
_MEANWHILE = N_('Somebody changed the claim meanwhile')
_NOT_KNOWN = N_('"{name}" is not known of the claim')


@dataclass(frozen=True)
class Wish:
    """What somebody wants done: `value` is the colleague, the status or the template; `reason` goes with a status."""

    action: str
    value: str = ''
    reason: str = ''


@dataclass(frozen=True)
class Why:
    """Why a claim is left alone: the key of a text and what fills its places."""

    key: str
    values: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, told: Told) -> 'Why':
        """The reason a verb gave."""
        return cls(told.key, {name: str(value) for name, value in told.values.items()})


@dataclass(frozen=True)
class Group:
    """Claims that are left alone for one reason."""

    why: Why
    count: int
    numbers: Sequence[str]


@dataclass(frozen=True)
class Plan:
    """What an order would do: what each claim looked like to the person who gives it, and which are left alone."""

    wish: Wish
    ready: Mapping[int, str]
    left: Mapping[int, Why]
    groups: Sequence[Group]
    # how many were chosen; more than can be done at once when `too_many`
    chosen: int
    too_many: bool = False


class BulkOrder(PersonOwned, Base):
    """An order of one person for many claims; `key` is drawn by his browser, so that two clicks are one order."""

    __tablename__ = 'bulk_orders'
    __table_args__ = (UniqueConstraint('user_id', 'key'), Index('ix_bulk_orders_state', 'state', 'id'))
    writable_with: ClassVar[Can] = Can.FOLLOW

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    at: Mapped[datetime]
    action: Mapped[str]
    value: Mapped[str] = mapped_column(default='')
    reason: Mapped[str] = mapped_column(default='')
    state: Mapped[str] = mapped_column(default=RUNNING)
    finished_at: Mapped[datetime | None]
    put_away: Mapped[bool] = mapped_column(default=False)

    @property
    def wish(self) -> Wish:
        """What it orders."""
        return Wish(self.action, self.value, self.reason)


class BulkLine(OfficeOwned, PersonOwned, Base):
    """One claim of an order: what it looked like when the order was given, and what became of it."""

    __tablename__ = 'bulk_lines'
    __table_args__ = (claim_key(), Index('ix_bulk_lines_order', 'order_id', 'outcome', 'claim_id'))
    writable_with: ClassVar[Can] = Can.FOLLOW

    order_id: Mapped[int] = mapped_column(ForeignKey('bulk_orders.id'), primary_key=True)
    claim_id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    seen: Mapped[str] = mapped_column(default='')
    outcome: Mapped[str] = mapped_column(default=WAITING)
    why: Mapped[str] = mapped_column(default='')
    why_values: Mapped[dict[str, Any]] = mapped_column(default=dict)

    def leave(self, why: Why) -> None:
        """Leave the claim alone."""
        self.outcome, self.why, self.why_values = LEFT, why.key, dict(why.values)


# ---- questions --------------------------------------------------------------------------------------------------------------


def plan_for(session: Session, wish: Wish, chosen: Iterable[str] | ListState, now: datetime) -> Plan:
    """What a wish would do to the claims of these numbers, or to all claims of a list. Nothing is changed."""
    _check(session, wish)
    claims, too_many = _claims_of(session, chosen)
    today = values.israel(now).date()
    ready, left = {}, {}
    for claim in claims:
        why = _obstacle(session, wish, claim, None, today)
        if why is None:
            ready[claim.id] = _look_of(session, wish, claim)
        else:
            left[claim.id] = why
    groups = _grouped((left[claim.id], claim.claim_no) for claim in claims if claim.id in left)
    return Plan(wish, ready, left, groups, len(claims), too_many)


def _claims_of(session: Session, chosen: Iterable[str] | ListState) -> tuple[list[Claim], bool]:
    wanted = select(Claim).order_by(Claim.seq.desc()).limit(AT_MOST + 1)
    if isinstance(chosen, ListState):
        wanted = wanted.where(Claim.id.in_(claims_in(session, chosen)[0]))
    else:
        wanted = wanted.where(Claim.claim_no.in_(set(chosen)))
    found = list(session.scalars(wanted))
    return found[:AT_MOST], len(found) > AT_MOST


def _check(session: Session, wish: Wish) -> None:
    """What is wrong with a wish itself is said before anything is looked at."""
    actor: Actor = session.info['actor']
    if wish.action not in ACTIONS:
        raise ClaimError(N_('Please choose a value from the list.'))
    actor.need(ACTIONS[wish.action])
    if wish.action == ASSIGN:
        _check_colleague(session, wish)
    elif wish.action == STATUS:
        _check_status(session, wish)
    elif wish.action == MESSAGE:
        template = session.get(MessageTemplate, wish.value)
        if template is None or not template.active or template.audience != 'agent':
            raise ClaimError(N_('This template is not in use.'))
        if _BY_HAND.search(template.body):
            raise ClaimError(N_('A line of this template is filled in by hand. Send it claim by claim.'))


# a line of a list with nothing on it
_BY_HAND = re.compile(r'^\s*[•*–-]\s*$', re.MULTILINE)


def _check_colleague(session: Session, wish: Wish) -> None:
    colleague = int(wish.value) if wish.value.isascii() and wish.value.isdigit() and len(wish.value) < 10 else 0
    if session.scalar(bureau_people().where(User.id == colleague)) is None:
        raise ClaimError(N_('Please choose "{field}" from the list.'), field=N_('Handler'))


def _check_status(session: Session, wish: Wish) -> None:
    values.text(wish.reason, limit=REASON_LIMIT)
    status = session.get(ClaimStatus, wish.value)
    if status is None or not status.active:
        raise ClaimError(N_('This status is not in use.'))
    if status.reason_required and not wish.reason.strip():
        raise ClaimError(N_('This status takes a reason. Please choose or write one.'))


def _look_of(session: Session, wish: Wish, claim: Claim) -> str:
    """What of a claim must still be so when its turn comes."""
    if wish.action == ASSIGN:
        return str(claim.handler or '')
    if wish.action == STATUS:
        return claim.status
    return str(newest_change(session, claim.id)) if wish.action in (CHECKED, READ) else ''


def _obstacle(session: Session, wish: Wish, claim: Claim, seen: str | None, today: date) -> Why | None:
    """Why a claim is to be left alone; `seen` is what it looked like when the order was given."""
    if not claim.is_open and wish.action not in _OWN_MARKS:
        return Why(_CLOSED)
    if _is_so(session, wish, claim, today):
        return Why(_ALREADY[wish.action])
    if wish.action == MESSAGE:
        unknown = not_known_of(session, wish.value, ThreadKey(claim.office_id, claim.id))
        return Why(_NOT_KNOWN, {'name': VARIABLES[unknown[0]]}) if unknown else None
    if wish.action not in _OWN_MARKS and seen is not None and seen != _look_of(session, wish, claim):
        return Why(_MEANWHILE)
    return None


def _is_so(session: Session, wish: Wish, claim: Claim, today: date) -> bool:
    if wish.action == ASSIGN:
        return str(claim.handler) == wish.value
    if wish.action == STATUS:
        return claim.status == wish.value
    if wish.action == CHECKED:
        return claim.checked_at is not None and values.israel(claim.checked_at).date() == today
    if wish.action == UNREAD:
        return seen_seq(session, claim.id)[0] < claim.seq
    return wish.action == READ and not is_unseen(session, claim)


def _grouped(left: Iterable[tuple[Why, str]]) -> list[Group]:
    """The same reason once, the most frequent first."""
    found: dict[tuple[Any, ...], list[str]] = {}
    reasons: dict[tuple[Any, ...], Why] = {}
    for why, number in left:
        same = (why.key, *sorted(why.values.items()))
        found.setdefault(same, []).append(number)
        reasons[same] = why
    ordered = sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [Group(reasons[same], len(numbers), sorted(numbers)[:NUMBERS_SHOWN]) for same, numbers in ordered]


@dataclass(frozen=True)
class Report:
    """How far an order has come, and which claims it left alone."""

    order: BulkOrder
    total: int
    done: int
    waiting: int
    groups: Sequence[Group]


_NEWEST = select(BulkOrder).where(BulkOrder.put_away.is_(False)).order_by(BulkOrder.id.desc()).limit(1)


def present_order(session: Session) -> Report | None:
    """The acting person's newest order, until he puts its report away."""
    order = session.scalars(_NEWEST).first()
    return report_of(session, order) if order else None


def report_of(session: Session, order: BulkOrder) -> Report:
    """How far an order has come. Claims the asker may no longer see are counted and not named."""
    counted = select(BulkLine.outcome, func.count(BulkLine.claim_id)).where(BulkLine.order_id == order.id)
    counts: dict[str, int] = dict(iter(session.execute(counted.group_by(BulkLine.outcome))))
    left = (
        select(BulkLine.why, BulkLine.why_values, Claim.claim_no)
        .join(Claim, Claim.id == BulkLine.claim_id)
        .where(BulkLine.order_id == order.id, BulkLine.outcome == LEFT)
    )
    groups = _grouped((Why(key, given), number) for key, given, number in session.execute(left))
    return Report(order, sum(counts.values()), counts.get(DONE, 0), counts.get(WAITING, 0), groups)


def running_orders() -> Select[BulkOrder]:
    """The orders that are not carried out yet, the oldest first."""
    return select(BulkOrder).where(BulkOrder.state == RUNNING).order_by(BulkOrder.id)


def waiting_lines(order_id: int) -> Select[int]:
    """The next claims of an order. In the order of their ids, so that two orders at once never wait for each other."""
    waiting = select(BulkLine.claim_id).where(BulkLine.order_id == order_id, BulkLine.outcome == WAITING)
    return waiting.order_by(BulkLine.claim_id).limit(CHUNK)


# ---- orders -----------------------------------------------------------------------------------------------------------------


def place_order(session: Session, key: str, plan: Plan, now: datetime) -> BulkOrder:
    """Give the order a plan shows. Given again with the same key it is the same order; one runs at a time for each person."""
    actor: Actor = session.info['actor']
    _check(session, plan.wish)
    take_turns(session, f'bulk {actor.user_id}')
    given = session.scalars(select(BulkOrder).where(BulkOrder.key == key)).one_or_none()
    if given is not None and given.wish != plan.wish:
        raise ClaimError(
            N_(
                'What you ordered first is already being carried out. The other choice was not ordered: please order it anew.'
            )
        )
    if given is not None:
        return given
    if session.scalar(running_orders().with_only_columns(BulkOrder.id).limit(1)) is not None:
        raise ClaimError(N_('Your last change of many claims is still running. Please wait until it is done.'))
    order = BulkOrder(
        user_id=actor.user_id,
        key=key,
        at=now,
        action=plan.wish.action,
        value=plan.wish.value,
        reason=plan.wish.reason,
    )
    session.add(order)
    session.flush()
    _write_lines(session, order, plan)
    _ring(session, order)
    return order


def _write_lines(session: Session, order: BulkOrder, plan: Plan) -> None:
    """A line for each claim the person may see, whatever ids the plan names."""
    ids = {*plan.ready, *plan.left}
    found = select(Claim.id, Claim.office_id).where(Claim.id.in_(ids)).order_by(Claim.id)
    for claim_id, office_id in session.execute(found):
        line = BulkLine(order_id=order.id, user_id=order.user_id, claim_id=claim_id, office_id=office_id)
        line.seen, line.outcome = plan.ready.get(claim_id, ''), WAITING
        if claim_id in plan.left:
            line.leave(plan.left[claim_id])
        session.add(line)


def carry_out(session: Session, order_id: int, claim_ids: Sequence[int], now: datetime) -> int:
    """Do the order to some of its claims that still wait, as the person who gave it; returns how many were settled."""
    order = _locked(session, order_id)
    wanted = select(BulkLine).where(BulkLine.order_id == order_id, BulkLine.outcome == WAITING)
    lines = list(session.scalars(wanted.where(BulkLine.claim_id.in_(claim_ids)).order_by(BulkLine.claim_id)))
    today = values.israel(now).date()
    for line in lines:
        claim = lock_claim(session, line.claim_id)
        why = _obstacle(session, order.wish, claim, line.seen, today)
        if why is not None:
            line.leave(why)
            continue
        _do(session, order, line, claim, now)
        line.outcome = DONE
    _ring(session, order)
    return len(lines)


def _do(session: Session, order: BulkOrder, line: BulkLine, claim: Claim, now: datetime) -> None:
    """The verb of a single edit."""
    wish = order.wish
    if wish.action == ASSIGN:
        save_fields(session, claim.id, {'handler': (claim.handler, int(wish.value))}, now)
    elif wish.action == STATUS:
        change_status(session, claim.id, wish.value, wish.reason, claim.status, now)
    elif wish.action == CHECKED:
        mark_checked(session, claim.id, now)
    elif wish.action == READ:
        visit(session, claim.id, now, arriving=False, up_to=int(line.seen or 0))
    elif wish.action == UNREAD:
        mark_unseen(session, claim.id, now)
    else:
        session.info['actor'].need(ACTIONS[MESSAGE])
        key = ThreadKey(claim.office_id, claim.id)
        letter = Letter(filled_template(session, wish.value, key), key=f'bulk {order.id} {claim.id}')
        write_message(session, key, letter, now)


def leave_alone(session: Session, order_id: int, claim_ids: Sequence[int], why: Why) -> None:
    """Say of claims that still wait why the order could not be done to them."""
    order = _locked(session, order_id)
    wanted = select(BulkLine).where(BulkLine.order_id == order_id, BulkLine.outcome == WAITING)
    for line in session.scalars(wanted.where(BulkLine.claim_id.in_(claim_ids))):
        line.leave(why)
    _ring(session, order)


def finish_order(session: Session, order_id: int, now: datetime) -> None:
    """Every claim of the order is settled."""
    order = _locked(session, order_id)
    order.state, order.finished_at = FINISHED, now
    _ring(session, order)


def put_away(session: Session, order_id: int) -> None:
    """The person has read the report."""
    order = session.get(BulkOrder, order_id)
    if order is not None and order.state == FINISHED:
        order.put_away = True
        _ring(session, order)


def forget_orders(session: Session, before: datetime, limit: int = 20) -> int:
    """Forget old orders; what they changed stands in the history of the claims. Returns how many."""
    old = list(session.scalars(select(BulkOrder).where(BulkOrder.finished_at < before).limit(limit)))
    for line in session.scalars(select(BulkLine).where(BulkLine.order_id.in_([order.id for order in old]))):
        session.delete(line)
    session.flush()
    for order in old:
        session.delete(order)
    return len(old)


def _locked(session: Session, order_id: int) -> BulkOrder:
    wanted = select(BulkOrder).where(BulkOrder.id == order_id).with_for_update()
    return session.scalars(wanted.execution_options(populate_existing=True)).one()


def _ring(session: Session, order: BulkOrder) -> None:
    ring_for(session, {Notice('bulk', user_id=order.user_id)})
