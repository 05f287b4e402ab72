"""The rows of the claim page: which fields stand in which section, and each of them as the browser draws it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from components.theme import status_look
from components.words import value_text, weekday_of
from db import values
from db.changes import Change, plain
from db.claims import DOCUMENTS, FIELDS, TRACKS, YES_NO, Claim, limit_of
from db.documents import GROUPS
from db.masks import is_hidden
from db.reference import Reference
from db.requirements import STATES, Askable
from db.texts import N_, t, tn

# The brief's categories in the brief's order; what the bureau keeps about the file itself comes last.
SECTIONS: Mapping[str, str] = {
    'insured': N_('The insured'),
    'third_party': N_('Third party'),
    'tp_driver': N_("Third party's driver"),
    'tp_agent': N_("Third party's agent"),
    'garage': N_('Garage'),
    'appraiser': N_('Appraiser'),
    'money': N_('Money'),
    'driver': N_("Driver of the insured's car"),
    'documents': N_('What the documents depend on'),
    'claim': N_('The file'),
}
_STATUS = (
    *('status', 'waiting_on', 'status_reason', 'repair_stage'),
    *('next_action', 'next_action_due', 'documents', 'money_axis'),
)
# rows that are worked out of others: where they stand, what they are called, what they show
_DERIVED: Mapping[str, tuple[str, str]] = {
    'money_axis': (N_('Money'), 'text'),
    'garage_contact': (N_('Contact'), 'name'),
    'garage_phone': (N_('Phone'), 'phone'),
    'garage_address': (N_('Address'), 'text'),
    'appraiser_licence_no': (N_('Licence no.'), 'code'),
    'appraiser_phone': (N_('Phone'), 'phone'),
    'balance': (N_('Balance'), 'money'),
    'office': (N_('Office'), 'text'),
}
_ORDER: Mapping[str, tuple[str, ...]] = {
    'status': _STATUS,
    'daily': ('daily_note',),
    'claim': ('claim_no', 'office', 'agent', 'handler', 'track', 'opened_at', 'submitted_at'),
    'garage': ('garage', 'garage_contact', 'garage_phone', 'garage_address', 'eta'),
    'appraiser': ('appraiser', 'appraiser_licence_no', 'appraiser_phone', 'appraised_at', 'appraisal_amount'),
    'money': ('demand_amount', 'offered_amount', 'approved_amount', 'received_amount', 'balance'),
}
_EDITORS: Mapping[str, str] = {
    **dict.fromkeys(('insurer', 'agent', 'handler', 'stage', 'waiting', 'track', 'documents', 'yes_no'), 'choice'),
    **dict.fromkeys(('garage', 'appraiser'), 'firm'),
    'status': 'status',
    'reason': 'text',
    'long_text': 'long',
    'day': 'day',
    'phone': 'tel',
    'email': 'email',
    'plate': 'digits',
    'id_no': 'code',
    'code': 'code',
    'money': 'money',
    'year': 'digits',
}
_MONEY_AXIS: Mapping[str, str] = {
    'none': N_('Nothing demanded yet'),
    'demanded': N_('Demanded'),
    'offered': N_('Offered'),
    'approved': N_('Approved'),
    'partly_received': N_('Received in part'),
    'received': N_('Received'),
}
# where a phone can lead to
_PLACES = frozenset({'garage_address', 'insured_address', 'tp_driver_address'})
_NUMBERS = frozenset({'claim_no', 'id_no', 'code', 'plate', 'phone', 'email', 'day', 'money', 'year'})
# a new number is a new address: not a matter of a click; the documents' axis follows the checklist
_NOT_HERE = frozenset({'claim_no', 'documents'})
_NOT_YET: Mapping[str, str] = {'insurer_claim_no': N_('Not received yet')}

Row = dict[str, Any]


@dataclass
class Wording:
    """What it takes to say stored values in words: the reference rows, people's names, and who reads."""

    reference: Reference
    people: Mapping[int, str]
    reader: str
    office: str = ''

    def text(self, name: str, value: Any) -> str:
        """A stored value in words; '' when there is none."""
        return value_text(name, value, self.reference, self.people, self.reader)


@dataclass
class News:
    """What others changed since the person's last visit, field by field, and up to where that is known."""

    before: dict[str, Any] = field(default_factory=dict)
    newest: int = 0

    @classmethod
    def of(cls, changes: Sequence[Change], history: Sequence[Change], claim: Claim, user_id: int | None) -> 'News':
        """From the changes he has not seen, oldest first, and the whole record, newest first.

        What came back to what it was is no news, nor what he himself wrote last.
        """
        before: dict[str, Any] = {}
        for change in changes:
            if change.kind != 'opened':
                for name, (was, _) in change.fields.items():
                    before.setdefault(name, was)
        last_by: dict[str, int | None] = {}
        for change in history:
            for name in change.fields:
                last_by.setdefault(name, change.user_id)
        changed = {
            name: was
            for name, was in before.items()
            if name in FIELDS
            and was != plain(getattr(claim, name))
            and (user_id is None or last_by.get(name) != user_id)
        }
        return cls(changed, max((change.id for change in changes), default=0))


def names_in(section: str) -> tuple[str, ...]:
    """The rows a section may show, in order."""
    return _ORDER.get(section) or tuple(item.name for item in FIELDS.values() if item.section == section)


def editor_of(name: str) -> str:
    """What a field is typed or chosen with."""
    return _EDITORS.get(FIELDS[name].kind, 'text') if name in FIELDS else 'choice'


def row_of(name: str, claim: Claim, wording: Wording, news: News, *, editable: bool, today: date) -> Row | None:
    """One row as the browser draws it; None when it has nothing to show to this reader."""
    if name in _DERIVED:
        return _derived_row(name, claim, wording)
    item, value = FIELDS[name], getattr(claim, name)
    text, changed = wording.text(name, value), name in news.before
    editable = editable and name not in _NOT_HERE
    if not (text or changed or editable or name in _NOT_YET):
        return None
    row: Row = {
        'name': name,
        'label': t(item.label, wording.reader),
        'kind': item.kind,
        'text': text or (t(_NOT_YET[name], wording.reader) if name in _NOT_YET else ''),
        'none': not text,
        'value': plain(value),
        'number': item.kind in _NUMBERS,
        **_links(name, item.kind, value or ''),
        **_beside(name, claim, wording, today),
    }
    if is_hidden(name, value):
        row['masked'] = True
    if changed:
        row |= {'changed': True, 'before': wording.text(name, news.before[name])}
    if editable:
        row |= {'editable': True, 'editor': editor_of(name), 'input': input_text(name, value, text)}
        row['limit'] = limit_of(name)
    return row


def _derived_row(name: str, claim: Claim, wording: Wording) -> Row | None:
    label, kind = _DERIVED[name]
    value = _derived_value(name, claim, wording)
    if value in (None, ''):
        return None
    if kind == 'phone':
        text = values.format_phone(value)
    else:
        text = values.format_money(value, wording.reader) if kind == 'money' else str(value)
    return {
        'name': name,
        'label': t(label, wording.reader),
        'kind': kind,
        'text': text,
        'number': kind in _NUMBERS,
        **_links(name, kind, value),
    }


def money_axis(claim: Claim, reader: str) -> str:
    """How far the money of a claim is."""
    return t(_MONEY_AXIS[claim.money], reader)


def _derived_value(name: str, claim: Claim, wording: Wording) -> Any:
    if name == 'money_axis':
        return money_axis(claim, wording.reader)
    if name == 'office':
        return wording.office
    if name == 'balance':
        return claim.balance
    firm, _, column = name.partition('_')
    rows: Mapping[int, Any] = wording.reference.garages if firm == 'garage' else wording.reference.appraisers
    return getattr(rows.get(getattr(claim, firm) or 0), column, '')


def _links(name: str, kind: str, value: Any) -> Row:
    if not value:
        return {}
    if name in _PLACES:
        return {'way': values.way_to(value), 'copy': value}
    if kind == 'phone':
        number = values.whatsapp_number(value)
        return {
            'tel': values.tel_uri(value),
            'whatsapp': f'https://wa.me/{number}' if number else '',
            'copy': values.format_phone(value),
        }
    if kind == 'email':
        return {'mail': f'mailto:{value}'}
    return {'plate': True, 'copy': values.format_plate(value)} if kind == 'plate' else {}


def _beside(name: str, claim: Claim, wording: Wording, today: date) -> Row:
    """What stands small beside a value: the weekday, for how long one waits; and the chip of a status."""
    if name == 'status':
        look = status_look(claim.status)
        return {'chip': {'hue': look.hue, 'icon': look.icon}}
    beside = ''
    if name == 'event_date':
        beside = weekday_of(claim.event_date, wording.reader)
    if name == 'waiting_on' and claim.is_open:
        beside = waited(claim.waiting_since, today, wording.reader)
    return {'beside': beside} if beside else {}


def waited(since: datetime, today: date, reader: str) -> str:
    """For how many days; the first day counts as 'since today'."""
    days = (today - values.israel(since).date()).days
    return tn('{n} day', '{n} days', days, reader) if days > 0 else t('since today', reader)


def input_text(name: str, value: Any, text: str) -> str:
    """A stored value as one would type it."""
    if value in (None, ''):
        return ''
    kind = FIELDS[name].kind
    if kind == 'money':
        return f'{value // 100}.{value % 100:02}' if value % 100 else str(value // 100)
    if kind == 'yes_no':
        return 'yes' if value else 'no'
    shown_as_typed = ('day', 'plate', 'phone', 'reason', 'garage', 'appraiser')
    return text if kind in shown_as_typed else str(plain(value))


# ---- what one may choose ----------------------------------------------------------------------------------------------------

Choice = dict[str, Any]


def choices_for(
    name: str, claim: Claim, wording: Wording, people: Mapping[str, Sequence[tuple[int, str]]]
) -> list[Choice]:
    """What may be chosen for a field, as {value, label}; `people` are the office's and the bureau's, by kind."""
    kind, reader = FIELDS[name].kind, wording.reader
    offered: Sequence[tuple[Any, str]]
    if kind == 'status':
        return _statuses(claim, wording)
    if kind in ('stage', 'waiting'):
        rows = wording.reference.stages if kind == 'stage' else wording.reference.waiting
        offered = [(row.id, row.label_in(reader)) for row in rows.values() if row.active]
    elif kind in ('track', 'documents'):
        offered = [(key, t(label, reader)) for key, label in (TRACKS if kind == 'track' else DOCUMENTS).items()]
    elif kind == 'yes_no':
        offered = [(key, t(label, reader)) for key, label in YES_NO.items()]
    elif kind in people:
        offered = people[kind]
    else:
        offered = _firms(kind, wording.reference)
    return [{'value': value, 'label': label} for value, label in offered]


def _firms(kind: str, reference: Reference) -> list[tuple[Any, str]]:
    rows: Mapping[str, Mapping[int, Any]] = {
        'insurer': reference.insurers,
        'garage': reference.garages,
        'appraiser': reference.appraisers,
    }
    return [(row.id, row.name) for row in rows.get(kind, {}).values() if row.active]


def _statuses(claim: Claim, wording: Wording) -> list[Choice]:
    """The statuses in use; `reason` says that one has to give a reason, `reasons` what is offered."""
    return [
        {
            'value': status.id,
            'label': status.label_in(wording.reader),
            'reason': (status.reason_required or not claim.is_open) and status.id != claim.status,
            'reasons': [
                reason.label_in(wording.reader)
                for reason in wording.reference.reasons.get(status.id, ())
                if reason.active
            ],
        }
        for status in wording.reference.statuses.values()
        if status.active
    ]


def asks_shown(kinds: Sequence[Askable], reader: str) -> list[dict[str, Any]]:
    """What may be ticked when the insurer sent a claim back, group by group: `note` says that the claim needs it anyway, or that it was ticked before."""
    return [
        {
            'group': t(label, reader),
            'kinds': [
                {
                    'id': kind.type.id,
                    'label': kind.type.label_in(reader),
                    'asked': kind.asked,
                    'note': _note(kind, reader),
                }
                for kind in kinds
                if kind.type.group == group
            ],
        }
        for group, label in GROUPS.items()
        if any(kind.type.group == group for kind in kinds)
    ]


def _note(kind: Askable, reader: str) -> str:
    if not (kind.required or kind.asked):
        return ''
    note = t('asked for already', reader) if kind.asked else t('needed anyway', reader)
    return f'{note} · {t(STATES[kind.state], reader)}' if kind.state in ('received', 'accepted', 'rejected') else note


def reason_key(text: str, reference: Reference) -> str:
    """The id of a reason from the list when that is what was written; free text otherwise."""
    for reasons in reference.reasons.values():
        for reason in reasons:
            if text.strip() in (reason.label, reason.label_en):
                return reason.id
    return text


def firm_called(kind: str, name: str, reference: Reference) -> int | None:
    """The garage or appraiser of this name, however it is spaced or quoted."""
    rows: Mapping[int, Any] = reference.garages if kind == 'garage' else reference.appraisers
    wanted = values.search_key(name)
    return next((row.id for row in rows.values() if values.search_key(row.name) == wanted), None)


def section_summary(section: str, claim: Claim, wording: Wording) -> str:
    """The line a folded section shows on the phone."""
    telling = {
        'insured': ('insured_name',),
        'third_party': ('tp_policy_holder', 'tp_insurer'),
        'tp_driver': ('tp_driver',),
        'tp_agent': ('tp_agent',),
        'driver': ('driver',),
        'garage': ('garage',),
        'appraiser': ('appraiser',),
        'money': ('demand_amount',),
        'claim': ('handler',),
    }.get(section, ())
    return ' · '.join(filter(None, (wording.text(name, getattr(claim, name)) for name in telling)))


def title_of(section: str, reader: str) -> str:
    """A section's title."""
    return t(SECTIONS[section], reader)
