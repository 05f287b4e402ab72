"""Which lines of a claim's history one looks at: those of a kind, those of the bureau, of the office or of neither; and who was last."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, not_, or_, select, type_coerce
from sqlalchemy.orm import Session

from db.base import Json
from db.changes import Change, history_of
from db.claims import FIELDS, ClaimConflict, Part
from db.masks import beside_mask
from db.offices import User
from db.texts import N_

OTHER = 'other'
SUMS_AT_MOST = 30
# in the order they stand in
KINDS: Mapping[str, str] = MappingProxyType(
    {
        'status': N_('Status'),
        'repair': N_('Repair'),
        'documents': N_('Documents'),
        'talk': N_('Calls and messages'),
        'money': N_('Money and cheques'),
        OTHER: N_('Other'),
    }
)
WRITERS: Mapping[str, str] = MappingProxyType(
    {'bureau': N_('The bureau'), 'office': N_('The agents'), 'outside': N_('Links and the system')}
)

# the kinds of changes that are of each kind whatever they tell; and what an edited claim tells of it
_CHANGES: Mapping[str, tuple[str, ...]] = {
    'status': ('opened',),
    'repair': ('repair.%',),
    'documents': ('document.%', 'pack', 'pack.%'),
    'talk': ('call', 'call_corrected', 'message', 'noted'),
    'money': ('money', 'offer', 'offer.%', 'cheque', 'cheque.%'),
}
_TOLD: Mapping[str, tuple[str, ...]] = {
    'status': ('status', 'status_reason', 'waiting_on'),
    'repair': ('repair_stage', 'garage', 'eta'),
    'documents': ('documents',),
    'money': ('appraisal_amount', *(name for name, field in FIELDS.items() if field.section == 'money')),
}


@dataclass(frozen=True)
class HistoryChoice:
    """What one wants to see of a history; '' is everything."""

    kind: str = ''
    by: str = ''

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> 'HistoryChoice':
        """From an address, or from whatever a browser sends: a choice that is none of ours chooses nothing."""
        kind, by = given.get('kind'), given.get('by')
        return cls(
            kind if isinstance(kind, str) and kind in KINDS else '', by if isinstance(by, str) and by in WRITERS else ''
        )

    @property
    def told(self) -> dict[str, str]:
        """As an address tells it."""
        return {'kind': self.kind, 'by': self.by}

    @property
    def narrows(self) -> bool:
        """Whether anything is left out."""
        return bool(self.kind or self.by)


# ---- questions --------------------------------------------------------------------------------------------------------------


def chosen_history(claim_id: int, choice: HistoryChoice) -> Select[Change]:
    """What of a claim's history was chosen, newest first, as far as the asker may see it."""
    lines = history_of(claim_id)
    if choice.kind == OTHER:
        lines = lines.where(not_(or_(*map(_is_of_kind, _CHANGES))))
    elif choice.kind:
        lines = lines.where(_is_of_kind(choice.kind))
    return lines.where(_is_by(choice.by)) if choice.by else lines


def last_to_change(claim_id: int, name: str, part: Part | None = None) -> Select[Change]:
    """The last line that tells of a field, of the claim or of a part of it ('': of any field of the part), as far as the asker may see it."""
    told = type_coerce(beside_mask(Change.fields), Json)
    lines = history_of(claim_id).limit(1)
    if part is not None:
        value = told[(part.field, 1)]
        is_it = value.as_integer() == part.value if isinstance(part.value, int) else value.as_string() == part.value
        lines = lines.where(Change.kind.like(part.kind), is_it)
    else:
        lines = lines.where(Change.kind.in_(('updated', 'opened')))
    return lines.where(told[name].as_string().is_not(None)) if name else lines


def last_sums(claim_id: int) -> Select[Change]:
    """The newest lines that tell of sums of heads of damage, as many as somebody may have been too late for."""
    return history_of(claim_id).where(Change.kind == 'money').limit(SUMS_AT_MOST)


def find_who_was_first(session: Session, conflict: ClaimConflict, now: datetime) -> None:
    """Have a conflict say who was first, and when."""
    if conflict.claim_id is not None:
        change = session.scalars(last_to_change(conflict.claim_id, conflict.name, conflict.part)).first()
        if change is not None:
            conflict.tell(change.by, change.at, now)


def _is_of_kind(kind: str) -> ColumnElement[bool]:
    # that a field is among those told says nothing of what stands in it
    told = type_coerce(beside_mask(Change.fields), Json)
    edits = [told[name].as_string().is_not(None) for name in _TOLD.get(kind, ())]
    tells = [and_(Change.kind == 'updated', or_(*edits))] if edits else []
    return or_(*(Change.kind.like(one) for one in _CHANGES[kind]), *tells)


def _is_by(writer: str) -> ColumnElement[bool]:
    if writer == 'outside':
        return Change.user_id.is_(None)
    of_office = User.office_id.is_not(None) if writer == 'office' else User.office_id.is_(None)
    return Change.user_id.in_(select(User.id).where(of_office))
