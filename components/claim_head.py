"""The head of the claim page: the way back, who and what it is about, what one can do, and the tabs."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.claim_rows import Wording, money_axis, waited
from components.live import current_actor, show_changes
from components.theme import status_look
from components.words import said_once, signed, t
from db import values
from db.base import now
from db.cheques import Cheque
from db.claims import Claim
from db.list_state import ListState
from db.lists import Neighbours
from db.scope import Can
from db.texts import N_

# in the order they stand in; the page draws a panel for each
TABS: Mapping[str, str] = {
    'overview': N_('Overview'),
    'repair': N_('Repair'),
    'documents': N_('Documents'),
    'calls': N_('Call log'),
    'messages': N_('Messages'),
    'money': N_('Money'),
    'history': N_('History'),
}
_VIEW_NAMES: Mapping[str, str] = {
    'open': N_('Open'),
    'unread': N_('Unread'),
    'closed': N_('Closed'),
    'all': N_('All'),
}
# name of the row, icon, label, also shown on the phone
_META = (
    ('claim_no', 'tag', N_('Claim'), False),
    ('event_date', 'event', N_('Event date'), True),
    ('make_model', 'directions_car', '', True),
    ('tp_insurer', 'shield', N_("Third party's insurer"), True),
    ('agent', 'person', N_('Agent'), False),
    ('handler', 'support_agent', N_('Handler'), False),
)


def claim_address(claim_no: str, came_from: str = '', tab: str = '', **chosen: str) -> str:
    """The address of a claim, which remembers the list one came from; `chosen` is what of a tab was chosen."""
    asked = {'list': came_from, 'tab': tab if tab != 'overview' else '', **chosen}
    query = urlencode({key: value for key, value in asked.items() if value})
    return f'/claims/{quote(claim_no, safe="")}' + (f'?{query}' if query else '')


class ClaimHead(Element, component='claim_head.js'):
    """Name, plate, status and the facts one asks for on the phone."""

    def __init__(self, claim: Claim, wording: Callable[[], Wording], came_from: ListState) -> None:
        """`came_from` is the list whose neighbours the arrows lead to."""
        super().__init__()
        self._claim, self._wording, self._list = claim, wording, came_from
        self._cheque: Cheque | None = None
        self._red, self._author = False, ''
        self._props.update(
            words=_words(), back=self._back(), steps=None, glow={}, spokenNow='', active='overview', drawn=0
        )
        self._props['logs'] = current_actor().may(Can.LOG_CALL)
        self._props['tabs'] = [
            {'key': key, 'label': t(label), 'href': self.address_of(key)} for key, label in TABS.items()
        ]

    def draw(self) -> None:
        """Bring the head up to what the claim says now."""
        claim, wording = self._claim, self._wording()
        look = status_look(claim.status)
        shown = {
            'name': claim.insured_name,
            'no': claim.claim_no,
            'plate': values.format_plate(claim.plate) if claim.plate else '',
            'chip': {'hue': look.hue, 'icon': look.icon, 'label': wording.text('status', claim.status)},
            'meta': [
                *(item for name, *rest in _META if (item := _meta(name, rest, claim, wording))),
                *([_money(claim, wording, self._cheque)] if claim.money != 'none' or self._cheque else []),
                *([_radar()] if self._red else []),
                *([_waiting(claim, wording)] if claim.is_open else []),
                _updated(claim, self._author, wording.reader),
            ],
        }
        show_changes(self, shown)

    def note(self, cheque: Cheque | None, author: str, *, red: bool) -> None:
        """Show the next cheque beside the money, whether one of the client's falls before the insurer's, and who wrote the last news."""
        self._cheque, self._author, self._red = cheque, author, red
        self.draw()

    def show_hint(self) -> None:
        """Tell staff how to edit."""
        self._props['hint'] = {
            'title': t('Fast update'),
            'text': t('A click on a field opens it for editing. Every save reaches the agent at once.'),
            'enter': t('saves'),
            'tab': t('next field'),
            'escape': t('cancels'),
            'hide': t('Hide this hint'),
        }

    def place(self, neighbours: Neighbours | None) -> None:
        """Show where the claim stands in the list one came from."""
        self._props['steps'] = None if neighbours is None else self._steps(neighbours)

    def glow(self, names: Sequence[str], spoken: str) -> None:
        """Let what somebody else just changed light up, and say it."""
        count = self._props['glow']
        self._props['glow'] = {**count, **{name: count.get(name, 0) + 1 for name in names}}
        self._props['spokenNow'] = spoken
        self.update()

    def activate(self, tab: str) -> None:
        """Show which tab is open."""
        self._props['active'] = tab
        self.update()

    def count(self, numbers: Mapping[str, tuple[int | str, bool]]) -> None:
        """Show how much stands behind tabs, in colour when some of it is new."""
        counted = {
            tab: {'count': str(number) if number else '', 'fresh': new} for tab, (number, new) in numbers.items()
        }
        show_changes(self, {'tabs': [{**item, **counted.get(item['key'], {})} for item in self._props['tabs']]})

    def address_of(self, tab: str, **chosen: str) -> str:
        """Where a tab stands, with what was chosen of it."""
        return claim_address(self._claim.claim_no, self._list.address(), tab, **chosen)

    def point(self, tab: str, **chosen: str) -> None:
        """Let a tab lead to what was chosen of it."""
        href = self.address_of(tab, **chosen)
        show_changes(
            self, {'tabs': [{**item, 'href': href} if item['key'] == tab else item for item in self._props['tabs']]}
        )

    def on_tab(self, choose: Callable[[str], Awaitable[None]]) -> None:
        """Have `choose` called with the tab that was clicked."""

        async def chosen(event: GenericEventArguments) -> None:
            if isinstance(event.args, str) and event.args in TABS:
                await choose(event.args)

        self.on('tab', chosen)

    def drew(self, change_id: int) -> None:
        """The page shows the claim up to this change; the browser says when somebody has it before him."""
        if change_id != self._props['drawn']:
            self._props['drawn'] = change_id
            self.update()

    def on_seen(self, seen: Callable[[int], Awaitable[None]]) -> None:
        """Have `seen` called with the change up to which the browser has drawn the claim where somebody looks at it."""

        async def acknowledged(event: GenericEventArguments) -> None:
            if type(event.args) is int and 0 < event.args <= self._props['drawn']:
                await seen(event.args)

        self.on('seen', acknowledged)

    def _back(self) -> dict[str, str]:
        address = self._list.address()
        filtered = self._list.q or self._list.filters
        label = t('Search results') if filtered else t('Claims: {view}', view=t(_VIEW_NAMES[self._list.view]))
        return {'href': f'/?{address}' if address else '/', 'label': label}

    def _steps(self, neighbours: Neighbours) -> dict[str, Any]:
        def link(key: str, claim_no: str | None, label: str, icon: str) -> dict[str, Any]:
            href = claim_address(claim_no, self._list.address()) if claim_no else ''
            return {'key': key, 'href': href, 'label': label, 'icon': icon}

        return {
            'place': t('{place} of {total}', place=f'{neighbours.place:,}', total=f'{neighbours.total:,}'),
            'links': [
                link('previous-claim', neighbours.before, t('Previous claim'), 'keyboard_arrow_up'),
                link('next-claim', neighbours.after, t('Next claim'), 'keyboard_arrow_down'),
            ],
        }


def _meta(name: str, rest: Sequence[Any], claim: Claim, wording: Wording) -> dict[str, Any] | None:
    icon, label, on_phone = rest
    text = wording.text(name, getattr(claim, name))
    if name == 'make_model' and claim.model_year:
        text = ', '.join(filter(None, (text, str(claim.model_year))))
    if not text:
        return None
    item = {'name': name, 'icon': icon, 'label': t(label) if label else '', 'text': text, 'desk': not on_phone}
    if name in ('claim_no', 'event_date'):
        item['number'] = True
    return {**item, 'copy': text} if name == 'claim_no' else item


def _money(claim: Claim, wording: Wording, cheque: Cheque | None) -> dict[str, Any]:
    """How far the money is, and which cheque is due next."""
    text = money_axis(claim, wording.reader)
    if cheque is not None:
        amount, due = values.format_money(cheque.amount, wording.reader), values.format_day(cheque.due_date)
        text += ' · ' + t('cheque of {amount} due {due}', amount=amount, due=due)
    return {'name': 'money', 'icon': 'payments', 'label': t('Money'), 'text': text, 'desk': False}


def _radar() -> dict[str, Any]:
    text = t("The client's cheque falls before the money")
    return {'name': 'radar', 'icon': 'crisis_alert', 'label': '', 'text': text, 'desk': False, 'red': True}


def _waiting(claim: Claim, wording: Wording) -> dict[str, Any]:
    """In whose court the ball is, and for how long."""
    days = waited(claim.waiting_since, values.israel(now()).date(), wording.reader)
    text = f'{wording.text("waiting_on", claim.waiting_on)} · {days}'
    return {'name': 'waiting_on', 'icon': 'hourglass_top', 'label': t('Waiting on'), 'text': text, 'desk': True}


def _updated(claim: Claim, author: str, reader: str) -> dict[str, Any]:
    """When there were news last, and of whom: it grows older in the browser."""
    at = claim.updated_at
    shown = {'at': at.isoformat(), 'when': values.format_moment(at, now(), reader), 'exact': values.format_exact(at)}
    return {
        'name': 'updated',
        'icon': 'update',
        'label': t('Updated'),
        'text': signed(author, reader),
        'desk': False,
        **shown,
    }


@said_once
def _words() -> dict[str, str]:
    return {
        'where': t('Where you are'),
        'back': t('Back to the list'),
        'claim': t('Claim'),
        'plate': t('Vehicle no.'),
        'copy': t('Copy the claim number'),
        'parts': t('Parts of the claim'),
        'logsNot': t('You can read the call log but not add to it. Ask the bureau to log the call.'),
    }


class ClaimActions(Element, component='claim_actions.js'):
    """Buttons for what one can do with the claim; the same ones in the head and, as a bar, on the phone."""

    def __init__(self, actions: Sequence[dict[str, Any]], act: Callable[[str], Awaitable[None]], *, bar: bool) -> None:
        """`act` is called with the key of an action that the browser cannot do by itself."""
        super().__init__()
        self._props.update(actions=list(actions), bar=bar, label=t('What you can do'))

        async def asked(event: GenericEventArguments) -> None:
            if event.args in [action['key'] for action in self._props['actions']]:
                await act(event.args)

        self.on('act', asked)

    def offer(self, actions: Sequence[dict[str, Any]]) -> None:
        """Offer other actions, or the same ones for other numbers."""
        if list(actions) != self._props['actions']:
            self._props['actions'] = list(actions)
            self.update()


def actions_of(claim: Claim, *, staff: bool, writes: bool, logs: bool) -> list[dict[str, Any]]:
    """Call, answer the client, copy; and for whom it fits: mark unread and write to the bureau, or say of an open claim that it was checked."""
    actions: list[dict[str, Any]] = []
    if claim.insured_phone:
        actions.append(
            {
                'key': 'call',
                'icon': 'call',
                'label': t('Call'),
                'brief': t('Call'),
                'href': values.tel_uri(claim.insured_phone),
            }
        )
    number = values.whatsapp_number(claim.insured_phone) if claim.insured_phone else None
    if logs:  # by WhatsApp too, with the words at hand
        actions.append(
            {'key': 'answer', 'icon': 'quick_phrases', 'label': t('Answer to the client'), 'brief': t('Answer')}
        )
    elif number:
        actions.append(
            {
                'key': 'whatsapp',
                'label': 'WhatsApp',
                'brief': 'WhatsApp',
                'href': f'https://wa.me/{number}',
                'away': True,
            }
        )
    if claim.plate:
        shown = values.format_plate(claim.plate)
        actions.append(
            {'key': 'copy', 'icon': 'content_copy', 'label': t('Copy plate'), 'brief': t('Plate'), 'copy': shown}
        )
    actions.append({'key': 'print', 'icon': 'print', 'label': t('Print'), 'desk': True})
    if staff and claim.is_open:
        actions.append(
            {
                'key': 'checked',
                'icon': 'task_alt',
                'label': t('Checked today, no change'),
                'brief': t('Checked'),
                'title': t('Shows the agent that somebody looked. No alert is sent.'),
                'main': True,
            }
        )
    if not staff:
        actions.append(
            {'key': 'unread', 'icon': 'mark_email_read', 'label': t('Mark as unread'), 'brief': t('Not read')}
        )
        if writes:
            actions.append(
                {
                    'key': 'message',
                    'icon': 'send',
                    'label': t('Send message'),
                    'brief': t('Message'),
                    'tab': 'messages',
                    'main': True,
                }
            )
    return actions
