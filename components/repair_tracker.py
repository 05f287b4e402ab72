"""The repair tracker: at which stage the car is, what is behind it and what comes, and when it is expected back.

Staff move the car on from here with one click, and take a slip back with another.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.claim_rows import News, Wording
from components.live import show_changes
from components.repair_words import Repair, days_reached, days_text, eta_of, hold_of, is_tracked, stages_of
from components.words import t, tn
from db import values
from db.claims import Claim
from db.repairs import days_at_garage

Mover = Callable[[str, str | None], Awaitable[None]]


class RepairTracker(Element, component='repair_tracker.js'):
    """Follows the stage, the garage and the expected day of one claim. It stands on two tabs; the one in sight carries the hooks."""

    def __init__(
        self,
        claim: Claim,
        wording: Callable[[], Wording],
        news: Callable[[], News],
        *,
        more: str = '',
        move: Mover | None = None,
    ) -> None:
        """Draw it; nothing is shown while there is no repair to follow. `more` is the address of all there is to know.

        `move`, for those who may, is called with a stage and the one that was seen.
        """
        super().__init__()
        self._claim, self._wording, self._news = claim, wording, news
        self._repair, self._move = Repair(), move
        self._props.update(title=t('Repair progress'), changedTo=t('changed to'), now='', stages=[], glow=0)
        self._props.update(more=more, inSight=False, moves=[])
        if move is not None:
            self.on('move', self._asked)

    def remember(self, repair: Repair) -> None:
        """Learn what happened to the car so far."""
        self._repair = repair

    def come_in_sight(self, *, seen: bool) -> None:
        """Whether its tab is the open one."""
        if seen != self._props['inSight']:
            self._props['inSight'] = seen
            self.update()

    def glow(self) -> None:
        """Let the stage light up: somebody else just moved the car on."""
        self._props['glow'] += 1
        self.update()

    def draw(self, now: datetime) -> None:
        """Bring it up to what the claim says."""
        shown = self._tracked(now) if is_tracked(self._claim) else {'now': '', 'stages': []}
        show_changes(self, shown)

    async def _asked(self, event: GenericEventArguments) -> None:
        """A button of ours was pressed; anything else is not listened to."""
        stage = event.args
        if self._move is not None and stage in [move['stage'] for move in self._props['moves']]:
            await self._move(str(stage), self._claim.repair_stage)

    def _tracked(self, now: datetime) -> dict[str, Any]:
        claim, wording, today = self._claim, self._wording(), values.israel(now).date()
        place, total = wording.reference.stage_place(claim.repair_stage)
        news, stays = self._news().before, self._repair.stays
        return {
            'now': wording.text('repair_stage', claim.repair_stage) or t('The stage is not known yet'),
            'garage': wording.text('garage', claim.garage),
            'step': t('Stage {place} of {total}', place=place, total=total) if 0 < place < total else '',
            'before': wording.text('repair_stage', news['repair_stage']) if 'repair_stage' in news else None,
            'since': _moment(claim.stage_since, now, wording.reader),
            'eta': None if place == total else eta_of(claim.eta, today, wording.reader),
            'explained': '' if claim.hold_reason else self._explained(),
            'hold': hold_of(claim, wording.reference, now, wording.reader),
            'stages': stages_of(claim, wording.reference, wording.reader, days_reached(stays), today),
            'facts': self._facts(now, done=place == total),
            'moves': self._moves() if self._move is not None and not claim.hold_reason else [],
            'words': {'all': t('All {n} stages', n=total), 'fewer': t('Fewer stages'), 'look': t('Show')},
        }

    def _explained(self) -> str:
        """What the stage means, as its status is explained: one line."""
        stage = self._wording().reference.stages.get(self._claim.repair_stage or '')
        return stage.explanation_in(self._wording().reader) if stage else ''

    def _facts(self, now: datetime, *, done: bool) -> dict[str, str]:
        """The line below the road: photos, days at the garage, days in the stage."""
        stays, reader = self._repair.stays, self._wording().reader
        there, photos = days_at_garage(stays, now), self._repair.photos
        here = (
            (values.israel(now).date() - values.israel(self._claim.stage_since).date()).days
            if (self._claim.stage_since and not done)
            else 0
        )
        last = values.format_moment(photos[0].at, now, reader) if photos else ''
        counted = tn('{n} photo from the garage', '{n} photos from the garage', len(photos)) if photos else ''
        return {
            'photos': f'{counted} · {last}' if photos else '',
            'there': t('At the garage: {days}', days=days_text(there, reader)) if there else '',
            'here': t('In this stage: {days}', days=days_text(here, reader)) if here else '',
        }

    def _moves(self) -> list[dict[str, Any]]:
        """One step forward and one back, for staff."""
        wording, stage = self._wording(), self._claim.repair_stage
        back, forward = (wording.reference.step_from(stage, way) for way in (-1, 1))
        moves = []
        if back is not None:
            label = back.label_in(wording.reader)
            moves.append({'stage': back.id, 'key': 'back', 'label': t('A stage back'), 'title': label})
        if forward is not None:
            label = t('On to “{stage}”', stage=forward.label_in(wording.reader))
            moves.append({'stage': forward.id, 'key': 'forward', 'label': label, 'title': ''})
        return moves


def _moment(at: datetime | None, now: datetime, reader: str) -> dict[str, str] | None:
    if at is None:
        return None
    return {'at': at.isoformat(), 'when': values.format_moment(at, now, reader), 'exact': values.format_exact(at)}
