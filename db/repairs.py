"""The repair of a claim's car: which stage it entered when, what day it is expected, when it stood still and why, and who said so.

Screens ask `events_of`, `stays_among`, `expectations_among`; they order `advance_repair`, `take_back`, `expect`, `hold`, `resume`,
`note_repair`. Whichever way a claim's stage or day changes, also by an import, the session leaves the event.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, Index, Select, and_, column, event, inspect, literal, select
from sqlalchemy.orm import InstanceState, Mapped, Session, UOWTransaction, mapped_column, validates

from db import values
from db.base import Base, BigKey, alias_of, histories
from db.base import now as present
from db.bureau import bureau_settings
from db.claims import Claim, ClaimConflict, lock_claim
from db.reference import HoldReason, RepairStage
from db.scope import Actor, Can, ClaimPart, Event, Evidence, Recorded, Role, claim_key
from db.texts import N_, ClaimError

STAGE, ETA, HOLD, RESUME, NOTE = 'stage', 'eta', 'hold', 'resume', 'note'
# the column of the claim whose changes leave an event, and which one
_FOLLOWED: Mapping[str, str] = {'repair_stage': STAGE, 'eta': ETA}
BEFORE_THE_GARAGE = frozenset({'not_arrived', 'towing'})
DELIVERED = 'delivered'
NOTE_AT_MOST = 500
_FURTHEST = timedelta(days=730)
_TAKEN_BACK = column('takes_back').is_not(None)
_HANDED_OVER = column('after') == DELIVERED


class RepairEvent(ClaimPart, Recorded, Evidence, Base):
    """Something that happened to the repair: a stage or a day changed (`before` → `after`), it stood still, went on, or was remarked on.

    A step that was taken back stays; the step back names it in `takes_back`. Of a stage, `since` says when the car had entered
    the one it leaves.
    """

    __tablename__ = 'repair_events'
    __table_args__ = (
        claim_key(),
        Index('ix_repair_events_claim', 'claim_id', 'id'),
        # how long cars stayed in a stage, of all that left it between two days; and which were handed over between them
        Index('ix_repair_events_left', 'kind', 'before', 'at', 'office_id', 'since', 'claim_id', 'takes_back', 'id'),
        Index(
            'ix_repair_events_delivered',
            *('kind', 'at', 'office_id', 'claim_id', 'takes_back', 'id'),
            sqlite_where=_HANDED_OVER,
            postgresql_where=_HANDED_OVER,
        ),
        Index(
            'ix_repair_events_takes_back',
            'takes_back',
            sqlite_where=_TAKEN_BACK,
            postgresql_where=_TAKEN_BACK,
        ),
    )
    writable_with: ClassVar[Can] = Can.UPDATE_REPAIR

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    kind: Mapped[str]
    before: Mapped[str] = mapped_column(default='')
    after: Mapped[str] = mapped_column(default='')
    # of a hold or a new day: the id of a hold reason; beside it, or instead of it, what somebody wrote
    reason: Mapped[str] = mapped_column(default='')
    note: Mapped[str] = mapped_column(default='')
    takes_back: Mapped[int | None] = mapped_column(BigKey)
    since: Mapped[datetime | None]
    at: Mapped[datetime]
    user_id: Mapped[int | None]
    by: Mapped[str]

    @validates('note')
    def _written(self, _: str, note: str) -> str:
        return values.long_text(note, limit=NOTE_AT_MOST)

    def event(self, *, new: bool, edited: Mapping[str, Any]) -> Event | None:
        """Standing still and going on; and what somebody wrote. The stage and the day are fields of the claim itself."""
        told: dict[str, Any] = {'note': [None, self.note]} if self.note else {}
        if self.kind == HOLD:
            return Event('repair.held', {'reason': [None, self.reason], **told})
        if self.kind == RESUME:
            return Event('repair.resumed', {'reason': [self.reason, None], **told})
        if self.reason:
            told['reason'] = [None, self.reason]
        return Event('repair.noted', told, quiet=self.kind != NOTE) if told else None


# ---- questions --------------------------------------------------------------------------------------------------------------


def events_of(claim_id: int) -> Select[RepairEvent]:
    """Everything that happened to the repair of a claim, oldest first."""
    return select(RepairEvent).where(RepairEvent.claim_id == claim_id).order_by(RepairEvent.id)


def is_real_move(move: type[RepairEvent] = RepairEvent) -> ColumnElement[bool]:
    """A condition on events: the car went from one stage to another, and nobody took it back."""
    back = alias_of(RepairEvent)
    taken_back = select(back.takes_back).where(back.takes_back.is_not(None))
    return and_(move.kind == STAGE, move.takes_back.is_(None), move.id.not_in(taken_back))


def left_one_of(stages: Collection[str]) -> ColumnElement[bool]:
    """A condition on moves: the car left one of the stages, of all of them where none is named, and it is known when it had entered it."""
    return and_(RepairEvent.before.in_(stages or select(RepairStage.id)), RepairEvent.since.is_not(None))


def came_to_garage() -> ColumnElement[bool]:
    """A condition on moves: the car was at a garage from then on, if not before."""
    return RepairEvent.after.not_in({*BEFORE_THE_GARAGE, DELIVERED, ''})


def was_handed_over() -> ColumnElement[bool]:
    """A condition on moves: the car was handed over. The stage is written out, so that SQLite finds the index of these."""
    return RepairEvent.after == literal(DELIVERED, literal_execute=True)


@dataclass(frozen=True)
class Stay:
    """The car's time in one stage; `left` is None as long as it is there."""

    stage: str
    entered: datetime
    left: datetime | None
    by: str
    note: str = ''

    def days(self, now: datetime) -> int:
        """For how many days, as people count them: 0 on the first."""
        return (values.israel(self.left or now).date() - values.israel(self.entered).date()).days


def stays_among(events: Iterable[RepairEvent]) -> list[Stay]:
    """The stages the car went through, also twice through one; what was taken back never was."""
    stays: list[Stay] = []
    for told in events:
        if told.kind != STAGE:
            continue
        if told.takes_back is not None:
            stays = stays[:-1] if told.before else stays
            if told.after:
                stays = [*stays[:-1], *(replace(stay, left=None) for stay in stays[-1:])]
            continue
        if stays and stays[-1].left is None:
            stays[-1] = replace(stays[-1], left=told.at)
        if told.after:
            stays.append(Stay(told.after, told.at, None, told.by, told.note))
    return stays


def days_at_garage(stays: Sequence[Stay], now: datetime) -> int | None:
    """For how many days the car has been (or was) at the garage; None before it came."""
    there = [stay for stay in stays if stay.stage not in BEFORE_THE_GARAGE]
    if not there or there[0].stage == DELIVERED:
        return None
    over = next((stay.entered for stay in reversed(there) if stay.stage == DELIVERED), None)
    return replace(there[0], left=over).days(now)


def expectations_among(events: Iterable[RepairEvent]) -> list[RepairEvent]:
    """Every day of hand-over that was ever promised, newest first."""
    return [told for told in events if told.kind == ETA][::-1]


def last_move(session: Session, claim_id: int) -> RepairEvent | None:
    """The newest change of the stage."""
    return session.scalars(
        select(RepairEvent)
        .where(RepairEvent.claim_id == claim_id, RepairEvent.kind == STAGE)
        .order_by(RepairEvent.id.desc())
        .limit(1)
    ).first()


def may_take_back(session: Session, claim_id: int, now: datetime) -> timedelta | None:
    """How long the acting person may still take the last change of the stage back; None when he may not."""
    actor: Actor = session.info['actor']
    move = last_move(session, claim_id)
    if move is None or move.takes_back is not None or (move.user_id, move.by) != (actor.user_id, actor.name):
        return None
    left = move.at + timedelta(minutes=bureau_settings(session).stage_cool_off_minutes) - now
    return left if left > timedelta(0) and actor.may(Can.UPDATE_REPAIR) else None


# ---- orders -----------------------------------------------------------------------------------------------------------------


def advance_repair(
    session: Session, claim_id: int, stage: str | None, seen: str | None, now: datetime, note: str = ''
) -> Claim:
    """Move the car to another stage, forward or back. `seen` is the stage the person saw when he decided."""
    claim = _claim_in_repair(session, claim_id)
    if claim.repair_stage not in (seen, stage):
        raise ClaimConflict('repair_stage', claim.repair_stage, claim.id)
    if claim.repair_stage == stage:
        return claim
    if claim.hold_reason:
        raise ClaimError(N_('The repair is on hold. Please say first that it goes on.'))
    _check_stage(session, stage)
    _enter(session, claim, stage, now, _Said(now, note=note))
    return claim


def take_back(session: Session, claim_id: int, seen: str | None, now: datetime) -> Claim:
    """Undo one's own last change of the stage, within the minutes that the bureau allows: the car never left where it was."""
    claim = _claim_in_repair(session, claim_id)
    move = last_move(session, claim_id)
    if move is None or claim.repair_stage != seen or may_take_back(session, claim_id, now) is None:
        raise ClaimError(N_('This change can no longer be taken back. Please choose the right stage.'))
    before = [stay for stay in stays_among(session.scalars(events_of(claim_id))) if stay.left is not None]
    since = before[-1].entered if before and before[-1].stage == move.before else now
    _enter(session, claim, move.before or None, since, _Said(now, takes_back=move.id))
    return claim


def expect(
    session: Session, claim_id: int, day: date | None, reason: str, now: datetime, seen: date | None = None
) -> Claim:
    """Say when the car will be ready, and why that moved: a hold reason's id or a text. `seen` guards against another's new day."""
    claim = _claim_in_repair(session, claim_id)
    if seen is not None and claim.eta not in (seen, day):
        raise ClaimConflict('eta', claim.eta, claim.id)
    if day is not None and day < values.israel(now).date() and session.info['actor'].role == Role.GARAGE:
        raise ClaimError(N_('This day is over. Please choose one to come.'))
    if claim.eta != day:
        if day is not None and day > (last := furthest(values.israel(now).date())):
            raise ClaimError(
                N_('This day is too far away: it can be {day} or earlier. Please check the year.'),
                day=values.format_day(last),
            )
        known, note = _reason(session, reason)
        _said(session)[claim.id, 'eta'] = _Said(now, reason=known, note=note)
        claim.eta = day
    return claim


def furthest(today: date) -> date:
    """The last day on which a car may be expected back."""
    return today + _FURTHEST


def hold(session: Session, claim_id: int, reason: str, now: datetime, note: str = '') -> Claim:
    """The repair stands still, for one of the reasons of the list."""
    claim = _claim_in_repair(session, claim_id)
    found = session.get(HoldReason, reason)
    if found is None or not found.active:
        raise ClaimError(N_('Please choose why the repair stands still.'))
    if claim.hold_reason != reason:
        claim.hold_reason = reason
        claim.hold_since = claim.hold_since or now
        session.add(_event(session, claim, HOLD, now, reason=reason, note=note))
    return claim


def resume(session: Session, claim_id: int, now: datetime) -> Claim:
    """The repair goes on."""
    claim = _claim_in_repair(session, claim_id)
    if claim.hold_reason:
        session.add(_event(session, claim, RESUME, now, reason=claim.hold_reason))
        claim.hold_reason, claim.hold_since = None, None
    return claim


def note_repair(session: Session, claim_id: int, note: str, now: datetime) -> RepairEvent:
    """Remark on the repair, for everybody who follows it."""
    claim = _claim_in_repair(session, claim_id)
    told = _event(session, claim, NOTE, now, note=note)
    if not told.note:
        raise ClaimError(N_('Please write what is to be said.'))
    session.add(told)
    return told


def _claim_in_repair(session: Session, claim_id: int) -> Claim:
    actor: Actor = session.info['actor']
    actor.need(Can.UPDATE_REPAIR)
    return lock_claim(session, claim_id)


def _check_stage(session: Session, stage: str | None) -> None:
    if stage is None:  # as if the repair had never begun: for staff, who opened it by mistake
        actor: Actor = session.info['actor']
        actor.need(Can.EDIT_CLAIM)
        return
    found = session.get(RepairStage, stage)
    if found is None or not found.active:
        raise ClaimError(N_('This stage is not in use.'))


def _enter(session: Session, claim: Claim, stage: str | None, since: datetime, said: '_Said') -> None:
    _said(session)[claim.id, 'repair_stage'] = said
    claim.repair_stage = stage
    claim.stage_since = since


def _reason(session: Session, reason: str) -> tuple[str, str]:
    """A reason of the list, or a text of its own."""
    return (reason, '') if session.get(HoldReason, reason) else ('', reason)


def _event(session: Session, claim: Claim, kind: str, at: datetime, **told: Any) -> RepairEvent:
    actor: Actor = session.info['actor']
    part = {'claim_id': claim.id, 'office_id': claim.office_id, 'user_id': actor.user_id, 'by': actor.name}
    return RepairEvent(**part, kind=kind, at=at, **told)


# ---- the session's part -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Said:
    """What a verb knows of a change beside the change itself."""

    at: datetime
    reason: str = ''
    note: str = ''
    takes_back: int | None = None


@dataclass(frozen=True)
class _Planned:
    """A stage or a day that is about to change; `since` when the car entered the stage it leaves."""

    claim: Claim
    name: str
    kind: str
    before: str
    after: str
    since: datetime | None


def _said(session: Session) -> dict[tuple[int, str], _Said]:
    said: dict[tuple[int, str], _Said] = session.info.setdefault('repair_said', {})
    return said


def plan_events(session: Session, *_: Any) -> None:
    """Before a flush: note which stages and days are about to change."""
    for claim in [row for row in [*session.new, *session.dirty] if isinstance(row, Claim)]:
        state: InstanceState[Any] = inspect(claim)
        if claim.repair_stage and claim.stage_since is None:  # opened with a stage: it has been there since
            claim.stage_since = session.info.get('at') or present()
        changed = dict(histories(claim))
        for name, kind in _FOLLOWED.items():
            if name not in changed:
                continue
            history = changed[name]
            before, after = (_plain(side[0]) if side else '' for side in (history.deleted, history.added))
            if before != after:
                session.info.setdefault('repair_planned', []).append(
                    _Planned(claim, name, kind, before, after, _entered(state) if kind == STAGE and before else None)
                )


def _entered(state: InstanceState[Any]) -> datetime | None:
    """When the car had entered the stage that is stored: what `stage_since` was before this change."""
    history = state.attrs['stage_since'].history
    known: list[datetime | None] = [*(history.deleted or ()), *(history.unchanged or ())]
    return known[0] if known else None


def leave_events(session: Session, _: UOWTransaction) -> None:
    """After a flush, when new claims have their ids: leave an event for each."""
    for planned in session.info.pop('repair_planned', []):
        claim, moved = planned.claim, planned.kind == STAGE
        default = _Said((claim.stage_since if moved else None) or session.info.get('at') or present())
        said = _said(session).pop((claim.id, planned.name), default)
        told = {'before': planned.before, 'after': planned.after, 'since': planned.since}
        told |= {'reason': said.reason, 'note': said.note, 'takes_back': said.takes_back}
        session.add(_event(session, claim, planned.kind, said.at, **told))


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else value or ''


def _forget(session: Session, *_: Any) -> None:
    for key in ('repair_planned', 'repair_said'):
        session.info.pop(key, None)


def listen_to(session_class: type[Session]) -> None:
    """Attach the events to a session class, before the record; called once, by db/session.py."""
    event.listen(session_class, 'before_flush', plan_events)
    event.listen(session_class, 'after_flush', leave_events)
    event.listen(session_class, 'after_soft_rollback', _forget)
