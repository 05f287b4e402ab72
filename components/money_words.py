"""What the record tells of money: the parts of a cheque, an offer or a head of damage, before and after, in words."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from db import values
from db.changes import Change
from db.cheques import DIRECTIONS, REASONS, STATES
from db.money import ANSWERS, OFFER_KINDS
from db.reference import Reference
from db.texts import N_, t

_LABELS: Mapping[str, str] = {
    'demanded': N_('Demanded'),
    'offered': N_('Offered'),
    'approved': N_('Approved'),
    'received': N_('Received'),
    'reason': N_('Reason'),
    'kind': N_('Kind of offer'),
    'offered_on': N_('Day of the offer'),
    'answer': N_('What was answered'),
    'direction': N_('Who pays whom'),
    'state': N_('State'),
    'amount': N_('Sum'),
    'due_date': N_('Due date'),
    'cheque_no': N_('Cheque no.'),
    'bank': N_('Bank'),
    'branch': N_('Branch'),
    'account': N_('Account'),
    'drawer': N_('Drawer'),
    'payee': N_('Payee'),
    'note': N_('Note'),
}
_KEYS: Mapping[str, Mapping[str, str]] = {
    'kind': OFFER_KINDS,
    'answer': ANSWERS,
    'direction': DIRECTIONS,
    'state': STATES,
    'reason': {key: label for labels in REASONS.values() for key, label in labels.items()},
}
_SHOWN: Mapping[str, Callable[[Any], str]] = {
    **dict.fromkeys(('demanded', 'offered', 'approved', 'received', 'amount'), values.format_money),
    **dict.fromkeys(('due_date', 'offered_on'), lambda day: values.format_day(date.fromisoformat(day))),
}


def money_lines(change: Change, reference: Reference, reader: str) -> list[tuple[str, str, str]]:
    """(label, before, after) of what a change tells of; what a new one leaves open is left out."""
    return [
        (t(label, reader), _shown(name, pair[0], reference, reader), _shown(name, pair[1], reference, reader) or '—')
        for name, label in _LABELS.items()
        if (pair := change.fields.get(name)) and pair[0] != pair[1]
    ]


def _shown(name: str, value: Any, reference: Reference, reader: str) -> str:
    if value in (None, ''):
        return ''
    if name == 'reason' and value in reference.reduction_reasons:
        return reference.reduction_reasons[value].label_in(reader)
    if name in _KEYS:
        return t(_KEYS[name].get(value, value), reader)
    return _SHOWN.get(name, str)(value)
