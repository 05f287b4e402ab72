"""From what happened to alerts: whom a change, a date or a task concerns, and what each of them is told."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import and_, bindparam, select
from sqlalchemy.orm import Session

from db.alert_choices import Choices, ClaimWatch, choices_of, hears_of_claim, watches_of
from db.alert_kinds import APP, EVENTS, KINDS, MENTION, UPDATED, event_of, events_of
from db.alert_rows import COLUMNS, ROWS, Told, write_told
from db.alerts import Alert, Cursor
from db.base import take_turns
from db.bureau import bureau_settings
from db.catch_up import changes_after, place_of
from db.changes import Change
from db.claims import Claim
from db.offices import AgentOffice, User
from db.reference import RepairStage
from db.scope import BUREAU_ROLES, Can
from db.seen_marks import SeenMark

# ---- orders -----------------------------------------------------------------------------------------------------------------


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
    people = _people_of_claim(session, claim, kind) if to is None else to
    fresh = _without_alert(session, people, key)
    listeners = _Listeners.of(session, claim.id, fresh)
    alerts = [Told(user_id, claim.id, claim.office_id, kind, key, dict(values), None, at) for user_id in fresh]
    told = [alert for alert in alerts if listeners.place(alert, events_of(kind))]
    write_told(session, told)
    return len(told)


def _people_of_claim(session: Session, claim: Claim, kind: str) -> Sequence[int]:
    """Whom an alert of this kind concerns: the people of the claim's office who may see it, its handler, and who follows it."""
    always, of_bureau = EVENTS[event_of(kind)].always, KINDS[kind].bureau
    followers = _followers_of(session, [claim.id])[claim.id]
    return [one.user_id for one in followers if (always or one.usually) and (one.of_bureau or not of_bureau)]


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
        return cls(
            cool_off=timedelta(minutes=settings.stage_cool_off_minutes),
            together=timedelta(minutes=settings.alert_cool_off_minutes),
            silent=frozenset(session.scalars(_SILENT_STAGES)),
        )

    def are_one(self, other: Told, alert: Told) -> bool:
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

    def place(self, alert: Told, events: Sequence[str], cool_off: timedelta = timedelta(0)) -> bool:
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
    # who has to find somebody for it, by the change by which an office opened a claim that nobody handles
    takers: Mapping[int, Sequence[int]]
    listeners: Mapping[int, _Listeners]
    # who has an alert of a change already, by its key
    has_it: Collection[tuple[int, str]]
    # of each person and claim the unread alerts about fields, which may tell one story with a new one
    unread: defaultdict[tuple[int, int], list[Told]]
    changes: dict[int, Change]
    # what is new or differs now
    told: list[Told] = field(default_factory=list)

    @classmethod
    def of(cls, session: Session, changes: Sequence[Change], terms: _Terms) -> '_News':
        claims = {change.claim_id for change in changes}
        followers, takers = _followers_of(session, claims), _takers_of(session, changes)
        named = {user_id for change in changes for user_id in _named_in(change)}
        people = {*named, *(one.user_id for of_claim in followers.values() for one in of_claim)}
        people.update(*takers.values())
        keys = {'people': people, 'keys': [_key_of(change) for change in changes]}
        unread = _unread_beside(session, changes, people, terms)
        return cls(
            terms,
            followers,
            takers,
            _listeners_of(session, followers, named, people),
            {(user_id, key) for user_id, key in session.execute(_HAVING_IT, keys)},
            unread,
            {change.id: change for change in (*changes, *_told_by(session, unread))},
        )

    def concerned(self, change: Change, *, always: bool) -> list[int]:
        """Whom a change concerns, without its author and who saw it already; `always`: also who asked for his own claims only."""
        author, change_id = change.user_id, change.id
        followers = [
            one.user_id
            for one in self.followers[change.claim_id]
            if (always or one.usually) and one.user_id != author and one.seen < change_id
        ]
        return [*followers, *self.takers.get(change_id, ())]

    def called(self, change: Change) -> list[int]:
        """Whom a message or a note calls by name: of the bureau anybody, of the office those whom the change concerns anyway."""
        named = _named_in(change)
        of_bureau = self.listeners[change.claim_id].of_bureau
        office = () if change.internal or not named else self.concerned(change, always=True)
        return [one for one in named if (one in of_bureau and one != change.user_id) or one in office]

    def near(self, alert: Told) -> Told | None:
        """The newest unread alert that tells one story with a new one."""
        waiting = (other for other in self.unread[alert.user_id, alert.claim_id] if other.read_at is None)
        newest_first = sorted(waiting, key=lambda other: other.change_id or 0, reverse=True)
        return next((other for other in newest_first if self.terms.are_one(other, alert)), None)

    def fields_of(self, session: Session, alert: Told) -> Mapping[str, Any]:
        """What an alert tells; many people's alerts tell of one change."""
        if 'fields' in alert.values:
            told: Mapping[str, Any] = alert.values['fields']
            return told
        change_id = alert.change_id or 0
        if change_id not in self.changes:
            self.changes[change_id] = session.get_one(Change, change_id)
        return self.changes[change_id].fields


def _told_by(session: Session, unread: Mapping[tuple[int, int], Sequence[Told]]) -> Sequence[Change]:
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
_UNHANDLED = (
    select(Change.id)
    .join(Claim, Claim.id == Change.claim_id)
    .join(User, User.id == Change.user_id)
    .where(Change.id.in_(bindparam('ids', expanding=True)), Claim.handler.is_(None), User.office_id.is_not(None))
)
_OF_BUREAU = select(User.id).where(User.id.in_(_people), User.active, User.role.in_(sorted(BUREAU_ROLES)))
_HAVING_IT = select(Alert.user_id, Alert.key).where(
    Alert.user_id.in_(_people), Alert.key.in_(bindparam('keys', expanding=True))
)
_UPDATES = select(*(ROWS.c[name] for name in COLUMNS)).where(Alert.kind == UPDATED, Alert.read_at.is_(None))
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


def _takers_of(session: Session, changes: Sequence[Change]) -> Mapping[int, Sequence[int]]:
    """Everybody of the bureau, for each of these changes by which an office opened a claim that nobody handles yet."""
    opened = [change.id for change in changes if change.kind == 'opened']
    unhandled = session.scalars(_UNHANDLED, {'ids': opened}).all() if opened else ()
    if not unhandled:
        return {}
    bureau = session.scalars(select(User.id).where(User.active, User.role.in_(sorted(BUREAU_ROLES)))).all()
    return dict.fromkeys(unhandled, bureau)


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
) -> defaultdict[tuple[int, int], list[Told]]:
    """The unread alerts of these people about fields of the same claims, as far as one may tell one story with a new one."""
    unread: defaultdict[tuple[int, int], list[Told]] = defaultdict(list)
    updates = [change for change in changes if f'claim.{change.kind}' == UPDATED]
    if updates:
        moments, reach = [change.at for change in updates], max(terms.cool_off, terms.together)
        asked: dict[str, Any] = {'start': min(moments) - reach, 'end': max(moments) + reach}
        asked |= {'people': people, 'claims': {change.claim_id for change in updates}}
        # NOTE: past the ORM, which takes as long for each row as everything else; the product's alone, as what is written is
        for alert in (Told(*row) for row in session.connection().execute(_UPDATES_BESIDE, asked)):
            unread[alert.user_id, alert.claim_id].append(alert)
    return unread


def _alert_of_all(session: Session, changes: Sequence[Change]) -> None:
    """Decide office by office, as it happened to each claim: the people of one are looked for among the alerts of its changes only."""
    if not changes:
        return
    terms, told = _Terms.of(session), list[Told]()
    in_order = sorted(changes, key=lambda change: (change.office_id, change.claim_id, change.id))
    for of_office in [[*group] for _, group in groupby(in_order, key=lambda change: change.office_id)]:
        news = _News.of(session, of_office, terms)
        for change in of_office:
            _alert(session, change, news)
        told += news.told
    write_told(session, told)


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


def _alerts_of(change: Change, kinds: Mapping[int, str], fields: Mapping[str, Any]) -> Iterator[Told]:
    """An alert of its kind for each of these people; what is asked of a loaded row so often is asked once."""
    values: dict[str, Any] = {} if fields == change.fields else {'fields': fields}
    claim_id, office_id, change_id, at, key = change.claim_id, change.office_id, change.id, change.at, _key_of(change)
    return (Told(user_id, claim_id, office_id, kind, key, values, change_id, at) for user_id, kind in kinds.items())


def _without_alert(session: Session, people: Iterable[int], key: str) -> list[int]:
    """Who of these people has no alert of this key yet."""
    asked = list(dict.fromkeys(people))
    has_it = set(session.scalars(select(Alert.user_id).where(Alert.user_id.in_(asked), Alert.key == key)))
    return [user_id for user_id in asked if user_id not in has_it]


def _tell_in_turn(session: Session, alert: Told, news: _News) -> None:
    """Beside what a person has not read yet of the claim."""
    if (other := news.near(alert)) is not None and _tell_as_one(session, other, alert, news):
        news.told.append(other)
    news.unread[alert.user_id, alert.claim_id].append(alert)


def _tell_as_one(session: Session, other: Told, alert: Told, news: _News) -> bool:
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
    for alert in (Told(*row) for row in session.connection().execute(_UPDATES_WAITING, asked)):
        if alert.id not in known:
            news.unread[alert.user_id, alert.claim_id].append(alert)
    everybodys = [alert for of_person in news.unread.values() for alert in of_person]
    for alert in (alert for alert in everybodys if _waits_for(alert, change)):
        stage = {'repair_stage': change.fields['repair_stage']}
        told = news.fields_of(session, alert)
        if 'repair_stage' in told and not _sum_of(told, stage):
            alert.read_at = change.at
            news.told.append(alert)


def _waits_for(alert: Told, change: Change) -> bool:
    """Whether an alert of something before a change is still to be told when that happens."""
    of_claim = alert.claim_id == change.claim_id and alert.read_at is None
    waits = alert.hidden and alert.due_at is not None and alert.due_at >= change.at
    return of_claim and waits and (alert.change_id or 0) < change.id


def _sum_of(first: Mapping[str, Any], last: Mapping[str, Any]) -> dict[str, Any]:
    """What two changes came to, field by field: from before the first to after the last, without what is as it was."""
    both = {name: [first.get(name, pair)[0], last.get(name, pair)[1]] for name, pair in {**last, **first}.items()}
    return {name: pair for name, pair in both.items() if pair[0] != pair[1]}
