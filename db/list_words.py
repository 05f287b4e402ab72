"""A list told in words: its view, what was searched and every filter, by the names people know; for titles and records."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import values
from db.claims import DOCUMENTS, YES_NO, Claim
from db.list_state import NOBODY, QUICK, ListState
from db.lists import filter_choices
from db.reference import reference
from db.texts import N_, t

VIEWS: Mapping[str, str] = {
    'open': N_('Open claims'),
    'unread': N_('Unread claims'),
    'closed': N_('Closed claims'),
    'all': N_('All claims'),
}
_FILTERS: Mapping[str, str] = {
    'status': N_('Status'),
    'insurer': N_('Insurer'),
    'office': N_('Office'),
    'agent': N_('Agent'),
    'garage': N_('Garage'),
    'waiting_on': N_('Waiting on'),
    'documents': N_('Documents'),
    'repair_stage': N_('Repair stage'),
    'appraiser': N_('Appraiser'),
    'quick': N_('Quick filter'),
    'left_stage': N_('Left the stage'),
    'sent_back': N_('Sent back to be completed'),
}
# what happened between two days
RANGE_LABELS: Mapping[str, str] = {
    'event': N_('Event date'),
    'updated': N_('Updated'),
    'opened': N_('Opened'),
    'appraised': N_('Inspected'),
    'submitted': N_('Submitted'),
    'closed': N_('Closed on'),
    'approved': N_('Money approved'),
    'received': N_('Money received'),
    'collected': N_('Money demanded or received'),
    'delivered': N_('Car handed over'),
    'repaired': N_('Handed over by the garage'),
    'left': N_('Left the stage'),
}
_SCOPES: Mapping[str, str] = {
    'all': N_('Search'),
    'claim_no': N_('Claim no.'),
    'plate': N_('Vehicle no.'),
    'insured_name': N_('Client name'),
}
# the values of each filter, with what they are called
Names = Mapping[str, Mapping[str, str]]
# of so many values all are named; of more, how many there are
_NAMED = 4


def title_of(state: ListState, language: str) -> str:
    """What the view is called."""
    return t(VIEWS[state.view], language)


def filters_in_words(session: Session, state: ListState, language: str, names: Names | None = None) -> list[str]:
    """What narrows the list, each with its name: `Status: New, In repair`. Who words many lists reads the `filter_names` once."""
    told = [f'{t(_SCOPES[state.scope], language)}: "{state.q.strip()}"'] if state.q.strip() else []
    if names is None:
        names = filter_names(session, language) if state.filters else {}
    for name, label in _FILTERS.items():
        if keys := getattr(state, name):
            known = [names[name].get(str(key)) or _unknown(session, name, key, language) for key in keys]
            if name == 'status':  # several may be one to who reads them
                known = list(dict.fromkeys(known))
            shown = ', '.join(known) if len(known) <= _NAMED else t('{n} chosen', language, n=len(known))
            told.append(f'{t(label, language)}: {shown}')
    for name, label in RANGE_LABELS.items():
        if any(ends := [getattr(state, f'{name}_{side}') for side in ('from', 'to')]):
            days = ' – '.join(values.format_day(day) if day else '…' for day in ends)
            told.append(f'{t(label, language)}: {days}')
    return told


def _unknown(session: Session, name: str, key: str, language: str) -> str:
    """Nobody at all; an agent who went to another office and left claims behind; or whom the asker cannot choose, be there one or not."""
    if key == NOBODY and name != 'office':
        return t('None chosen', language)
    if name == 'agent' and session.scalar(select(Claim.id).where(Claim.agent == int(key)).limit(1)) is not None:
        return t('No longer in the office', language)
    return t('Not listed', language)


def filter_names(session: Session, language: str) -> Names:
    """What the values of each filter are called."""
    words, choices = reference(session), filter_choices(session)
    labelled: dict[str, Mapping[str, Any]] = {
        'status': words.statuses,
        'waiting_on': words.waiting,
        'repair_stage': words.stages,
    }
    listed = {
        'insurer': choices.insurers,
        'office': choices.offices,
        'agent': choices.agents,
        'garage': choices.garages,
        'appraiser': choices.appraisers,
    }
    return {
        **{name: {key: row.label_in(language) for key, row in rows.items()} for name, rows in labelled.items()},
        **{name: {str(key): label for key, label in rows} for name, rows in listed.items()},
        'documents': {key: t(label, language) for key, label in DOCUMENTS.items()},
        'quick': {key: t(label, language) for key, label in QUICK.items()},
        'left_stage': {key: row.label_in(language) for key, row in words.stages.items()},
        'sent_back': {key: t(label, language) for key, label in YES_NO.items()},
    }
