"""Alerts: a row for a person, made once from a change or a date, shown grouped by claim, cleared by opening the claim."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, ClassVar

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    UniqueConstraint,
    and_,
    bindparam,
    case,
    column,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from db import values as plain_values
from db.alert_choices import (
    Choices,
    ClaimWatch,
    back_on,
    choices_of,
    own_watch,
    wanted_on,
)
from db.alert_kinds import APP, EVENTS, GROUPS, MAIL, REMINDER, event_of, events_in
from db.base import Base, BigKey, take_turns
from db.calendar import calendar_of
from db.catch_up import waiting_after
from db.changes import Change, latest_seq
from db.claims import Claim
from db.masks import AlertTold
from db.offices import User
from db.prepared import one_answer
from db.scope import Actor, Books, Can, ClaimPart, PersonOwned, claim_key
from db.seen_marks import SeenMark, mark_seen, seen_seq

_OF_DATES = column('change_id').is_(None)


class Alert(ClaimPart, PersonOwned, Base):
    """Something a person should know about a claim. `key` is unique per person, so each alert happens once.

    A hidden one waits until `due_at` (the time to take a change back, a snooze); hidden and read, it was taken back or told by a
    newer one; hidden with nothing to wait for, it is for the mail alone. So what is neither read nor due is to be told now.
    """

    __tablename__ = 'alerts'
    __table_args__ = (
        claim_key(),
        UniqueConstraint('user_id', 'key'),
        Index('ix_alerts_person', 'user_id', 'claim_id', 'read_at'),
        Index('ix_alerts_waiting', 'hidden', 'due_at'),
        Index('ix_alerts_at', 'at'),
        # of dates: what no change tells is asked for by its claim
        Index('ix_alerts_of_dates', 'claim_id', sqlite_where=_OF_DATES, postgresql_where=_OF_DATES),
    )
    writable_with: ClassVar[Can] = Can.FOLLOW
    rings: ClassVar[str] = 'alert'

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    kind: Mapped[str]
    # what it is about, in the words of the catalogue: what people choose to hear of
    event: Mapped[str] = mapped_column(default='details')
    key: Mapped[str]
    # what fills the words of its kind; of several changes told as one, their `fields` together
    values: Mapped[dict[str, Any]] = mapped_column(AlertTold(), default=dict)
    change_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey('changes.id'))
    at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    hidden: Mapped[bool] = mapped_column(default=False)
    snoozed_until: Mapped[datetime | None]
    read_at: Mapped[datetime | None]


class Cursor(Books, Base):
    """How far a reader of the changes has come; it moves in the same transaction as what it did with them."""

    __tablename__ = 'cursors'

    name: Mapped[str] = mapped_column(primary_key=True)
    xid: Mapped[int] = mapped_column(BigKey, default=0)
    change_id: Mapped[int] = mapped_column(BigKey, default=0)


@dataclass(frozen=True)
class AlertGroup:
    """Alerts of a person about one claim told together: the newest in words, and how many are unread."""

    alert_id: int
    claim_no: str
    claim_id: int
    insured_name: str
    plate: str
    change: Change | None
    kind: str
    event: str
    values: Mapping[str, Any]
    at: datetime
    unread: int


# ---- questions --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AlertFilter:
    """Which alerts are asked for: the unread ones, those of some events, those of one claim; otherwise all."""

    only_unread: bool = False
    events: Sequence[str] = ()
    claim_no: str = ''

    def conditions(self) -> list[ColumnElement[bool]]:
        """What an alert must fulfil."""
        conditions: list[ColumnElement[bool]] = [Alert.hidden.is_(False)]
        if self.events:
            conditions.append(Alert.event.in_(self.events))
        if self.claim_no:
            conditions.append(Alert.claim_id.in_(select(Claim.id).where(Claim.claim_no == self.claim_no)))
        return conditions


def alert_groups(
    session: Session, *, limit: int = 30, offset: int = 0, wanted: AlertFilter | None = None
) -> list[AlertGroup]:
    """The acting person's alerts, newest first: one group a claim, or, asked for one claim, each for itself."""
    wanted = wanted or AlertFilter()
    newest_first, together = (Alert.at.desc(), Alert.id.desc()), Alert.id if wanted.claim_no else Alert.claim_id
    place = func.row_number().over(partition_by=together, order_by=newest_first).label('place')
    unread = func.sum(case((Alert.read_at.is_(None), 1), else_=0)).over(partition_by=together).label('unread')
    mine = select(Alert.id, place, unread).where(*wanted.conditions()).subquery()
    found = session.execute(
        select(Alert.id, Claim.claim_no, Claim.id, Claim.insured_name, Claim.plate, Change)
        .add_columns(Alert.kind, Alert.event, Alert.values, Alert.at, mine.c.unread)
        .select_from(mine)
        .join(Alert, Alert.id == mine.c.id)
        .join(Claim, Claim.id == Alert.claim_id)
        .outerjoin(Change, Change.id == Alert.change_id)
        .where(mine.c.place == 1, *((mine.c.unread > 0,) if wanted.only_unread else ()))
        .order_by(*newest_first)
        .limit(limit)
        .offset(offset)
    )
    return [_told_as_one(AlertGroup(*line)) for line in found]


def _told_as_one(group: AlertGroup) -> AlertGroup:
    """Of several changes that one alert tells, what they came to."""
    if group.change is None or 'fields' not in group.values:
        return group
    last = group.change
    together = Change(id=last.id, kind=last.kind, at=last.at, user_id=last.user_id, by=last.by)
    together.fields = group.values['fields']
    return replace(group, change=together)


def unread_groups(session: Session) -> int:
    """How many claims have unread alerts for the acting person: the number on the bell."""
    return session.scalar(unread_groups_question()) or 0


def unread_groups_question() -> Select[int]:
    """As `unread_groups`, to be asked along with something else."""
    return select(func.count(Alert.claim_id.distinct())).where(*_unread())


def unread_groups_of(session: Session, people: Collection[int]) -> dict[int, int]:
    """As `unread_groups`, for several people at once, who each see the claims of their whole office or all; those without any are left out."""
    return dict(iter(session.execute(_UNREAD_OF, {'people': people})))


def _unread() -> tuple[ColumnElement[bool], ...]:
    return Alert.read_at.is_(None), Alert.hidden.is_(False)


# made once: every change that alerts somebody asks it
_UNREAD_OF = (
    select(Alert.user_id, func.count(Alert.claim_id.distinct()))
    .join(
        User,
        and_(User.id == Alert.user_id, or_(User.office_id.is_(None), User.office_id == Alert.office_id)),
    )
    .where(Alert.user_id.in_(bindparam('people', expanding=True)), *_unread())
    .group_by(Alert.user_id)
)


def unread_by_group(session: Session) -> dict[str, int]:
    """How many claims have unread alerts for the acting person, in each group of the catalogue."""
    unread = select(Alert.event, Alert.claim_id).where(*_unread()).distinct()
    found = session.execute(unread).all()
    return {
        group: len({claim_id for event, claim_id in found if event in of_group})
        for group, of_group in ((group, events_in(group)) for group in GROUPS)
    }


def is_unseen(session: Session, claim: Claim, seen: int | None = None) -> bool:
    """Whether a visit would change anything: the acting person has not seen the claim as it is, or has alerts about it.

    `seen`: up to where he has seen it, when that was asked for already.
    """
    if (seen_seq(session, claim.id)[0] if seen is None else seen) < claim.seq:
        return True
    return one_answer(session, _any_seen_by_a_visit(), claim=claim.id) is not None


@cache
def _any_seen_by_a_visit() -> Select[Any]:
    return _seen_by_a_visit(bindparam('claim')).with_only_columns(Alert.id).limit(1)


def _seen_by_a_visit(claim_id: Any) -> Select[Alert]:
    """Also what waits; but a reminder one asked for comes all the same."""
    to_come = and_(Alert.kind == REMINDER, Alert.due_at.is_not(None))
    return select(Alert).where(Alert.claim_id == claim_id, Alert.read_at.is_(None), ~to_come)


def alerts_to_mail() -> Select[Alert]:
    """What is to be told by mail as things stand now, oldest first: what is read, taken back or put aside is not in it."""
    untold = select(Alert).where(Alert.read_at.is_(None), Alert.due_at.is_(None))
    return untold.where(wanted_on(MAIL, Alert.user_id, Alert.event)).order_by(Alert.at, Alert.id)


def held_back(session: Session) -> bool:
    """Whether changes wait to be alerted, because a transaction under way could still come before them."""
    cursor = session.get(Cursor, 'alerts')
    return waiting_after(session, (cursor.xid, cursor.change_id) if cursor else (0, 0))


def next_due(session: Session) -> datetime | None:
    """When the next alert that waits is to be shown; None: none waits."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    return session.scalar(select(func.min(Alert.due_at)).where(Alert.hidden, Alert.read_at.is_(None)))


# ---- orders -----------------------------------------------------------------------------------------------------------------


def visit(session: Session, claim_id: int, now: datetime, *, arriving: bool = True, up_to: int | None = None) -> int:
    """The acting person opened the claim (or watches it): it is no longer bold for him and its alerts are read.

    `up_to` is the newest change he was shown: what came after it stays unseen. Returns up to which news he had seen it before.
    """
    before = mark_seen(session, claim_id, now, visit=arriving, up_to=up_to)
    if session.info['actor'].user_id is not None:
        seen = _seen_by_a_visit(claim_id)
        if up_to is not None:
            seen = seen.where(or_(Alert.change_id.is_(None), Alert.change_id <= up_to))
        for alert in session.scalars(seen):
            alert.read_at = now
    return before


def mark_read(session: Session, now: datetime, claim_id: int | None = None, kinds: Sequence[str] | None = None) -> None:
    """Mark the acting person's alerts read: of one claim, or all of them; of some kinds, or any. What waits goes on waiting."""
    if session.info['actor'].user_id is None:
        return  # the product sees everybody's alerts and has none of its own
    unread = select(Alert).where(Alert.read_at.is_(None), Alert.due_at.is_(None))
    if claim_id is not None:
        unread = unread.where(Alert.claim_id == claim_id)
    if kinds is not None:
        unread = unread.where(Alert.kind.in_(kinds))
    # locked: what is taken back at this moment cannot be read any more
    for alert in session.scalars(unread.order_by(Alert.id).with_for_update()):
        alert.read_at = now


def mark_all_read(session: Session, now: datetime) -> None:
    """Nothing is unread for the acting person any more: neither alerts nor claims."""
    actor: Actor = session.info['actor']
    if actor.user_id is None:
        return
    mark_read(session, now)
    user = session.get_one(User, actor.user_id)
    newest = latest_seq(session)
    for mark in session.scalars(select(SeenMark).where(SeenMark.seq < newest)):
        mark.seq = newest
    user.baseline_seq = newest


def mute(session: Session, claim_id: int, now: datetime, *, muted: bool = True) -> ClaimWatch:
    """Hear nothing more of a claim, except what cannot be switched off; or hear of it again."""
    watch = own_watch(session, claim_id)
    watch.muted = muted
    if muted:
        silenced = [event for event, about in EVENTS.items() if not about.always]
        for alert in _unread_of(session, claim_id, Alert.event.in_(silenced)):
            alert.read_at = now
    return watch


def snooze(session: Session, claim_id: int, pause: str, now: datetime) -> ClaimWatch:
    """Put a claim aside until a working morning: one of the usual pauses, or a day. What is unread comes back then by itself,
    together with what comes meanwhile; when nothing is unread, a reminder does. What cannot be switched off comes at once.
    """
    watch = own_watch(session, claim_id)
    until = back_on(calendar_of(session), pause, now)
    watch.snoozed_until = until
    unread = _unread_of(session, claim_id)
    for alert in unread:
        alert.hidden, alert.due_at, alert.snoozed_until = True, until, until
    if not unread:
        asked = {'day': plain_values.israel(now).date().isoformat()}
        part = {'user_id': watch.user_id, 'claim_id': claim_id, 'office_id': watch.office_id}
        told = {'kind': REMINDER, 'event': event_of(REMINDER), 'key': f'reminder:{claim_id}:{now.isoformat()}'}
        waits = {'hidden': True, 'due_at': until, 'snoozed_until': until}
        session.add(Alert(**part, **told, values=asked, at=now, **waits))
    return watch


def end_snooze(session: Session, claim_id: int, now: datetime) -> ClaimWatch:
    """Take a claim up again: what waited is back at once."""
    watch = own_watch(session, claim_id)
    watch.snoozed_until = None
    waiting = _unread_of(session, claim_id, Alert.snoozed_until.is_not(None))
    choices = choices_of(session, [watch.user_id])
    for alert in waiting:
        _show(alert, choices, now)
        if alert.kind == REMINDER:
            alert.hidden, alert.read_at = True, now
    return watch


def _unread_of(session: Session, claim_id: int, *which: ColumnElement[bool]) -> Sequence[Alert]:
    """The acting person's unread alerts of a claim, the waiting ones too."""
    mine = Alert.user_id == session.info['actor'].user_id
    return session.scalars(select(Alert).where(mine, Alert.claim_id == claim_id, Alert.read_at.is_(None), *which)).all()


def show_waiting(session: Session, now: datetime, batch: int = 200) -> int:
    """Show the alerts whose time has come, and clear the way for their mail; may run any number of times. Returns how many."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    take_turns(session, 'alerts')
    waiting = select(Alert).where(Alert.hidden, Alert.read_at.is_(None), Alert.due_at <= now)
    due = session.scalars(waiting.order_by(Alert.due_at, Alert.id).limit(batch)).all()
    choices = choices_of(session, {alert.user_id for alert in due})
    for alert in due:
        _show(alert, choices, now)
    return len(due)


def _show(alert: Alert, choices: Choices, now: datetime) -> None:
    """It waits no longer: as its person chose meanwhile, on the screen, by mail, or not at all."""
    alert.at, alert.due_at, alert.snoozed_until = now, None, None
    alert.hidden = not choices.wants(alert.user_id, alert.event, APP)
    if not choices.hears(alert.user_id, alert.event):
        alert.read_at = now


def forget_alerts(session: Session, before: datetime, limit: int = 1000) -> int:
    """Clear away what changes were alerted long ago and was read since; returns how many. The history of the claim keeps the changes.

    Alerts of dates stay: by their keys one knows that they were told. Nobody is rung; none of it counts any more.
    """
    session.info['actor'].need(Can.KEEP_BOOKS)
    told = select(Alert.id).where(Alert.at < before, Alert.read_at.is_not(None), Alert.change_id.is_not(None))
    old = session.scalars(told.order_by(Alert.at, Alert.id).limit(limit)).all()
    # NOTE: past the session's unit of work, which would ring each person for each
    table = Base.metadata.tables[Alert.__tablename__]
    session.connection().execute(table.delete().where(table.c.id.in_(old)))
    return len(old)
