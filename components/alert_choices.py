"""What I am alerted of: every event on each channel, saved at once, and of which claims."""

from typing import Any

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.live import ask, current_actor, work
from components.theme import EVENT_LOOKS
from components.words import said_once, t
from db.alert_choices import Choice, choose, choose_claims, my_choices
from db.alert_kinds import CHANNELS, EVENTS, GROUPS
from db.offices import User
from db.scope import Actor


class AlertChoices(Element, component='alert_choices.js'):
    """A matrix of switches: events by theme, channels beside each other; what cannot be switched off says why."""

    def __init__(self) -> None:
        """Nothing is shown before `load`."""
        super().__init__()
        actor = current_actor()
        # who works for the bureau hears of his claims and those he follows anyway; who sees his own only, of those
        self._may_narrow = not actor.is_bureau and not actor.sees_own_only
        channels = [{'key': key, 'label': t(label)} for key, label in CHANNELS.items()]
        self._props.update(groups=[], channels=channels, claims='', saved=0, words=_words())
        self.on('choose', self._choose)
        self.on('claims', self._claims)

    async def load(self) -> None:
        """Read the person's choices and show them."""
        chosen, only_own = await ask(_choices)
        if self.is_deleted:
            return
        self._props['groups'] = [
            {'key': group, 'label': t(GROUPS[group]), 'rows': [_row(choice) for choice in choices]}
            for group, choices in chosen.items()
        ]
        self._props['claims'] = ('own' if only_own else 'all') if self._may_narrow else ''
        self.update()

    async def _choose(self, event: GenericEventArguments) -> None:
        asked = event.args if isinstance(event.args, dict) else {}
        name, channel, wanted = str(asked.get('event')), str(asked.get('channel')), asked.get('wanted')
        if name in EVENTS and channel in CHANNELS and isinstance(wanted, bool):
            try:
                await work(choose, name, channel, wanted)
                self._props['saved'] += 1
            finally:
                await self.load()  # what stands there now, also when it was refused

    async def _claims(self, event: GenericEventArguments) -> None:
        if event.args in ('own', 'all') and self._may_narrow:
            await work(choose_claims, only_own=event.args == 'own')
            self._props['saved'] += 1
            await self.load()


def _choices(session: Any) -> tuple[dict[str, list[Choice]], bool]:
    actor: Actor = session.info['actor']
    return my_choices(session), session.get_one(User, actor.user_id).only_own_alerts


def _row(choice: Choice) -> dict[str, Any]:
    about, look = EVENTS[choice.event], EVENT_LOOKS[choice.event]
    return {
        'event': choice.event,
        'label': t(about.label),
        'why': t(about.always) if about.always else '',
        'hue': look.hue,
        'icon': look.icon,
        'on': dict(choice.on),
        'locked': dict(choice.locked),
    }


@said_once
def _words() -> dict[str, str]:
    return {
        'title': t('My alerts'),
        'explained': t('What to be alerted of, and how. Every choice is saved at once.'),
        'event': t('What happened'),
        'locked': t('Always on'),
        'saved': t('Saved'),
        'claims': t('Of which claims'),
        'all': t('All claims of the office'),
        'own': t('My claims and those I follow'),
        'money': t('Money and cheques of the whole office are always shown.'),
    }
