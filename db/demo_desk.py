"""The tasks of the demo's claims: those the rules made on the way, done one after the other, and a few that somebody wrote down."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from db import demo_words as words
from db import values
from db.calendar import Calendar
from db.changes import plain
from db.demo_stories import Story
from db.tasks import DONE, TaskRule, key_of_stay

Row = dict[str, Any]


@dataclass(frozen=True)
class ByHand:
    """How the bureau of the demo works: as of when, by which calendar, who, and its chance."""

    at: datetime
    calendar: Calendar
    staff: Sequence[str]
    seed: int

    @property
    def today(self) -> date:
        return values.israel(self.at).date()


def tasks_of_story(story: Story, rules: Sequence[TaskRule], how: ByHand) -> list[Row]:
    """The tasks of all open claims; a claim without a next action gets the nearest of them, but for a few that were forgotten."""
    rng, rows = Random(how.seed), []
    record = {change['claim_id']: change for change in story.changes if _is_entry(change)}
    for claim in story.claims:
        if claim['is_open']:
            made = [row for rule in rules for row in _by_rule(rule, claim, how, rng)]
            rows += made
            _name_next_action(claim, made, record[claim['id']], how, rng)
            if rng.random() < 0.08:
                rows.append(_by_hand(claim, how, rng))
    return [{'id': number, **row} for number, row in enumerate(rows, 1)]


def _is_entry(change: Row) -> bool:
    """Whether it is the change that brought a claim to its next action, or to its status: the last such is edited."""
    return bool({'status', 'next_action'} & change['fields'].keys())


def _by_rule(rule: TaskRule, claim: Row, how: ByHand, rng: Random) -> Iterator[Row]:
    if rule.status != claim['status']:
        return
    since = claim['status_since']
    # some are done on their day, some a little later, and some nobody has come to yet
    begun, patience, number = values.israel(since).date(), rng.choice((0, 0, 0, 0, 1, 2, 4)), 0
    while True:
        due = how.calendar.business_days_after(begun, rule.days).day
        is_open = due >= how.today - timedelta(days=patience)
        row = _row(claim, title=rule.label, due=due, at=_morning(begun), is_open=is_open)
        row |= {'counted_from': begun, 'days': rule.days, 'rule': rule.id, 'shown': True}
        # whoever is due was told, but for today
        row |= {'told_of': due if due < how.today else None}
        row |= {'key': f'{key_of_stay(rule.id, since)}{number}', 'user_id': claim['handler']}
        if not is_open:
            done_by = how.staff[number % len(how.staff)]
            row |= {'outcome': DONE, 'done_at': _morning(due), 'done_by': done_by}
        yield row
        if is_open or not rule.repeats:
            return
        begun, number = due, number + 1


def _name_next_action(claim: Row, made: Sequence[Row], entry: Row, how: ByHand, rng: Random) -> None:
    """Somebody keeps most of them up to date, and their claims' record says so."""
    waiting = [row for row in made if row['is_open']]
    if claim['next_action'] and claim['next_action_due'] < how.today and rng.random() < 0.85:
        days = timedelta(days=rng.randint(0, 6))
        _tell(claim, entry, 'next_action_due', how.calendar.next_business_day(how.today + days).day)
    elif not claim['next_action'] and waiting and rng.random() < 0.7:
        _tell(claim, entry, 'next_action', waiting[0]['title'])
        _tell(claim, entry, 'next_action_due', waiting[0]['due'])


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
