"""The repair tab: where the car was and when, with its photos; what day was promised and why it moved; and what staff note of it."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.answering import answering
from components.claim_rows import Wording
from components.files_taken import photos_taken
from components.live import current_actor, show_changes, work
from components.repair_words import Repair, days_text
from components.words import isolated, language, said_once, signed, t
from db import repairs, values
from db.base import now
from db.claims import Claim
from db.documents import Document
from db.reference import Reference
from db.repairs import HOLD, NOTE, NOTE_AT_MOST, RESUME, RepairEvent, Stay
from db.scope import Can
from db.texts import N_
from db.values import Malformed

_TYPED_AT_MOST = 1000
_Order = Callable[[Any, int, Mapping[str, str], datetime], object]
_ORDERS: Mapping[str, _Order] = {
    'expect': lambda s, claim_id, sent, at: repairs.expect(
        s, claim_id, _day(sent['day']), sent['note'] or sent['reason'], at, _day(sent['seen'])
    ),
    'hold': lambda s, claim_id, sent, at: repairs.hold(s, claim_id, sent['reason'], at, sent['note']),
    'resume': lambda s, claim_id, sent, at: repairs.resume(s, claim_id, at),
    'note': lambda s, claim_id, sent, at: repairs.note_repair(s, claim_id, sent['note'], at),
}
_TOLD: Mapping[str, tuple[str, str]] = {
    HOLD: ('pause_circle', N_('On hold: {reason}')),
    RESUME: ('play_arrow', N_('The work goes on')),
    NOTE: ('edit_note', N_('Note')),
}


def _day(written: str) -> date | None:
    return values.day(written) if written.strip() else None


def read_order(sent: object) -> tuple[_Order, dict[str, str]]:
    """Which order, and what it takes, from whatever the browser sent."""
    order = _ORDERS.get(str(sent.get('do'))) if isinstance(sent, dict) else None
    if order is None or not isinstance(sent, dict):
        raise Malformed(N_('It was not saved. Please try again.'))
    names = ('day', 'seen', 'reason', 'note')
    told = {name: value for name in names if isinstance(value := sent.get(name), str) and len(value) <= _TYPED_AT_MOST}
    return order, {**dict.fromkeys(names, ''), **told}


class RepairPanel(Element, component='repair_panel.js'):
    """Shows the repair of one claim as the page reads it; staff write in it."""

    def __init__(self, claim: Claim, wording: Callable[[], Wording], follow: Callable[[], Any]) -> None:
        """`follow` has the page read the claim anew."""
        super().__init__()
        self._claim, self._wording, self._follow = claim, wording, follow
        self._staff, self._reader = current_actor().may(Can.UPDATE_REPAIR), language()
        self._props.update(stays=[], loose=[], days=[], held='', form=None, answer=None, words=_words())
        self._props.update(
            upload=f'/files/claims/{quote(claim.claim_no, safe="")}' if self._staff else '',
            limit=NOTE_AT_MOST,
            photos=photos_taken(self._reader),
        )
        self.on('order', self._obey)

    def draw(self, repair: Repair, moment: datetime) -> None:
        """Bring it up to what was read."""
        reference = self._wording().reference
        shown = {
            'stays': _stays(repair, reference, moment, self._reader),
            'loose': _photos_beside(repair),
            'days': _days(repair, reference, moment, self._reader),
            'held': self._claim.hold_reason or '',
            'form': self._form(reference) if self._staff else None,
        }
        show_changes(self, shown)

    def _form(self, reference: Reference) -> dict[str, Any]:
        reasons = [row for row in reference.hold_reasons.values() if row.active]
        return {
            'reasons': [{'id': row.id, 'label': row.label_in(self._reader)} for row in reasons],
            'day': self._claim.eta.isoformat() if self._claim.eta else '',
            'stage': self._claim.repair_stage or '',
        }

    async def _obey(self, event: GenericEventArguments) -> None:
        """Do what the form asks, and answer it; when it is refused, what was typed stays there with the reason."""
        with answering(self, event.args) as answer:
            order, sent = read_order(event.args)
            await work(order, self._claim.id, sent, now())
            answer['message'] = ''
            await self._follow()


# ---- what the browser draws -------------------------------------------------------------------------------------------------


def _stays(repair: Repair, reference: Reference, moment: datetime, reader: str) -> list[dict[str, Any]]:
    """Each time in a stage, the last one first, with what was said and photographed in it."""
    drawn, stays = [], repair.stays
    taken: set[str] = set()
    for place, stay in reversed(list(enumerate(stays))):
        stage = reference.stages.get(stay.stage)
        # photos know their stage; of one that was entered twice they belong to the last visit
        photos = [] if stay.stage in taken else [row for row in repair.photos if row.repair_stage == stay.stage]
        taken.add(stay.stage)
        drawn.append(
            {
                'key': place,
                'stage': stay.stage,
                'label': stage.label_in(reader) if stage else stay.stage,
                'hue': (stage.hue if stage else '') or 'blue',
                'here': stay.left is None and place == len(stays) - 1,
                'from': values.format_exact(stay.entered),
                'at': stay.entered.isoformat(),
                'days': days_text(stay.days(moment), reader) if stay.left is None or stay.days(moment) else '',
                'by': signed(stay.by, reader),
                'note': stay.note,
                'told': [_told(event, reference, reader) for event in _during(stay, repair)],
                'photos': [_photo(photo) for photo in photos],
            }
        )
    return drawn


def _during(stay: Stay, repair: Repair) -> list[RepairEvent]:
    """What was noted while the car was there."""
    told = [event for event in repair.events if event.kind in _TOLD]
    return [event for event in told if stay.entered <= event.at and (stay.left is None or event.at < stay.left)]


def _told(event: RepairEvent, reference: Reference, reader: str) -> dict[str, str]:
    icon, text = _TOLD[event.kind]
    return {
        'icon': icon,
        'text': t(text, reason=_reason(event, reference, reader)),
        'note': event.note,
        'by': f'{isolated(signed(event.by, reader))} · {values.format_exact(event.at)}',
    }


def _reason(event: RepairEvent, reference: Reference, reader: str) -> str:
    known = reference.hold_reasons.get(event.reason)
    return known.label_in(reader) if known else event.reason


def _photo(photo: Document) -> dict[str, str]:
    return {
        'small': f'/files/{photo.uuid}/pages/1?w=320',
        'large': f'/files/{photo.uuid}/pages/1?w=1600',
        'name': photo.title,
        'by': f'{isolated(photo.by)} · {values.format_exact(photo.at)}',
    }


def _photos_beside(repair: Repair) -> list[dict[str, str]]:
    """Photos of stages the car never was in, as far as is known."""
    known = {stay.stage for stay in repair.stays}
    return [_photo(photo) for photo in repair.photos if photo.repair_stage not in known]


def _days(repair: Repair, reference: Reference, moment: datetime, reader: str) -> list[dict[str, str]]:
    """Every day of hand-over that was promised, the last one first."""
    return [
        {
            'before': _shown_day(event.before),
            'after': _shown_day(event.after),
            'reason': ' · '.join(filter(None, (_reason(event, reference, reader), event.note))),
            'by': f'{isolated(signed(event.by, reader))} · {values.format_moment(event.at, moment, reader)}',
        }
        for event in repairs.expectations_among(repair.events)
    ]


def _shown_day(stored: str) -> str:
    return values.format_day(date.fromisoformat(stored)) if stored else ''


@said_once
def _words() -> dict[str, str]:
    return {
        'road': t('The car’s way through the garage'),
        'none': t('The car has not entered the garage yet.'),
        'here': t('Here now'),
        'photos': t('Photos'),
        'beside': t('More photos'),
        'addPhotos': t('Add photos'),
        'promised': t('Expected hand-over'),
        'noDay': t('No day has been promised yet.'),
        'changedTo': t('changed to'),
        'day': t('The new day'),
        'why': t('Why did the date change?'),
        'noReason': t('No reason given'),
        'inWords': t('In other words (the agent sees it)'),
        'saveDay': t('Update the date'),
        'hold': t('Put on hold'),
        'holdWhy': t('Why does the repair stand still?'),
        'choose': t('Choose a reason'),
        'resume': t('The work goes on'),
        'note': t('A note on the repair'),
        'noteHint': t('The agent sees it too'),
        'send': t('Add note'),
        'late': t(
            'No answer came. What you typed is kept here; please look whether it was saved before you save it again.'
        ),
    }
