"""Saving a field of an open claim page: what was typed becomes what is stored, or a reason in words why it does not."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from components.claim_rows import Wording, firm_called, reason_key
from components.claim_sections import Edit
from components.live import ask, refresh_live, work
from components.words import t
from db import values
from db.base import now
from db.changes import plain
from db.claims import FIELDS, SENT_BACK, Claim, ClaimConflict, change_status, parse_field, save_fields
from db.history import find_who_was_first
from db.reference import Appraiser, Garage, firm_named, reference
from db.repairs import advance_repair, expect
from db.requirements import send_back
from db.sanity import doubts_about, values_of
from db.texts import Told
from db.watching import is_older

_Order = Callable[[Any, int, str, tuple[Any, Any], datetime], Claim]


def _save(session: Any, claim_id: int, name: str, change: tuple[Any, Any], at: datetime) -> Claim:
    return save_fields(session, claim_id, {name: change}, at)


# fields that have a verb of their own; `change` is what the person saw and what he wants
_ORDERS: Mapping[str, _Order] = {
    'repair_stage': lambda session, claim_id, _, change, at: advance_repair(
        session, claim_id, change[1] or None, change[0], at
    ),
    'eta': lambda session, claim_id, _, change, at: expect(session, claim_id, change[1], '', at, change[0]),
}


class Saving:
    """Saves what the person of one page typed."""

    def __init__(self, claim: Claim, wording: Callable[[], Wording], follow: Callable[[], Awaitable[None]]) -> None:
        """`follow` shows the claim as it is now: somebody else was faster."""
        self._claim, self._wording, self._follow = claim, wording, follow

    async def save(self, edit: Edit) -> tuple[str, str]:
        """Save, and say how it went: saved, bad, doubt or clash, with a reason in words."""
        try:
            doubt = await self._save(edit)
        except ClaimConflict as conflict:
            await self._follow()
            await ask(find_who_was_first, conflict, now())
            return 'clash', conflict.told(self._wording().reader)
        except Told as refusal:
            return 'bad', refusal.told(self._wording().reader)
        return ('doubt', doubt) if doubt else ('saved', '')

    async def _save(self, edit: Edit) -> str:
        """Save, or return why one should look again first."""
        current = getattr(self._claim, edit.name)
        if plain(current) != edit.seen:
            raise ClaimConflict(edit.name, current, self._claim.id)
        if edit.name == 'status':
            refresh_live(self._claim, await self._change_status(edit, str(edit.seen)))
            return ''
        wanted, doubt = await self._wanted(edit)
        if doubt and not edit.anyway:
            return doubt
        if wanted != current:
            await self._store(edit.name, (current, wanted))
        return ''

    async def _change_status(self, edit: Edit, seen: str) -> Claim:
        reason = reason_key(edit.reason, self._wording().reference)
        if edit.raw == SENT_BACK:
            return await work(send_back, self._claim.id, seen, edit.asked, now(), reason=reason)
        return await work(change_status, self._claim.id, edit.raw, reason, seen, now())

    async def _store(self, name: str, change: tuple[Any, Any]) -> None:
        """Until it is stored the claim of the page stays as it is: what it shows is what everybody may build on."""
        saved = await work(_ORDERS.get(name, _save), self._claim.id, name, change, now())
        if is_older(saved, self._claim):  # another change came in between
            await self._follow()
        else:
            refresh_live(self._claim, saved)

    async def _wanted(self, edit: Edit) -> tuple[Any, str]:
        """What was typed as the claim stores it, and what makes one doubt it."""
        kind = FIELDS[edit.name].kind
        if kind in ('garage', 'appraiser'):
            return await self._firm(kind, edit)
        if kind == 'reason':
            return reason_key(edit.raw, self._wording().reference), ''
        wanted = parse_field(edit.name, edit.raw)
        return wanted, self._doubt(edit.name, wanted)

    def _doubt(self, name: str, wanted: Any) -> str:
        """What would look wrong beside the rest of the claim, in words."""
        reader, unknown = self._wording().reader, self._wording().reference.unknown_insurer
        today = values.israel(now()).date()
        doubts = doubts_about(values_of(self._claim), name, wanted, today, unknown_insurer=unknown)
        told = ' '.join(doubt.told(reader) for doubt in doubts)
        return f'{told} {t("Enter again saves it as it is.")}' if told else ''

    async def _firm(self, kind: str, edit: Edit) -> tuple[int | None, str]:
        name = values.text(edit.raw, limit=120)
        if not name:
            return None, ''
        known = firm_called(kind, name, self._wording().reference)
        if known is not None:
            return known, ''
        if not edit.anyway:
            return None, t('“{name}” is not in the list yet. Enter again adds it.', name=name)
        added = await work(firm_named, Garage if kind == 'garage' else Appraiser, name)
        self._wording().reference = await ask(reference)
        return added, ''
