"""Alerts: a row for a person, made once from a change or a date, shown grouped by claim, cleared by opening the claim."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, ForeignKey, Index, Select, UniqueConstraint, and_, case, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from db import values as plain_values
from db.alert_choices import (
    Choices,
    ClaimWatch,
    back_on,
    choices_of,
    hears_of_claim,
    own_watch,
    wanted_on,
    watches_of,
)
from db.alert_kinds import APP, EVENTS, GROUPS, KINDS, MAIL, MENTION, REMINDER, UPDATED, event_of, events_in, events_of
from db.base import Base, BigKey, take_turns
from db.bureau import bureau_settings
from db.calendar import calendar_of
from db.changes import Change, SeenMark, changes_after, latest_seq, mark_seen, seen_seq, waiting_after
from db.claims import Claim
from db.offices import AgentOffice, User
from db.reference import RepairStage
from db.scope import BUREAU_ROLES, Actor, Books, Can, ClaimPart, PersonOwned, claim_key


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
    )
    writable_with: ClassVar[Can] = Can.FOLLOW
    rings: ClassVar[str] = 'alert'

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    kind: Mapped[str]
    # what it is about, in the words of the catalogue: what people choose to hear of
    event: Mapped[str] = mapped_column(default='details')
    key: Mapped[str]
    # what fills the words of its kind; of several changes told as one, their `fields` together
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)
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
    of_his_office = or_(User.office_id.is_(None), User.office_id == Alert.office_id)
    unread = (
        select(Alert.user_id, func.count(Alert.claim_id.distinct()))
        .join(User, and_(User.id == Alert.user_id, of_his_office))
        .where(Alert.user_id.in_(people), *_unread())
        .group_by(Alert.user_id)
    )
    return dict(iter(session.execute(unread)))


def _unread() -> tuple[ColumnElement[bool], ...]:
    return Alert.read_at.is_(None), Alert.hidden.is_(False)


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
    return session.scalar(_seen_by_a_visit(claim.id).limit(1)) is not None


def _seen_by_a_visit(claim_id: int) -> Select[Alert]:
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
    for alert in session.scalars(unread):
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


def alert_followers(session: Session, batch: int = 200) -> int:
    """Turn the next changes into alerts for everybody who follows their claims, and move the cursor past them.

    May run at any time and any number of times: a change is alerted once. Returns how many changes were read.
    """
    take_turns(session, 'alerts')
    cursor = session.get(Cursor, 'alerts')
    if cursor is None:
        cursor = Cursor(name='alerts', xid=0, change_id=0)
        session.add(cursor)
    read = changes_after(session, cursor.xid, cursor.change_id, batch)
    if read:
        cursor.xid, cursor.change_id = read[-1].xid or 0, read[-1].id
        terms = _Terms.of(session)
        # as they happened to each claim; and the claims in the order in which everybody takes them, so that nobody waits in a ring
        for change in sorted(read, key=lambda change: (change.claim_id, change.id)):
            if not change.quiet:
                _alert(session, change, terms)
    return len(read)


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


def raise_alert(  # noqa: PLR0913 - a record of its own would only be taken apart again
    session: Session,
    claim: Claim,
    kind: str,
    key: str,
    values: Mapping[str, Any],
    at: datetime,
    *,
    to: Sequence[int] | None = None,
) -> int:
    """Alert everybody whom the claim concerns (or these people) of something no change tells: a date, a task.

    Once for each `key`, however often and in however many processes it is asked; those only who want to hear of it.
    Returns how many were alerted now.
    """
    session.info['actor'].need(Can.KEEP_BOOKS)
    if kind not in KINDS:
        raise LookupError(f'{kind} is not in the catalogue of alerts')
    take_turns(session, 'alerts')
    always = bool(EVENTS[event_of(kind)].always)
    people = people_of_claim(session, claim, always=always) if to is None else to
    fresh = _without_alert(session, people, key)
    listeners = _Listeners.of(session, claim.id, fresh)
    alerts = [
        Alert(
            user_id=user_id,
            claim_id=claim.id,
            office_id=claim.office_id,
            kind=kind,
            key=key,
            values=dict(values),
            at=at,
        )
        for user_id in fresh
    ]
    told = [alert for alert in alerts if listeners.place(alert, events_of(kind))]
    session.add_all(told)
    return len(told)


def mentioned_in(session: Session, change: Change) -> Sequence[int]:
    """Whom a message or a note calls by name: of the bureau anybody, of the office those whom the change concerns anyway."""
    named = change.fields.get('mentions', [None, ()])[1]
    if not named:
        return ()
    bureau = session.scalars(
        select(User.id).where(User.id.in_(named), User.active, User.role.in_(sorted(BUREAU_ROLES)))
    )
    office = () if change.internal else followers_of(session, change, always=True)
    return [*(user_id for user_id in bureau if user_id != change.user_id), *(set(named) & set(office))]


def followers_of(session: Session, change: Change, *, always: bool = False) -> Sequence[int]:
    """Whom a change concerns, without its author and who saw it already; `always`: also who asked for his own claims only."""
    seen = select(SeenMark.seq).where(SeenMark.user_id == User.id, SeenMark.claim_id == change.claim_id)
    seen_it = seen.where(SeenMark.seq >= change.id).exists()
    return list(
        session.scalars(
            _people_of(change.claim_id, always=always).where(
                User.id.is_distinct_from(change.user_id), ~seen_it, User.baseline_seq < change.id
            )
        )
    )


def people_of_claim(session: Session, claim: Claim, *, always: bool = False) -> Sequence[int]:
    """Whom a claim concerns: the people of its office who may see it, its handler, and who follows it."""
    return list(session.scalars(_people_of(claim.id, always=always)))


def _people_of(claim_id: int, *, always: bool) -> Select[int]:
    asked = select(User.id).join(Claim, Claim.id == claim_id).outerjoin(AgentOffice, AgentOffice.id == User.office_id)
    return asked.where(hears_of_claim(always=always))


def follow_from_here(session: Session, reader: str = 'alerts') -> None:
    """Have a reader of the changes start with what comes next: what was loaded before (demo, first import) rings nobody."""
    newest = session.scalars(select(Change).order_by(Change.xid.desc(), Change.id.desc()).limit(1)).first()
    cursor = session.get(Cursor, reader) or Cursor(name=reader)
    cursor.xid, cursor.change_id = (newest.xid or 0, newest.id) if newest else (0, 0)
    session.add(cursor)


# ---- from a change to its alerts --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Terms:
    """What the bureau decided about alerts: how long one may take a stage back, what counts as one, which stages ring nobody."""

    cool_off: timedelta
    together: timedelta
    silent: frozenset[str]

    @classmethod
    def of(cls, session: Session) -> '_Terms':
        settings = bureau_settings(session)
        silent = session.scalars(select(RepairStage.id).where(RepairStage.alerts.is_(False)))
        return cls(
            cool_off=timedelta(minutes=settings.stage_cool_off_minutes),
            together=timedelta(minutes=settings.alert_cool_off_minutes),
            silent=frozenset(silent),
        )

    def are_one(self, other: Alert, alert: Alert) -> bool:
        """Whether an unread alert and a newer one of the same event tell one story."""
        waits = other.hidden and EVENTS[other.event].cools
        return other.event == alert.event and abs(alert.at - other.at) <= (self.cool_off if waits else self.together)


@dataclass(frozen=True)
class _Listeners:
    """What some people chose, in general and of one claim; and who of them works for the bureau, and hears at once."""

    choices: Choices
    watches: Mapping[int, ClaimWatch]
    of_bureau: frozenset[int]

    @classmethod
    def of(cls, session: Session, claim_id: int, people: Sequence[int]) -> '_Listeners':
        of_bureau = session.scalars(select(User.id).where(User.id.in_(people), User.office_id.is_(None)))
        return cls(choices_of(session, people), watches_of(session, claim_id, people), frozenset(of_bureau))

    def place(self, alert: Alert, events: Sequence[str], cool_off: timedelta = timedelta(0)) -> bool:
        """Settle what an alert is about for its person, and until when it waits; False: he does not want to hear of it."""
        watch = self.watches.get(alert.user_id)
        heard = (event for event in events if self.choices.hears(alert.user_id, event))
        event = next((event for event in heard if EVENTS[event].always or not (watch and watch.muted)), None)
        if event is None:
            return False
        cools = EVENTS[event].cools and cool_off and alert.user_id not in self.of_bureau
        pause = watch.pause_at(alert.at) if watch and not EVENTS[event].always else None
        alert.event, alert.snoozed_until = event, pause
        alert.due_at = max(filter(None, (alert.at + cool_off if cools else None, pause)), default=None)
        alert.hidden = alert.due_at is not None or not self.choices.wants(alert.user_id, event, APP)
        return True


def _alert(session: Session, change: Change, terms: _Terms) -> None:
    """Alert everybody whom a change concerns."""
    kind, fields = f'claim.{change.kind}', dict(change.fields)
    if kind == UPDATED and fields.get('repair_stage', (None, None))[1] in terms.silent:
        _return_quietly(session, change)
        fields.pop('repair_stage')
        if not fields:
            return
    called = mentioned_in(session, change)
    always = any(EVENTS[event].always for event in events_of(kind, fields))
    others = () if change.internal else followers_of(session, change, always=always)
    fresh = _without_alert(session, [*called, *others], f'change:{change.id}')
    listeners = _Listeners.of(session, change.claim_id, fresh)
    waiting = _unread_updates(session, change.claim_id, fresh) if kind == UPDATED else []
    for user_id in fresh:
        alert = _alert_of(change, user_id, MENTION if user_id in called else kind, fields)
        if listeners.place(alert, events_of(alert.kind, fields), terms.cool_off if kind == UPDATED else timedelta(0)):
            session.add(alert)
            near = (other for other in waiting if other.user_id == user_id and terms.are_one(other, alert))
            if (other := next(near, None)) is not None:
                _tell_as_one(session, other, alert)


def _alert_of(change: Change, user_id: int, kind: str, fields: Mapping[str, Any]) -> Alert:
    return Alert(
        user_id=user_id,
        claim_id=change.claim_id,
        office_id=change.office_id,
        kind=kind,
        key=f'change:{change.id}',
        values={} if fields == change.fields else {'fields': fields},
        change_id=change.id,
        at=change.at,
    )


def _without_alert(session: Session, people: Iterable[int], key: str) -> list[int]:
    """Who of these people has no alert of this key yet."""
    asked = list(dict.fromkeys(people))
    has_it = set(session.scalars(select(Alert.user_id).where(Alert.user_id.in_(asked), Alert.key == key)))
    return [user_id for user_id in asked if user_id not in has_it]


def _unread_updates(session: Session, claim_id: int, people: Sequence[int]) -> Sequence[Alert]:
    """The unread alerts of these people about fields of a claim, the newest first."""
    unread = select(Alert).where(Alert.user_id.in_(people), Alert.claim_id == claim_id, Alert.read_at.is_(None))
    return session.scalars(unread.where(Alert.kind == UPDATED).order_by(Alert.change_id.desc())).all()


def _tell_as_one(session: Session, other: Alert, alert: Alert) -> None:
    """Let the later of two alerts tell what both came to, and take the earlier back; both, when everything is as it was.

    Other processes may have read the later change first: the ids say which came first.
    """
    first, last = sorted((other, alert), key=lambda alert: alert.change_id or 0)
    told = _sum_of(_fields_of(session, first), _fields_of(session, last))
    if told and alert.due_at is not None and not other.hidden:
        return  # what is on the screen already stays there while this one waits
    for gone in (first,) if told else (first, last):
        gone.hidden, gone.read_at = True, alert.at
    if told:
        last.values = {'fields': told}


def _return_quietly(session: Session, change: Change) -> None:
    """The car is back at a stage that rings nobody: whoever was still to hear that it had left it hears nothing."""
    waiting = select(Alert).where(Alert.claim_id == change.claim_id, Alert.kind == UPDATED, Alert.read_at.is_(None))
    for alert in session.scalars(waiting.where(Alert.hidden, Alert.change_id < change.id, Alert.due_at >= change.at)):
        fields = _fields_of(session, alert)
        stage = {'repair_stage': change.fields['repair_stage']}
        if 'repair_stage' in fields and not _sum_of(fields, stage):
            alert.read_at = change.at


def _fields_of(session: Session, alert: Alert) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = alert.values.get('fields') or session.get_one(Change, alert.change_id).fields
    return fields


def _sum_of(first: Mapping[str, Any], last: Mapping[str, Any]) -> dict[str, Any]:
    """What two changes came to, field by field: from before the first to after the last, without what is as it was."""
    both = {name: [first.get(name, pair)[0], last.get(name, pair)[1]] for name, pair in {**last, **first}.items()}
    return {name: pair for name, pair in both.items() if pair[0] != pair[1]}
