"""Tasks (משימות): what the bureau has to do on a claim and by when, made by hand or by a rule, and gone by itself when what was awaited comes.

A claim's next action stands in the claim. Rules fill it with the nearest of their tasks, and what staff wrote there themselves stays.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, Select, UniqueConstraint, bindparam, event, inspect, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column, validates

from db import texts, values
from db.alert_news import raise_alert
from db.base import Base, BigKey, alias_of
from db.calendar import Calendar, Deadline, calendar_of
from db.calls import Call, follow_ups_among
from db.changes import record_quietly
from db.claims import Claim, ClaimConflict, lock_claim, lock_claims
from db.doorbell import Notice, ring_for
from db.offices import User, bureau_people
from db.reference import CallOutcome, CallParty, Labelled
from db.scope import Actor, Can, ClaimPart, Event, ForBureau, Recorded, claim_key, shared_by_all
from db.texts import N_, ClaimError

TITLE_AT_MOST = 200
DAYS_AT_MOST = 250
# how a task ended: somebody did it, what it awaited came, or nobody needs it any more
DONE, CAME, DROPPED = 'done', 'came', 'dropped'
POSTPONE_BY = (1, 3)
AWAITED = MappingProxyType(
    {
        'documents': N_('All documents are in'),
        'appraisal': N_('The appraiser has inspected'),
        'submission': N_('The claim was submitted'),
        'repair_step': N_('The repair moves to another stage'),
    }
)
# the recorded fields of a claim that tasks go by: a change of others calls for none and ends none
TASKS_GO_BY = frozenset(
    {
        *('status', 'repair_stage', 'waiting_on', 'documents', 'appraised_at', 'submitted_at', 'handler'),
        *('next_action', 'next_action_due'),
    }
)
_CAME: Mapping[str, Callable[[Claim, datetime], bool]] = MappingProxyType(
    {
        'documents': lambda claim, _: claim.documents == 'complete',
        'appraisal': lambda claim, _: claim.appraised_at is not None,
        'submission': lambda claim, since: (
            claim.submitted_at is not None and claim.submitted_at >= values.israel(since).date()
        ),
        'repair_step': lambda *_: False,  # counts anew with every stage
    }
)


@shared_by_all
class TaskRule(Labelled, Base):
    """A task that makes itself: when a claim comes into a state, so many business days later, until it leaves the state or what is awaited comes."""

    __tablename__ = 'task_rules'

    status: Mapped[str | None] = mapped_column('status_id', ForeignKey('claim_statuses.id'))
    stage: Mapped[str | None] = mapped_column('stage_id', ForeignKey('repair_stages.id'))
    waiting_on: Mapped[str | None] = mapped_column('waiting_on_id', ForeignKey('waiting_parties.id'))
    awaits: Mapped[str | None]
    days: Mapped[int]
    # done by hand while the claim still stands there: it comes again, so many days later
    repeats: Mapped[bool] = mapped_column(default=False)

    @validates('days')
    def _days(self, _: str, days: Any) -> int:
        if not isinstance(days, int) or not 0 <= days <= DAYS_AT_MOST:
            raise ClaimError(N_('A number from {least} to {most} is needed here.'), least=0, most=DAYS_AT_MOST)
        return days

    def since(self, claim: Claim) -> datetime | None:
        """Since when a claim has been in the state of this rule, and still is; None when it is not, or what was awaited came."""
        axes = (
            (self.status, claim.status, claim.status_since),
            (self.stage, claim.repair_stage, claim.stage_since or claim.status_since),
            (self.waiting_on, claim.waiting_on, claim.waiting_since),
        )
        named = [(wanted == found, moment) for wanted, found, moment in axes if wanted is not None]
        if not (self.active and claim.is_open and named and all(fits for fits, _ in named)):
            return None
        moments = [moment for _, moment in named]
        if self.awaits == 'repair_step' and claim.stage_since is not None:
            moments.append(claim.stage_since)
        since = max(moments)
        return None if self.awaits and _CAME[self.awaits](claim, since) else since


_BY_HAND = 'hand:'


class Task(ClaimPart, ForBureau, Recorded, Base):
    """Something to be done on a claim by a day. `key` says what it was made for, so that it is made once, also by hand.

    One that is `shown` may stand as the next action of its claim, where the office reads it.
    """

    __tablename__ = 'tasks'
    __table_args__ = (
        claim_key(),
        UniqueConstraint('claim_id', 'key'),
        Index('ix_tasks_claim', 'claim_id', 'due'),
        # done ones are not looked at: what is open comes by whose it is, and by its day
        Index('ix_tasks_whose', 'is_open', 'user_id', 'due', 'id'),
        Index('ix_tasks_due', 'is_open', 'due', 'id'),
    )
    writable_with: ClassVar[Can] = Can.EDIT_CLAIM

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    title: Mapped[str]
    due: Mapped[date]
    # how the day came about: so many business days after one; None: somebody named it
    counted_from: Mapped[date | None]
    days: Mapped[int | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey('users.id'))
    rule: Mapped[str | None] = mapped_column('rule_id', ForeignKey('task_rules.id'))
    key: Mapped[str | None]
    shown: Mapped[bool] = mapped_column(default=False)
    at: Mapped[datetime]
    by: Mapped[str]
    is_open: Mapped[bool] = mapped_column(default=True)
    done_at: Mapped[datetime | None]
    done_by: Mapped[str] = mapped_column(default='')
    outcome: Mapped[str] = mapped_column(default='')
    # the day of which the one whose it is was alerted
    told_of: Mapped[date | None]

    @validates('title')
    def _title(self, _: str, title: str) -> str:
        return values.text(title, limit=TITLE_AT_MOST)

    def event(self, *, new: bool, edited: Mapping[str, Any]) -> Event | None:
        """What people do with tasks stands in the bureau's own record; what makes itself does not."""
        named = {'task': [None, self.title]}
        if new:
            by_hand = not self.key or self.key.startswith(_BY_HAND)
            told = Event('task', {**named, 'due': [None, self.due.isoformat()]}, internal=True) if by_hand else None
        elif self.outcome == DONE and 'outcome' in edited:
            told = Event('task_done', named, internal=True)
        elif 'due' in edited and self.is_open:
            told = Event('task_moved', {**named, 'due': edited['due']}, internal=True)
        else:
            told = None
        return told

    def deadline(self, calendar: Calendar) -> Deadline | None:
        """How its day was counted, with the days that did not; None when somebody named it."""
        if self.counted_from is None or self.days is None:
            return None
        counted = calendar.business_days_after(self.counted_from, self.days)
        return counted if counted.day == self.due else None


@dataclass(frozen=True)
class TaskNote:
    """What a person writes down of a task. Without a `user_id` it is the team's."""

    title: str
    due: date
    user_id: int | None = None
    shown: bool = False


# ---- questions --------------------------------------------------------------------------------------------------------------


def tasks_of(claim_id: int) -> Select[Task]:
    """The tasks of a claim: the open ones by their day, then the others, the last one done first."""
    order = (Task.is_open.desc(), Task.done_at.desc(), Task.due, Task.id)
    return select(Task).where(Task.claim_id == claim_id).order_by(*order)


def open_tasks() -> Select[Task]:
    """Everything the bureau has to do, by its day."""
    return select(Task).where(Task.is_open).order_by(Task.due, Task.id)


def open_claims_after(claim_id: int, limit: int) -> Select[int]:
    """The next open claims by id: the way of a sweep."""
    return select(Claim.id).where(Claim.is_open, Claim.id > claim_id).order_by(Claim.id).limit(limit)


# ---- orders -----------------------------------------------------------------------------------------------------------------


def add_task(session: Session, claim_id: int, note: TaskNote, now: datetime, *, key: str | None = None) -> Task:
    """Write a task down by hand. Sent twice with one key, because the first answer got lost, it is one task."""
    actor = _staff(session)
    claim = lock_claim(session, claim_id)
    key = f'{_BY_HAND}{actor.user_id}:{key}' if key else None
    known = session.scalar(select(Task).where(Task.claim_id == claim.id, Task.key == key)) if key else None
    if known is not None:
        return known
    if not note.title.strip():
        raise ClaimError(N_('Please write what is to be done.'))
    _check_day(note.due, now)
    _check_person(session, note.user_id)
    task = Task(
        title=note.title,
        due=note.due,
        user_id=note.user_id,
        key=key,
        shown=note.shown,
        claim_id=claim.id,
        office_id=claim.office_id,
        at=now,
        by=actor.name,
    )
    session.add(task)
    if note.shown:
        claim.next_action, claim.next_action_due = note.title, note.due
    return task


def complete(session: Session, task_id: int, now: datetime) -> Task:
    """A task is done."""
    task = _task_to_change(session, task_id)
    _close(task, DONE, now, session.info['actor'].name)
    return task


def postpone(session: Session, task_id: int, due: date, now: datetime) -> Task:
    """Another day will do."""
    task = _task_to_change(session, task_id)
    _check_day(due, now)
    task.due = due
    return task


def assign(session: Session, task_id: int, seen: int | None, user_id: int | None, now: datetime) -> Task:
    """Give a task to somebody of the bureau, take it over, or leave it to the team; `seen` is who had it when that was decided."""
    task = _task_to_change(session, task_id)
    if task.user_id not in (seen, user_id):
        raise ClaimConflict('user_id', task.user_id)
    _check_person(session, user_id)
    _give(task, user_id, session.info['actor'])
    return task


def _staff(session: Session) -> Actor:
    actor: Actor = session.info['actor']
    actor.need(Can.EDIT_CLAIM)
    return actor


def _task_to_change(session: Session, task_id: int) -> Task:
    """Load under scope, in turn with whoever changes the claim."""
    _staff(session)
    task = session.get(Task, task_id)
    if task is not None:
        lock_claim(session, task.claim_id)
        task = session.get(Task, task_id, populate_existing=True)
    if task is None:
        raise ClaimError(N_('This task was not found.'))
    if not task.is_open:
        raise ClaimError(N_('This task was done meanwhile.'))
    return task


def _check_day(due: date, now: datetime) -> None:
    if due < values.israel(now).date():
        raise ClaimError(N_('This day is over. Please choose one to come.'))


def _check_person(session: Session, user_id: int | None) -> None:
    if user_id is not None and session.scalar(bureau_people().where(User.id == user_id)) is None:
        raise ClaimError(N_('Please choose somebody of the bureau.'))


def _give(task: Task, user_id: int | None, by: Actor) -> None:
    """It is somebody else's now, who is alerted of it anew when its day has come; who took it himself knows of it."""
    if user_id not in (task.user_id, by.user_id):
        task.told_of = None
    task.user_id = user_id


def _close(task: Task, outcome: str, now: datetime, by: str) -> None:
    task.is_open, task.outcome, task.done_at, task.done_by = False, outcome, now, by


# ---- what makes itself ------------------------------------------------------------------------------------------------------


@dataclass
class _Desk:
    """What deciding about a handful of claims takes: read once for all of them."""

    now: datetime
    calendar: Calendar
    rules: Sequence[TaskRule]
    tasks: Mapping[int, list[Task]]
    follow_ups: Mapping[int, Mapping[Call, bool]]
    staff: frozenset[int]
    parties: Mapping[str, str]

    @property
    def today(self) -> date:
        return values.israel(self.now).date()


def settle_tasks(session: Session, claim_ids: Iterable[int], now: datetime) -> None:
    """Make the tasks that these claims call for, close those that nobody waits for any more, and name their next action.

    May run at any time and any number of times. Quietly: a reminder of the bureau to itself is no news of the claim.
    """
    session.info['actor'].need(Can.KEEP_BOOKS)
    record_quietly(session, internal=True)
    claims = lock_claims(session, claim_ids)
    desk = _desk_of(session, [claim.id for claim in claims], now)
    for claim in claims:
        for task in [*_by_rules(claim, desk), *_by_calls(claim, desk)]:
            session.add(task)
            desk.tasks[claim.id].append(task)
        _name_next_action(claim, desk.tasks[claim.id])


def alert_of_tasks(session: Session, now: datetime, limit: int = 200) -> int:
    """Alert whoever has a task that is due today or was before; each once for its day. Returns how many tasks were looked at."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    today = values.israel(now).date()
    untold = or_(Task.told_of.is_(None), Task.told_of != Task.due)
    due = select(Task, Claim).join(Claim, Claim.id == Task.claim_id)
    due = due.where(Task.is_open, Task.user_id.is_not(None), Task.due <= today, untold).order_by(Task.id).limit(limit)
    found = list(session.execute(due))
    for task, claim in sorted(found, key=lambda one: one.Claim.id):  # as everybody takes claims
        told = {'title': task.title, 'day': task.due.isoformat()}
        raise_alert(session, claim, 'task.due', f'task:{task.id}:{task.due}', told, now, to=[task.user_id or 0])
        task.told_of = task.due
    return len(found)


def _desk_of(session: Session, ids: Sequence[int], now: datetime) -> _Desk:
    tasks: defaultdict[int, list[Task]] = defaultdict(list)
    for task in session.scalars(_TASKS, {'ids': ids}):
        tasks[task.claim_id].append(task)
    follow_ups = _follow_ups(session, ids)
    # only calls are asked about these two
    staff = session.scalars(_STAFF) if follow_ups else ()
    parties = session.scalars(_PARTIES) if follow_ups else ()
    return _Desk(
        now,
        calendar_of(session),
        list(session.scalars(_RULES)),
        tasks,
        follow_ups,
        frozenset(staff),
        {party.id: party.label for party in parties},
    )


# made once: so many changes ask these
_ids: Any = bindparam('ids', expanding=True)
_TASKS = select(Task).where(Task.claim_id.in_(_ids)).order_by(Task.id)
_RULES = select(TaskRule).order_by(TaskRule.position, TaskRule.id)
_STAFF = bureau_people().with_only_columns(User.id)
_PARTIES = select(CallParty)
_OUTCOMES = select(CallOutcome)
_asking = alias_of(Call)
_CALLS_WHERE_ONE_ASKS = (
    select(Call)
    .where(
        Call.claim_id.in_(select(_asking.claim_id).where(_asking.claim_id.in_(_ids), _asking.follow_up.is_not(None)))
    )
    .order_by(Call.at.desc(), Call.id.desc())
)


def _follow_ups(session: Session, ids: Sequence[int]) -> Mapping[int, Mapping[Call, bool]]:
    """Of each claim: the calls that ask for another one, and whether that happened."""
    calls: defaultdict[int, list[Call]] = defaultdict(list)
    for call in session.scalars(_CALLS_WHERE_ONE_ASKS, {'ids': ids}):
        calls[call.claim_id].append(call)
    outcomes = {outcome.id: outcome for outcome in session.scalars(_OUTCOMES)} if calls else {}
    by_id = {call.id: call for of_claim in calls.values() for call in of_claim}
    return {
        claim_id: {by_id[call_id]: done for call_id, done in follow_ups_among(of_claim, outcomes).items()}
        for claim_id, of_claim in calls.items()
    }


def _by_rules(claim: Claim, desk: _Desk) -> list[Task]:
    """The tasks a claim's state calls for and that it has not had; what belongs to another state is closed."""
    standing = {rule.id: since for rule in desk.rules if (since := rule.since(claim)) is not None}
    for task in desk.tasks[claim.id]:
        if task.is_open and not _is_still_called_for(task, standing, claim):
            _close(task, CAME if claim.is_open else DROPPED, desk.now, '')
    called_for = [_next_of(rule, standing[rule.id], claim, desk) for rule in desk.rules if rule.id in standing]
    return [task for task in called_for if task is not None]


def _is_still_called_for(task: Task, standing: Mapping[str, datetime], claim: Claim) -> bool:
    if task.rule is None:
        return claim.is_open
    since = standing.get(task.rule)
    return since is not None and (task.key or '').startswith(key_of_stay(task.rule, since))


def key_of_stay(rule: str, since: datetime) -> str:
    """What the keys of a rule's tasks for one stay of a claim in its state begin with; the number of the task follows."""
    return f'{rule}:{since.isoformat(timespec="seconds")}:'


def key_of_call(call_id: int) -> str:
    """The key of the task of somebody who promised to call again."""
    return f'call:{call_id}'


def _next_of(rule: TaskRule, since: datetime, claim: Claim, desk: _Desk) -> Task | None:
    """The task of a rule for this stay in its state: the first one, or, of a rule that repeats, the one after a task that was done."""
    start = key_of_stay(rule.id, since)
    had = [task for task in desk.tasks[claim.id] if (task.key or '').startswith(start)]
    if had and (had[-1].outcome != DONE or not rule.repeats):
        return None
    begun = values.israel(had[-1].done_at or desk.now).date() if had else values.israel(since).date()
    counted = desk.calendar.business_days_after(begun, rule.days)
    return Task(
        title=rule.label,
        due=max(counted.day, desk.today),
        counted_from=begun,
        days=rule.days,
        rule=rule.id,
        key=f'{start}{len(had)}',
        shown=True,
        user_id=claim.handler,
        **_made(claim, desk),
    )


def _by_calls(claim: Claim, desk: _Desk) -> list[Task]:
    """A task for each day on which somebody promised to call again; done once somebody was reached there."""
    asked = {key_of_call(call.id): (call, done) for call, done in desk.follow_ups.get(claim.id, {}).items()}
    had = {task.key: task for task in desk.tasks[claim.id] if (task.key or '').startswith('call:')}
    for key, task in had.items():
        if task.is_open and asked.get(key or '', (None, True))[1]:
            _close(task, CAME if key in asked else DROPPED, desk.now, '')
    return [
        _call_again(call, claim, desk)
        for key, (call, done) in asked.items()
        if not done and key not in had and claim.is_open and call.user_id in desk.staff
    ]


def _call_again(call: Call, claim: Claim, desk: _Desk) -> Task:
    return Task(
        title=title_of_call(call, desk.parties),
        due=call.follow_up,
        key=key_of_call(call.id),
        shown=False,
        user_id=call.user_id,
        **_made(claim, desk),
    )


def title_of_call(call: Call, parties: Mapping[str, str]) -> str:
    """What the task is called of somebody who promised to call again; `parties` are their names in words."""
    who = ', '.join(filter(None, (parties.get(call.party, ''), call.person)))
    return texts.t(N_('Call again: {who}'), 'he', who=who)


def _made(claim: Claim, desk: _Desk) -> dict[str, Any]:
    return {'claim_id': claim.id, 'office_id': claim.office_id, 'at': desk.now, 'by': '', 'is_open': True}


def _name_next_action(claim: Claim, tasks: Sequence[Task]) -> None:
    """The nearest of the shown tasks is the claim's next action, unless somebody wrote another one there himself."""
    shown = [task for task in tasks if task.shown]
    if claim.next_action and claim.next_action not in {task.title for task in shown}:
        return
    nearest = min((task for task in shown if task.is_open), key=lambda task: task.due, default=None)
    named = (nearest.title, nearest.due) if nearest else ('', None)
    if (claim.next_action, claim.next_action_due) != named and (nearest or claim.next_action):
        claim.next_action, claim.next_action_due = named


# ---- the session's part -----------------------------------------------------------------------------------------------------


def _follow_claims(session: Session, *_: Any) -> None:
    """Before a flush: tasks go along when their claim is given to somebody else or its next action gets another day."""
    if session.info['reading'] or not session.info['actor'].is_bureau:
        return
    for claim in [row for row in session.dirty if isinstance(row, Claim)]:
        attributes = inspect(claim).attrs
        handed, moved = attributes.handler.history, attributes.next_action_due.history
        if handed.has_changes() or moved.has_changes():
            with session.no_autoflush:
                tasks = list(session.scalars(select(Task).where(Task.claim_id == claim.id, Task.is_open)))
            _hand_over(tasks, handed, session.info['actor'])
            if claim.next_action_due is not None and not attributes.next_action.history.has_changes():
                _move_along(tasks, claim)


def _hand_over(tasks: Iterable[Task], handed: Any, by: Actor) -> None:
    if handed.has_changes():
        before = handed.deleted[0] if handed.deleted else None
        for task in tasks:
            if task.user_id == before and (before is not None or task.rule is not None):
                _give(task, handed.added[0] if handed.added else None, by)


def _move_along(tasks: Iterable[Task], claim: Claim) -> None:
    task = next((task for task in tasks if task.shown and task.is_open and task.title == claim.next_action), None)
    if task is not None and claim.next_action_due is not None:
        task.due = claim.next_action_due


def _ring(session: Session, _: Any) -> None:
    """After a flush: whoever shows the claim looks again."""
    tasks = [row for row in [*session.new, *session.dirty] if isinstance(row, Task)]
    ring_for(session, {Notice('claim', task.office_id, task.claim_id) for task in tasks})


def listen_to(session_class: type[Session]) -> None:
    """Attach the tasks to a session class, before the record; called once, by db/session.py."""
    event.listen(session_class, 'before_flush', _follow_claims)
    event.listen(session_class, 'after_flush', _ring)
