"""Alerts: a row for a person, made once from a change or a date, shown grouped by claim, cleared by opening the claim."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from functools import cache
from itertools import groupby
from operator import attrgetter
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
    hears_of_claim,
    own_watch,
    wanted_on,
    watches_of,
)
from db.alert_kinds import APP, EVENTS, GROUPS, KINDS, MAIL, MENTION, REMINDER, UPDATED, event_of, events_in, events_of
from db.base import Base, BigKey, take_turns
from db.bureau import bureau_settings
from db.calendar import calendar_of
from db.changes import (
    Change,
    Notice,
    SeenMark,
    changes_after,
    latest_seq,
    mark_seen,
    place_of,
    ring_for,
    seen_seq,
    waiting_after,
)
from db.claims import Claim
from db.offices import AgentOffice, User
from db.prepared import one_answer
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
        cursor.xid, cursor.change_id = place_of(read[-1])
        _alert_of_all(session, [change for change in read if _concerns_anybody(change)])
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
    alerts = [_Told(user_id, claim.id, claim.office_id, kind, key, dict(values), None, at) for user_id in fresh]
    told = [alert for alert in alerts if listeners.place(alert, events_of(kind))]
    _write(session, told)
    return len(told)


def people_of_claim(session: Session, claim: Claim, *, always: bool = False) -> Sequence[int]:
    """Whom a claim concerns: the people of its office who may see it, its handler, and who follows it."""
    return [one.user_id for one in _followers_of(session, [claim.id])[claim.id] if always or one.usually]


def follow_from_here(session: Session, reader: str = 'alerts') -> None:
    """Have a reader of the changes start with what comes next: what was loaded before (demo, first import) rings nobody."""
    newest = session.scalars(select(Change).order_by(Change.xid.desc(), Change.id.desc()).limit(1)).first()
    cursor = session.get(Cursor, reader) or Cursor(name=reader)
    cursor.xid, cursor.change_id = (newest.xid or 0, newest.id) if newest else (0, 0)
    session.add(cursor)


# ---- from a change to its alerts --------------------------------------------------------------------------------------------


@dataclass(eq=False)
class _Told:
    """An alert while it is being decided about, with the columns of its row: there is one for everybody who follows a claim."""

    user_id: int
    claim_id: int
    office_id: int
    kind: str
    key: str
    values: dict[str, Any]
    change_id: int | None
    at: datetime
    event: str = ''
    due_at: datetime | None = None
    hidden: bool = False
    snoozed_until: datetime | None = None
    read_at: datetime | None = None
    # of one that is written already
    id: int | None = None


_ROWS = Base.metadata.tables['alerts']
_COLUMNS = tuple(column.name for column in fields(_Told))


@dataclass(frozen=True)
class _Terms:
    """What the bureau decided about alerts: how long one may take a stage back, what counts as one, which stages ring nobody."""

    cool_off: timedelta
    together: timedelta
    silent: frozenset[str]

    @classmethod
    def of(cls, session: Session) -> '_Terms':
        settings = bureau_settings(session)
        return cls(
            cool_off=timedelta(minutes=settings.stage_cool_off_minutes),
            together=timedelta(minutes=settings.alert_cool_off_minutes),
            silent=frozenset(session.scalars(_SILENT_STAGES)),
        )

    def are_one(self, other: _Told, alert: _Told) -> bool:
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
        return cls(choices_of(session, people), watches_of(session, [claim_id])[claim_id], frozenset(of_bureau))

    def place(self, alert: _Told, events: Sequence[str], cool_off: timedelta = timedelta(0)) -> bool:
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


@dataclass(frozen=True)
class _Follower:
    """Somebody whom the news of a claim concern; `usually`: unless he asked for his own claims only."""

    user_id: int
    of_bureau: bool
    seen: int
    usually: bool


@dataclass(frozen=True)
class _News:
    """What deciding about several changes takes: read once for all of them."""

    terms: _Terms
    followers: Mapping[int, Sequence[_Follower]]
    listeners: Mapping[int, _Listeners]
    # who has an alert of a change already, by its key
    has_it: Collection[tuple[int, str]]
    # of each person and claim the unread alerts about fields, which may tell one story with a new one
    unread: defaultdict[tuple[int, int], list[_Told]]
    changes: dict[int, Change]
    # what is new or differs now
    told: list[_Told] = field(default_factory=list)

    @classmethod
    def of(cls, session: Session, changes: Sequence[Change], terms: _Terms) -> '_News':
        claims = {change.claim_id for change in changes}
        followers = _followers_of(session, claims)
        named = {user_id for change in changes for user_id in _named_in(change)}
        people = {*named, *(one.user_id for of_claim in followers.values() for one in of_claim)}
        keys = {'people': people, 'keys': [_key_of(change) for change in changes]}
        unread = _unread_beside(session, changes, people, terms)
        return cls(
            terms,
            followers,
            _listeners_of(session, followers, named, people),
            {(user_id, key) for user_id, key in session.execute(_HAVING_IT, keys)},
            unread,
            {change.id: change for change in (*changes, *_told_by(session, unread))},
        )

    def concerned(self, change: Change, *, always: bool) -> list[int]:
        """Whom a change concerns, without its author and who saw it already; `always`: also who asked for his own claims only."""
        author, change_id = change.user_id, change.id
        return [
            one.user_id
            for one in self.followers[change.claim_id]
            if (always or one.usually) and one.user_id != author and one.seen < change_id
        ]

    def called(self, change: Change) -> list[int]:
        """Whom a message or a note calls by name: of the bureau anybody, of the office those whom the change concerns anyway."""
        named = _named_in(change)
        of_bureau = self.listeners[change.claim_id].of_bureau
        office = () if change.internal or not named else self.concerned(change, always=True)
        return [one for one in named if (one in of_bureau and one != change.user_id) or one in office]

    def near(self, alert: _Told) -> _Told | None:
        """The newest unread alert that tells one story with a new one."""
        waiting = (other for other in self.unread[alert.user_id, alert.claim_id] if other.read_at is None)
        newest_first = sorted(waiting, key=lambda other: other.change_id or 0, reverse=True)
        return next((other for other in newest_first if self.terms.are_one(other, alert)), None)

    def fields_of(self, session: Session, alert: _Told) -> Mapping[str, Any]:
        """What an alert tells; many people's alerts tell of one change."""
        if 'fields' in alert.values:
            told: Mapping[str, Any] = alert.values['fields']
            return told
        change_id = alert.change_id or 0
        if change_id not in self.changes:
            self.changes[change_id] = session.get_one(Change, change_id)
        return self.changes[change_id].fields


def _told_by(session: Session, unread: Mapping[tuple[int, int], Sequence[_Told]]) -> Sequence[Change]:
    """The changes that these alerts tell of, as far as they do not say so themselves."""
    ids = {one.change_id for alerts in unread.values() for one in alerts if 'fields' not in one.values}
    return session.scalars(_CHANGES, {'ids': ids}).all() if ids else ()


# made once: every change asks these
_CHANGES = select(Change).where(Change.id.in_(bindparam('ids', expanding=True)))
_SILENT_STAGES = select(RepairStage.id).where(RepairStage.alerts.is_(False))
_FOLLOWERS = (
    select(Claim.id, User.id, User.office_id.is_(None), User.baseline_seq, SeenMark.seq, hears_of_claim())
    .select_from(User)
    .join(Claim, Claim.id.in_(bindparam('claims', expanding=True)))
    .outerjoin(AgentOffice, AgentOffice.id == User.office_id)
    .outerjoin(SeenMark, and_(SeenMark.user_id == User.id, SeenMark.claim_id == Claim.id))
    .where(hears_of_claim(always=True))
)
_people: Any = bindparam('people', expanding=True)
_OF_BUREAU = select(User.id).where(User.id.in_(_people), User.active, User.role.in_(sorted(BUREAU_ROLES)))
_HAVING_IT = select(Alert.user_id, Alert.key).where(
    Alert.user_id.in_(_people), Alert.key.in_(bindparam('keys', expanding=True))
)
_UPDATES = select(*(_ROWS.c[name] for name in _COLUMNS)).where(Alert.kind == UPDATED, Alert.read_at.is_(None))
_UPDATES_BESIDE = _UPDATES.where(
    Alert.user_id.in_(_people),
    Alert.claim_id.in_(bindparam('claims', expanding=True)),
    Alert.at.between(bindparam('start'), bindparam('end')),
)
_UPDATES_WAITING = _UPDATES.where(
    Alert.claim_id == bindparam('claim'),
    Alert.hidden,
    Alert.change_id < bindparam('change'),
    Alert.due_at >= bindparam('then'),
)
_INSERT = _ROWS.insert().inline()
# everything but whose it is: what many people are told of one change is written once for all of them
_OF_ALL = tuple(name for name in _COLUMNS if name not in ('id', 'user_id', 'values'))
_INSERT_FOR = _ROWS.insert().from_select(
    ['user_id', 'values', *_OF_ALL],
    select(User.id, *(bindparam(name, type_=_ROWS.c[name].type) for name in ('values', *_OF_ALL)))
    .where(User.id.in_(_people))
    .order_by(User.id),
)
_these: Any = bindparam('these', expanding=True)
# in the order of their ids, as every flush takes rows, so that nobody waits in a ring
_LOCK = select(_ROWS.c.id).where(_ROWS.c.id.in_(_these)).order_by(_ROWS.c.id).with_for_update()
# what its person read or put aside meanwhile stays so
_UPDATE = (
    _ROWS.update()
    .where(_ROWS.c.id.in_(_these))
    .values(
        hidden=or_(_ROWS.c.hidden, bindparam('is_hidden', type_=_ROWS.c.hidden.type)),
        values=bindparam('told'),
        read_at=func.coalesce(_ROWS.c.read_at, bindparam('read', type_=_ROWS.c.read_at.type)),
    )
)
_AT_ONCE = 5000
# of fewer people alike each has a row of his own in a statement for all: a statement costs as much as so many rows
_MANY = 8


def _concerns_anybody(change: Change) -> bool:
    """Whether there can be somebody to alert: not of what is no news, or is the bureau's own and calls nobody."""
    return not change.quiet and (not change.internal or bool(_named_in(change)))


def _named_in(change: Change) -> Sequence[int]:
    named: Sequence[int] = change.fields.get('mentions', (None, ()))[1] or ()
    return named


def _key_of(change: Change) -> str:
    return f'change:{change.id}'


def _followers_of(session: Session, claims: Collection[int]) -> Mapping[int, Sequence[_Follower]]:
    """Whom the news of each of these claims concern."""
    followers: dict[int, list[_Follower]] = {claim_id: [] for claim_id in claims}
    for claim_id, user_id, of_bureau, baseline, seen, usually in session.execute(_FOLLOWERS, {'claims': claims}):
        last = baseline if seen is None else max(seen, baseline)
        followers[claim_id].append(_Follower(user_id, bool(of_bureau), last, bool(usually)))
    return followers


def _listeners_of(
    session: Session, followers: Mapping[int, Sequence[_Follower]], named: Collection[int], people: Collection[int]
) -> Mapping[int, _Listeners]:
    """Of each claim: what those who may hear of it chose."""
    called = set(session.scalars(_OF_BUREAU, {'people': named})) if named else set()
    choices = choices_of(session, people)
    watches = watches_of(session, followers)
    return {
        claim_id: _Listeners(
            choices, watches[claim_id], frozenset(called.union(one.user_id for one in of_claim if one.of_bureau))
        )
        for claim_id, of_claim in followers.items()
    }


def _unread_beside(
    session: Session, changes: Sequence[Change], people: Collection[int], terms: _Terms
) -> defaultdict[tuple[int, int], list[_Told]]:
    """The unread alerts of these people about fields of the same claims, as far as one may tell one story with a new one."""
    unread: defaultdict[tuple[int, int], list[_Told]] = defaultdict(list)
    updates = [change for change in changes if f'claim.{change.kind}' == UPDATED]
    if updates:
        moments, reach = [change.at for change in updates], max(terms.cool_off, terms.together)
        asked: dict[str, Any] = {'start': min(moments) - reach, 'end': max(moments) + reach}
        asked |= {'people': people, 'claims': {change.claim_id for change in updates}}
        # NOTE: past the ORM, which takes as long for each row as everything else; the product's alone, as what is written is
        for alert in (_Told(*row) for row in session.connection().execute(_UPDATES_BESIDE, asked)):
            unread[alert.user_id, alert.claim_id].append(alert)
    return unread


def _alert_of_all(session: Session, changes: Sequence[Change]) -> None:
    """Decide office by office, as it happened to each claim: the people of one are looked for among the alerts of its changes only."""
    if not changes:
        return
    terms, told = _Terms.of(session), list[_Told]()
    in_order = sorted(changes, key=lambda change: (change.office_id, change.claim_id, change.id))
    for of_office in [[*group] for _, group in groupby(in_order, key=lambda change: change.office_id)]:
        news = _News.of(session, of_office, terms)
        for change in of_office:
            _alert(session, change, news)
        told += news.told
    _write(session, told)


def _alert(session: Session, change: Change, news: _News) -> None:
    """Alert everybody whom a change concerns."""
    kind, fields = f'claim.{change.kind}', dict(change.fields)
    if kind == UPDATED and fields.get('repair_stage', (None, None))[1] in news.terms.silent:
        _return_quietly(session, change, news)
        fields.pop('repair_stage')
        if not fields:
            return
    called, events = news.called(change), {one: events_of(one, fields) for one in (kind, MENTION)}
    always = any(EVENTS[event].always for event in events[kind])
    others = () if change.internal else news.concerned(change, always=always)
    cool_off = news.terms.cool_off if kind == UPDATED else timedelta(0)
    place = news.listeners[change.claim_id].place
    kinds = dict.fromkeys(others, kind) | dict.fromkeys(called, MENTION)
    for alert in _alerts_of(change, kinds, fields):
        if (alert.user_id, alert.key) not in news.has_it and place(alert, events[alert.kind], cool_off):
            if kind == UPDATED:
                _tell_in_turn(session, alert, news)
            news.told.append(alert)


def _alerts_of(change: Change, kinds: Mapping[int, str], fields: Mapping[str, Any]) -> Iterator[_Told]:
    """An alert of its kind for each of these people; what is asked of a loaded row so often is asked once."""
    values: dict[str, Any] = {} if fields == change.fields else {'fields': fields}
    claim_id, office_id, change_id, at, key = change.claim_id, change.office_id, change.id, change.at, _key_of(change)
    return (_Told(user_id, claim_id, office_id, kind, key, values, change_id, at) for user_id, kind in kinds.items())


def _without_alert(session: Session, people: Iterable[int], key: str) -> list[int]:
    """Who of these people has no alert of this key yet."""
    asked = list(dict.fromkeys(people))
    has_it = set(session.scalars(select(Alert.user_id).where(Alert.user_id.in_(asked), Alert.key == key)))
    return [user_id for user_id in asked if user_id not in has_it]


def _tell_in_turn(session: Session, alert: _Told, news: _News) -> None:
    """Beside what a person has not read yet of the claim."""
    if (other := news.near(alert)) is not None and _tell_as_one(session, other, alert, news):
        news.told.append(other)
    news.unread[alert.user_id, alert.claim_id].append(alert)


def _tell_as_one(session: Session, other: _Told, alert: _Told, news: _News) -> bool:
    """Let the later of two alerts tell what both came to, and take the earlier back; both, when everything is as it was. Whether it did.

    Other processes may have read the later change first: the ids say which came first.
    """
    first, last = sorted((other, alert), key=lambda alert: alert.change_id or 0)
    told = _sum_of(news.fields_of(session, first), news.fields_of(session, last))
    if told and alert.due_at is not None and not other.hidden:
        return False  # what is on the screen already stays there while this one waits
    for gone in (first,) if told else (first, last):
        gone.hidden, gone.read_at = True, alert.at
    if told:
        last.values = {'fields': told}
    return True


def _return_quietly(session: Session, change: Change, news: _News) -> None:
    """The car is back at a stage that rings nobody: whoever was still to hear that it had left it hears nothing."""
    asked = {'claim': change.claim_id, 'change': change.id, 'then': change.at}
    known = {alert.id for of_person in news.unread.values() for alert in of_person}
    for alert in (_Told(*row) for row in session.connection().execute(_UPDATES_WAITING, asked)):
        if alert.id not in known:
            news.unread[alert.user_id, alert.claim_id].append(alert)
    everybodys = [alert for of_person in news.unread.values() for alert in of_person]
    for alert in (alert for alert in everybodys if _waits_for(alert, change)):
        stage = {'repair_stage': change.fields['repair_stage']}
        told = news.fields_of(session, alert)
        if 'repair_stage' in told and not _sum_of(told, stage):
            alert.read_at = change.at
            news.told.append(alert)


def _waits_for(alert: _Told, change: Change) -> bool:
    """Whether an alert of something before a change is still to be told when that happens."""
    of_claim = alert.claim_id == change.claim_id and alert.read_at is None
    waits = alert.hidden and alert.due_at is not None and alert.due_at >= change.at
    return of_claim and waits and (alert.change_id or 0) < change.id


def _write(session: Session, told: Iterable[_Told]) -> None:
    """Write what was decided in one go, and ring for it. NOTE: past the guard, which would look at each of them: the product's alone."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    alerts = {id(alert): alert for alert in told}.values()
    _insert(session, [alert for alert in alerts if alert.id is None])
    _update(session, [alert for alert in alerts if alert.id is not None])
    # one ring is enough for whoever got several. NOTE: it names one of their claims; nobody goes by it, and what was put aside rings by itself
    rung = {one.user_id: one for one in alerts}.values()
    ring_for(session, {Notice(Alert.rings, one.office_id, one.claim_id, user_id=one.user_id) for one in rung})


def _insert(session: Session, alerts: Sequence[_Told]) -> None:
    rows, connection = [], session.connection()
    for told, alike in _alike(alerts, _OF_ALL):
        if len(alike) < _MANY:
            rows += [{'user_id': alert.user_id, **told} for alert in alike]
        else:
            connection.execute(_INSERT_FOR, {'people': [alert.user_id for alert in alike], **told})
    if rows:
        connection.execute(_INSERT, rows)


def _update(session: Session, alerts: Sequence[_Told]) -> None:
    if not alerts:
        return
    connection = session.connection()
    for these in _ids_in_parts(alerts):
        connection.execute(_LOCK, {'these': these})
    for told, alike in _alike(alerts, ('hidden', 'read_at')):
        wanted = {'is_hidden': told['hidden'], 'read': told['read_at'], 'told': told['values']}
        for these in _ids_in_parts(alike):
            connection.execute(_UPDATE, {'these': these, **wanted})


def _ids_in_parts(alerts: Iterable[_Told]) -> Iterator[Sequence[int]]:
    """Their ids in order, as many at once as any database takes with one statement."""
    ids = sorted(alert.id for alert in alerts if alert.id is not None)
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


def _alike(alerts: Iterable[_Told], names: Sequence[str]) -> Iterable[tuple[dict[str, Any], Sequence[_Told]]]:
    """Alerts that have the same values, and the same in these columns, with what they have there."""
    found, those = defaultdict[Any, list[_Told]](list), attrgetter(*names)
    for alert in alerts:
        found[those(alert), repr(alert.values)].append(alert)
    for (same, _), alike in found.items():
        yield {**dict(zip(names, same, strict=True)), 'values': alike[0].values}, alike


def _sum_of(first: Mapping[str, Any], last: Mapping[str, Any]) -> dict[str, Any]:
    """What two changes came to, field by field: from before the first to after the last, without what is as it was."""
    both = {name: [first.get(name, pair)[0], last.get(name, pair)[1]] for name, pair in {**last, **first}.items()}
    return {name: pair for name, pair in both.items() if pair[0] != pair[1]}
