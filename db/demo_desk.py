"""The tasks of the demo's claims: those the rules and calls made on the way, done one after the other, and a few that somebody wrote down.

What is open is what the desk itself would have opened by now: whoever does one of them finds one less, and no other comes up.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from db import demo_words as words
from db import values
from db.calendar import Calendar
from db.calls import Call, follow_ups_among
from db.changes import plain
from db.claims import Claim
from db.demo_stories import Story
from db.reference import CallOutcome
from db.tasks import DONE, TaskRule, key_of_call, key_of_stay, title_of_call

Row = dict[str, Any]


@dataclass(frozen=True)
class ByHand:
    """How the bureau of the demo works: as of when, by which calendar and rules, how it speaks of calls, who, and its chance."""

    at: datetime
    calendar: Calendar
    rules: Sequence[TaskRule]
    outcomes: Mapping[str, CallOutcome]
    parties: Mapping[str, str]
    staff: Sequence[str]
    seed: int

    @property
    def today(self) -> date:
        return values.israel(self.at).date()


def tasks_of_story(story: Story, how: ByHand) -> list[Row]:
    """The tasks of all open claims; a claim without a next action gets the nearest of them."""
    rng, rows = Random(how.seed), []
    record = {change['claim_id']: change for change in story.changes if _is_entry(change)}
    calls = defaultdict(list)
    for call in sorted(story.calls, key=lambda call: (call['at'], call['id']), reverse=True):
        calls[call['claim_id']].append(Call(**call))
    for claim in story.claims:
        if claim['is_open']:
            made = [row for rule in how.rules for row in _by_rule(rule, claim, how, rng)]
            rows += made
            rows += _by_calls(claim, calls[claim['id']], how, rng)
            _name_next_action(claim, made, record[claim['id']], how, rng)
            if rng.random() < 0.08:
                rows.append(_by_hand(claim, how, rng))
    return [{'id': number, **row} for number, row in enumerate(rows, 1)]


def _is_entry(change: Row) -> bool:
    """Whether it is the change that brought a claim to its next action, or to its status: the last such is edited."""
    return bool({'status', 'next_action'} & change['fields'].keys())


def _by_rule(rule: TaskRule, claim: Row, how: ByHand, rng: Random) -> Iterator[Row]:
    since = rule.since(Claim(**claim))
    if since is None:
        return
    begun, patience, number = values.israel(since).date(), _patience(rng), 0
    while True:
        due = how.calendar.business_days_after(begun, rule.days).day
        row = _row(claim, title=rule.label, at=_morning(begun), rule=rule.id, shown=True, user_id=claim['handler'])
        row |= {'counted_from': begun, 'days': rule.days, 'key': f'{key_of_stay(rule.id, since)}{number}'}
        row |= _until(due, patience, how.staff[number % len(how.staff)], how)
        yield row
        if row['is_open'] or not rule.repeats:
            return
        begun, number = due, number + 1


def _by_calls(claim: Row, newest_first: Sequence[Call], how: ByHand, rng: Random) -> Iterator[Row]:
    """Whoever of the bureau promised to call again."""
    promised = follow_ups_among(newest_first, how.outcomes)
    for call in reversed(newest_first):
        if call.by in how.staff and call.follow_up is not None and promised.get(call.id) is False:
            title = title_of_call(call, how.parties)
            row = _row(claim, title=title, at=call.at, key=key_of_call(call.id), user_id=call.user_id)
            yield row | _until(call.follow_up, _patience(rng), call.by, how)


def _patience(rng: Random) -> timedelta:
    """Some are done on their day, some a little later, and some nobody has come to yet."""
    return timedelta(days=rng.choice((0, 0, 0, 0, 1, 2, 4)))


def _until(due: date, patience: timedelta, done_by: str, how: ByHand) -> Row:
    """A task's day, and what became of it by now. Whoever is due was told, but for today."""
    row = {'due': due, 'is_open': due >= how.today - patience, 'told_of': due if due < how.today else None}
    return row if row['is_open'] else {**row, 'outcome': DONE, 'done_at': _morning(due), 'done_by': done_by}


def _name_next_action(claim: Row, made: Sequence[Row], entry: Row, how: ByHand, rng: Random) -> None:
    """Somebody keeps most of them up to date, and their claims' record says so."""
    waiting = [row for row in made if row['is_open']]
    if claim['next_action'] and claim['next_action_due'] < how.today and rng.random() < 0.85:
        days = timedelta(days=rng.randint(0, 6))
        _tell(claim, entry, 'next_action_due', how.calendar.next_business_day(how.today + days).day)
    elif not claim['next_action'] and waiting:
        nearest = min(waiting, key=lambda row: row['due'])
        _tell(claim, entry, 'next_action', nearest['title'])
        _tell(claim, entry, 'next_action_due', nearest['due'])


def _tell(claim: Row, entry: Row, name: str, value: Any) -> None:
    entry['fields'].setdefault(name, [plain(claim[name]), None])[1] = plain(value)
    claim[name] = value


def _by_hand(claim: Row, how: ByHand, rng: Random) -> Row:
    due = how.calendar.next_business_day(how.today + timedelta(days=rng.randint(-2, 5))).day
    whose = claim['handler'] if rng.random() < 0.6 else None
    by = rng.choice(how.staff)
    row = _row(claim, title=rng.choice(words.TASKS), due=due, at=_morning(how.today - timedelta(days=3)), is_open=True)
    return {**row, 'user_id': whose, 'by': by}


def _row(claim: Row, **given: Any) -> Row:
    blank = dict.fromkeys(('counted_from', 'days', 'rule', 'key', 'user_id', 'done_at', 'told_of'))
    empty = {'shown': False, 'by': '', 'done_by': '', 'outcome': ''}
    return {**blank, **empty, 'claim_id': claim['id'], 'office_id': claim['office_id'], **given}


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(9, 15), tzinfo=values.ISRAEL)
