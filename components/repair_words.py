"""The repair in words: the road of stages with their days, the day of hand-over, the hold; for the claim page and for pages by link."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from components.words import weekday_of
from db import values
from db.claims import Claim
from db.documents import Document, stage_photos_of
from db.reference import Reference
from db.repairs import RepairEvent, Stay, events_of, stays_among
from db.session import fetch
from db.texts import N_, t, tn

BEFORE_THE_ROAD = 'not_arrived'
IN_REPAIR = 'in_repair'
_SPOKEN = {'d': N_('done'), 'c': N_('the car is here'), 'td': N_('still to come')}
_MONTHS = (
    *(N_('Jan'), N_('Feb'), N_('Mar'), N_('Apr'), N_('May'), N_('Jun')),
    *(N_('Jul'), N_('Aug'), N_('Sep'), N_('Oct'), N_('Nov'), N_('Dec')),
)


@dataclass(frozen=True)
class Repair:
    """What is known of a claim's repair beside the claim itself."""

    events: Sequence[RepairEvent] = ()
    photos: Sequence[Document] = ()

    @property
    def stays(self) -> list[Stay]:
        """The stages the car went through."""
        return stays_among(self.events)


def read_repair(session: Any, claim_id: int) -> Repair:
    """Read it under the asker's scope."""
    return Repair(fetch(session, events_of(claim_id)), fetch(session, stage_photos_of(claim_id)))


def is_tracked(claim: Claim) -> bool:
    """Whether there is a repair to follow."""
    return bool(claim.repair_stage) or claim.status == IN_REPAIR


def days_reached(stays: Iterable[Stay]) -> dict[str, date]:
    """When each stage was last entered."""
    return {stay.stage: values.israel(stay.entered).date() for stay in stays}


def stages_of(
    claim: Claim, reference: Reference, reader: str, reached: Mapping[str, date], today: date
) -> list[dict[str, Any]]:
    """The stages of the road: done, current and to come, with the day each was reached as far as it is known."""
    place, total = reference.stage_place(claim.repair_stage)
    road = [stage for stage in reference.shown_stages if stage.id != BEFORE_THE_ROAD]
    stages = []
    for number, stage in enumerate(road, 1):
        state = 'd' if number < place or place == total else 'c' if number == place else 'td'
        day = reached.get(claim.repair_stage or '' if state == 'c' else stage.id) if state != 'td' else None
        expected = claim.eta if state == 'td' and number == total else None
        stages.append(
            {
                'id': stage.id,
                'label': stage.label_in(reader),
                'state': state,
                'number': number,
                'hue': stage.hue or '',
                'day': values.format_day(day, today) if day else _expected(expected, today, reader),
                'spoken': t(_SPOKEN[state], reader),
            }
        )
    return stages


def _expected(day: date | None, today: date, reader: str) -> str:
    return t('expected {date}', reader, date=values.format_day(day, today)) if day and day >= today else ''


def hold_of(claim: Claim, reference: Reference, now: datetime, reader: str) -> str:
    """That the repair stands still, why, and since when; '' when it does not."""
    if not claim.hold_reason:
        return ''
    known = reference.hold_reasons.get(claim.hold_reason)
    why = known.label_in(reader) if known else claim.hold_reason
    since = values.format_day(values.israel(claim.hold_since or now).date(), values.israel(now).date())
    return t('The repair is on hold: {reason} (since {date})', reader, reason=why, date=since)


def days_text(days: int, reader: str) -> str:
    """For how many days."""
    return tn('{n} day', '{n} days', days, reader) if days > 0 else t('since today', reader)


def eta_of(day: date | None, today: date, reader: str) -> dict[str, Any] | None:
    """The day of hand-over as a leaf of a calendar."""
    if day is None:
        return None
    left = (day - today).days
    until = t('today', reader) if left == 0 else tn('in {n} day', 'in {n} days', left, reader)
    return {
        'label': t('Expected hand-over', reader),
        'weekday': weekday_of(day, reader),
        'day': values.format_day(day),
        'month': t(_MONTHS[day.month - 1], reader),
        'number': day.day,
        'left': '' if left < 0 else until,
    }
