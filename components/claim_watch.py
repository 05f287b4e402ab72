"""How closely I watch a claim: mute it, follow it, put it aside until a morning; as a menu in its head, or opened from an alert."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.live import MISSED, Subscription, ask, current_actor, person_topic, show_changes, work
from components.shared_words import calendar
from components.words import language, said_once, t, weekday_of
from db import values
from db.alert_choices import PAUSE_AT_MOST, PAUSES, back_on, follow, watch_of
from db.alerts import end_snooze, mute, snooze
from db.base import now
from db.claims import Claim
from db.doorbell import Notice
from db.scope import Actor
from db.texts import N_
from db.texts import t as text

_PAUSE_LABELS = MappingProxyType({'day': N_('In a day'), 'days3': N_('In 3 days'), 'week': N_('In a week')})
# what the browser may ask for: a verb, the claim, a pause and the moment
_ACTS: Mapping[str, Callable[[Any, int, str, datetime], Any]] = MappingProxyType(
    {
        'mute': lambda session, claim_id, _, moment: mute(session, claim_id, moment),
        'unmute': lambda session, claim_id, _, moment: mute(session, claim_id, moment, muted=False),
        'follow': lambda session, claim_id, _, moment: follow(session, claim_id),
        'unfollow': lambda session, claim_id, _, moment: follow(session, claim_id, follows=False),
        'snooze': snooze,
        'resume': lambda session, claim_id, _, moment: end_snooze(session, claim_id, moment),
    }
)
DAY_AT_MOST = 10


class ClaimWatchMenu(Element, component='claim_watch.js'):
    """What one can choose about a claim's alerts, and what one has chosen; live in every tab."""

    def __init__(
        self, claim_id: int | None = None, shown: Mapping[str, Any] | None = None, since: int | None = None
    ) -> None:
        """In the head of its claim a menu, which shows what `watched` found when `live.rung()` said `since`.

        Without a claim a dialog, which `open` shows for one.
        """
        super().__init__()
        self._claim_id = claim_id
        self._props.update(shown=shown, dialog=claim_id is None, turn=0, words=_words())
        self.on('act', self._act)
        with self:
            Subscription([person_topic(current_actor())], self._ring, since=since)

    async def open(self, claim_id: int) -> None:
        """Show the dialog for a claim."""
        self._claim_id = claim_id
        await self.refresh()
        self._props['turn'] += 1
        self.update()

    async def refresh(self) -> None:
        """Read what is chosen and show what differs."""
        if self._claim_id is None:
            return
        shown = await ask(watched, self._claim_id, now(), language())
        if not self.is_deleted:
            show_changes(self, {'shown': shown})

    async def _ring(self, notices: set[Notice]) -> None:
        # an alert changes nothing of what he chose, unless the claim comes back with it
        waits = bool((self._props['shown'] or {}).get('until'))
        about = {notice.kind for notice in notices if notice.claim_id == self._claim_id}
        if MISSED in notices or about - (set() if waits else {'alert'}):
            await self.refresh()

    async def _act(self, event: GenericEventArguments) -> None:
        asked = event.args if isinstance(event.args, dict) else {}
        act, pause = str(asked.get('act')), str(asked.get('pause') or '')[:DAY_AT_MOST]
        if act in _ACTS and self._claim_id is not None:
            await work(_ACTS[act], self._claim_id, pause, now())
            await self.refresh()


def watched(session: Any, claim_id: int, moment: datetime, reader: str) -> dict[str, Any] | None:
    """What the acting person chose about a claim, and what he may choose, in words."""
    claim = session.get(Claim, claim_id)
    return choices_about(session, claim, moment, reader) if claim is not None else None


def choices_about(session: Any, claim: Claim, moment: datetime, reader: str) -> dict[str, Any]:
    """As `watched`, of a claim the acting person may see."""
    actor: Actor = session.info['actor']
    watch, days = watch_of(session, claim.id), calendar(session)
    until = watch.pause_at(moment) if watch else None
    today = values.israel(moment).date()
    return {
        'name': claim.insured_name,
        'muted': bool(watch and watch.muted),
        'follows': bool(watch and watch.follows),
        'mine': actor.user_id in (claim.agent, claim.handler),
        'until': morning_text(until, reader) if until else '',
        'day': f'{values.israel(until):%d/%m}' if until else '',
        'pauses': [
            {
                'key': key,
                'label': text(_PAUSE_LABELS[key], reader),
                'when': morning_text(back_on(days, key, moment), reader),
            }
            for key in PAUSES
        ],
        'first': (today + timedelta(days=1)).isoformat(),
        'last': (today + PAUSE_AT_MOST).isoformat(),
    }


def morning_text(at: datetime, reader: str) -> str:
    """When a claim comes back, as people say it: the day of the week, the date and the time."""
    day = values.israel(at).date()
    return f'{weekday_of(day, reader)} {values.format_day(day)}, {values.format_time(at)}'


@said_once
def _words() -> dict[str, str]:
    return {
        'title': t('Alerts of this claim'),
        'usual': t('Alerts'),
        'muted': t('Muted'),
        'mutedLong': t('This claim is muted: only money and cheques are alerted.'),
        'follows': t('Following'),
        'until': t('Set aside until {day}', day='{day}'),
        'back': t('Comes back on {when}', when='{when}'),
        'mute': t('Mute this claim'),
        'except': t('Except for money and cheques'),
        'unmute': t('Unmute'),
        'follow': t('Follow this claim'),
        'unfollow': t('Stop following'),
        'remind': t('Remind me in…'),
        'day': t('On another day'),
        'set': t('Set'),
        'resume': t('Bring it back now'),
        'close': t('Close'),
    }
