"""A regulatory clock in words: what it counts, from when to when, which days did not count and why, and how it stands."""

from collections.abc import Sequence
from datetime import date

from components.words import weekday_of
from db import texts, values
from db.calendar import WEEKEND
from db.clocks import (
    BUSINESS,
    EVENTS,
    LATE,
    LIMITATION_STEPS,
    MET,
    NOT_STARTED,
    PASSED,
    RUNNING,
    STATES,
    STOPPED,
    YEARS,
    Clock,
)

_HUES = {NOT_STARTED: 'slate', RUNNING: 'blue', MET: 'green', LATE: 'red', PASSED: 'red', STOPPED: 'slate'}
# so many days before the last one it is amber, and red: of a limitation a year before and half a year, since a suit takes its time
_SOON, _SOON_IN_YEARS = (7, -1), (LIMITATION_STEPS[2], LIMITATION_STEPS[1])
MISSING_SHOWN = 5


def count_text(clock: Clock, reader: str) -> str:
    """«14 business days»."""
    n = clock.rule.amount
    if clock.rule.unit == BUSINESS:
        return texts.tn('{n} business day', '{n} business days', n, reader)
    if clock.rule.unit == YEARS:
        return texts.tn('{n} year', '{n} years', n, reader)
    return texts.tn('{n} day', '{n} days', n, reader)


def standing(clock: Clock, reader: str) -> tuple[str, str]:
    """How it stands: a hue and some words."""
    hue = _hue(clock)
    if clock.state == RUNNING:
        left = texts.tn('{n} day left', '{n} days left', clock.days_left, reader, n=f'{clock.days_left:,}')
        return hue, left if clock.days_left else texts.t('Today is the last day', reader)
    if clock.state == PASSED and clock.closed_on is None:
        passed = -clock.days_left
        return hue, texts.tn('Passed {n} day ago', 'Passed {n} days ago', passed, reader, n=f'{passed:,}')
    return hue, texts.t(STATES[clock.state], reader)


def _hue(clock: Clock) -> str:
    amber, red = _SOON_IN_YEARS if clock.rule.unit == YEARS else _SOON
    if clock.state != RUNNING or clock.days_left > amber:
        return _HUES[clock.state]
    return 'red' if clock.days_left <= red else 'amber'


def explained(clock: Clock, reader: str) -> list[str]:
    """The clock in sentences, each one a line."""
    if clock.start is None or clock.deadline is None:
        return [waiting(clock, reader)]
    lines = [
        texts.t(
            '{count} from {start} end on {end}.',
            reader,
            count=count_text(clock, reader),
            start=values.format_day(clock.start),
            end=values.format_day(clock.deadline.day),
        ),
        f'{texts.t("Counted from", reader)}: {event_text(clock, clock.rule.starts_with, reader)}.',
        *([skipped_text(clock, reader)] if clock.deadline.skipped else []),
    ]
    if clock.deadline.note and clock.deadline.working_day:
        lines.append(
            texts.t(
                'The last day itself is no business day ({why}); the next one is {day}.',
                reader,
                why=texts.t(clock.deadline.note, reader),
                day=values.format_day(clock.deadline.working_day),
            )
        )
    if clock.end is not None and clock.rule.ends_with:
        happened = event_text(clock, clock.rule.ends_with, reader)
        lines.append(f'{happened}: {values.format_day(clock.end)}.')
    elif clock.closed_on is not None:
        lines.append(
            texts.t(
                'The claim was closed on {day}, and nothing counts on.',
                reader,
                day=values.format_day(clock.closed_on),
            )
        )
    return lines


def waiting(clock: Clock, reader: str) -> str:
    """What a clock that has not started waits for."""
    names: Sequence[str] = clock.missing if clock.rule.starts_with == 'file_complete' else ()
    shown = ', '.join(names[:MISSING_SHOWN]) or texts.t(EVENTS[clock.rule.starts_with], reader)
    more = len(names) - MISSING_SHOWN
    if more > 0:
        shown = f'{shown} {texts.t("and {n} more", reader, n=more)}'
    return texts.t('The clock has not started – missing: {what}', reader, what=shown)


def event_text(clock: Clock, event: str, reader: str) -> str:
    """What happened; and how one knows, when staff set the day by hand."""
    said, reason = texts.t(EVENTS[event], reader), clock.by_hand.get(event)
    return texts.t('{event} (set by hand: {reason})', reader, event=said, reason=reason) if reason else said


def skipped_text(clock: Clock, reader: str) -> str:
    """«Not counted: Rosh Hashanah, Yom Kippur; 9 days of weekends»."""
    named = ', '.join(texts.t(reason, reader) for reason in clock.reasons)
    weekends = texts.tn('{n} day of a weekend', '{n} days of weekends', clock.weekend_days, reader)
    parts = [*([named] if named else []), *([weekends] if clock.weekend_days else [])]
    return f'{texts.t("Not counted", reader)}: {"; ".join(parts)}.'


def day_line(day: date, reason: str, reader: str) -> tuple[str, str, str]:
    """A day that did not count, for the table of a proof: weekday (unless that is why), day, why."""
    return (
        '' if reason in WEEKEND.values() else weekday_of(day, reader),
        values.format_day(day),
        texts.t(reason, reader),
    )
