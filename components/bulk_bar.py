"""The bar below the claims list while rows are selected: what may be done to all of them, what that would change, and how far it is."""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from nicegui import ui
from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.claim_rows import reason_key
from components.live import Subscription, ask, bulk_topic, show_changes, show_written, work
from components.words import said_once, t, tn
from db.base import now
from db.bulk_orders import (
    ACTIONS,
    ASSIGN,
    AT_MOST,
    CHECKED,
    MESSAGE,
    READ,
    RUNNING,
    STATUS,
    UNREAD,
    Group,
    Plan,
    Report,
    Wish,
    place_order,
    plan_for,
    present_order,
    put_away,
)
from db.list_state import ListState
from db.message_templates import VARIABLES, templates
from db.offices import bureau_people
from db.papers import Papers, papers_of
from db.reference import CLOSED, Reference
from db.scope import Actor, Can
from db.session import fetch
from db.texts import Told

BREATH = 0.3


class BulkFound(NamedTuple):
    """Colleagues and letters, for who may choose from them, and the order that is under way or waits to be read."""

    choices: tuple[Sequence[Any], Sequence[Any]] | None
    report: Report | None


class BulkBar(Element, component='bulk_bar.js'):
    """Says how many are selected, asks what to do, shows the plan, and how far the order is."""


class BulkWork:
    """What one person does to many claims on one page."""

    def __init__(self, listed: Callable[[], ListState], actor: Actor, since: int) -> None:
        """`listed` tells the list whose claims «all» means; `since`: see `Subscription`."""
        self.actor, self._listed = actor, listed
        self._words: Reference | None = None
        self._planned: tuple[int, Plan] | None = None
        self.bar = BulkBar()
        self.bar._props.update(
            words=_words(),
            actions=tuple(_actions(actor)),
            plan=None,
            order=None,
            total=0,
            totalText='',
            exports='',
            exportChoices=[],
        )
        self.bar.on('plan', self._plan)
        self.bar.on('order', self._order)
        self.bar.on('away', self._away, args=[])
        self.bar.on('pack', self._pack)
        Subscription([bulk_topic(actor)], lambda _: self._follow(), breath=BREATH, since=since)

    def offer_export(self, export: Callable[..., Awaitable[None]], choices: Sequence[Mapping[str, Any]]) -> None:
        """Let what is selected be taken away; `export` gets its numbers, none for the whole list, and which of the `choices` it is."""

        async def picked(event: GenericEventArguments) -> None:
            asked = event.args if isinstance(event.args, Mapping) else {}
            numbers = [] if asked.get('all') is True else _numbers(asked.get('numbers'))
            if numbers or asked.get('all') is True:
                await export(numbers, with_details=asked.get('details') is True)

        self.bar.on('export', picked)
        show_changes(self.bar, {'exports': t('Export to Excel'), 'exportChoices': choices})

    async def load(self, words: Reference) -> None:
        """Ask for what can be chosen, and for an order that was left before its report was read."""
        self.draw(words, await ask(read_bulk))

    def draw(self, words: Reference, found: BulkFound) -> None:
        """Show what can be chosen, and an order that was left before its report was read."""
        self._words = words
        show_written(self.bar, choices=self._choices(words, *found.choices) if found.choices else {})
        self._draw_order(found.report)

    async def _follow(self) -> None:
        self._draw_order(await ask(present_order))

    def _draw_order(self, report: Report | None) -> None:
        show_changes(self.bar, {'order': _report_shown(report) if report else None})

    async def _plan(self, event: GenericEventArguments) -> None:
        """Say what a wish would do; what it would do stands here until it is ordered, not in the browser."""
        asked = event.args if isinstance(event.args, Mapping) else {}
        turn, self._planned = _whole(asked.get('turn')), None
        wish = Wish(*(str(asked.get(name, '')) for name in ('action', 'value', 'reason')))
        if wish.action == STATUS and self._words is not None:
            wish = Wish(STATUS, wish.value, reason_key(wish.reason, self._words))
        chosen = self._listed() if asked.get('all') is True else _numbers(asked.get('numbers'))
        try:
            plan = await ask(plan_for, wish, chosen, now())
        except Told as refusal:
            show_changes(self.bar, {'plan': {'turn': turn, 'error': refusal.told(self.actor.language)}})
            return
        self._planned = turn, plan
        show_changes(self.bar, {'plan': _plan_shown(turn, plan)})

    async def _order(self, event: GenericEventArguments) -> None:
        asked = event.args if isinstance(event.args, Mapping) else {}
        key = str(asked.get('key', ''))[:64]
        if self._planned is not None and self._planned[0] == asked.get('turn') and key:
            await work(place_order, key, self._planned[1], now())
            await self._follow()

    async def _pack(self, event: GenericEventArguments) -> None:
        """Send all documents of the claims as one ZIP; what stands against it is said before the browser asks for it."""
        asked = event.args if isinstance(event.args, Mapping) else {}
        chosen = self._listed() if asked.get('all') is True else _numbers(asked.get('numbers'))
        found = await ask(papers_of, chosen)
        _sent = ui.run_javascript(f'location.assign({json.dumps(_address_of(found))})')  # nobody waits for a download

    async def _away(self) -> None:
        order = self.bar._props['order']
        if order is not None:
            await work(put_away, order['id'])
            await self._follow()

    def _choices(
        self, words: Reference, people: Iterable[Any], letters: Iterable[Any]
    ) -> dict[str, tuple[dict[str, Any], ...]]:
        reader = self.actor.language
        statuses = [
            {
                'key': status.id,
                'label': status.label_in(reader),
                'reason': status.reason_required,
                'reasons': [reason.label_in(reader) for reason in words.reasons.get(status.id, ()) if reason.active],
                'closes': status.category == CLOSED,
            }
            for status in words.statuses.values()
            if status.active
        ]
        return {
            ASSIGN: tuple({'key': str(user.id), 'label': user.name} for user in people),
            STATUS: tuple(statuses),
            MESSAGE: tuple(
                {'key': letter.id, 'label': letter.label_in(reader), 'body': _readable(letter.body)}
                for letter in letters
                if letter.audience == 'agent'
            ),
        }


def _address_of(found: Papers) -> str:
    return '/files/claims.zip?' + urlencode([('claim', claim.claim_no) for claim in found.claims])


def _readable(body: str) -> str:
    """A template before it is filled in: what will stand there is named."""
    for name, label in VARIABLES.items():
        body = body.replace(f'{{{name}}}', f'«{t(label)}»')
    return body


def read_bulk(session: Any, ordered: bool = True) -> BulkFound:
    """What the acting person may choose from; and an order he left before its report was read, if he has `ordered` something."""
    actor: Actor = session.info['actor']
    choices = (fetch(session, bureau_people()), templates(session)) if actor.may(Can.EDIT_CLAIM) else None
    return BulkFound(choices, present_order(session) if ordered else None)


def _numbers(given: Any) -> list[str]:
    """The claim numbers a browser names; one more than can be done, so that too many are told."""
    numbers = given if isinstance(given, list) else []
    return [number[:40] for number in numbers[: AT_MOST + 1] if isinstance(number, str) and number.isprintable()]


def _whole(given: Any) -> int:
    return given if isinstance(given, int) and not isinstance(given, bool) and 0 <= given < 10**9 else 0


def _actions(actor: Actor) -> list[dict[str, str]]:
    named = {
        ASSIGN: ('person_add', t('Assign to a colleague')),
        STATUS: ('swap_horiz', t('Change status')),
        CHECKED: ('fact_check', t('Checked, no change')),
        MESSAGE: ('chat', t('Send a template')),
        READ: ('mark_email_read', t('Mark as read')),
        UNREAD: ('mark_email_unread', t('Mark as unread')),
    }
    ordered = [
        {'key': action, 'icon': icon, 'label': label}
        for action, (icon, label) in named.items()
        if actor.may(ACTIONS[action])
    ]
    return [*ordered, {'key': 'pack', 'icon': 'folder_zip', 'label': t('Download documents')}]


def _plan_shown(turn: int, plan: Plan) -> dict[str, Any]:
    ready = len(plan.ready)
    return {
        'turn': turn,
        'ready': ready,
        'title': tn('The action is about one claim', 'The action is about {n} claims', ready)
        if ready
        else t('There is nothing to change in these claims'),
        'left': _left_title(len(plan.left)),
        'groups': _groups_shown(plan.groups),
        'note': t('Only the first {n} are taken at once. The others remain for another time.', n=f'{AT_MOST:,}')
        if plan.too_many
        else '',
    }


def _left_title(count: int) -> str:
    return tn('One will be left as it is', '{n} will be left as they are', count) if count else ''


def _groups_shown(groups: Iterable[Group]) -> list[dict[str, Any]]:
    return [
        {
            'why': t(group.why.key, **{name: t(value) for name, value in group.why.values.items()}),
            'count': group.count,
            'numbers': list(group.numbers),
            'more': group.count - len(group.numbers),
        }
        for group in groups
    ]


def _report_shown(report: Report) -> dict[str, Any]:
    running, settled = report.order.state == RUNNING, report.total - report.waiting
    left = settled - report.done
    return {
        'id': report.order.id,
        'key': report.order.key,
        'running': running,
        'settled': settled,
        'total': report.total,
        'title': t('Updating claims: {done} of {total}', done=settled, total=report.total)
        if running
        else tn('One claim was updated', '{n} claims were updated', report.done)
        if report.done
        else t('No claim was changed'),
        'left': tn('One was left as it was', '{n} were left as they were', left) if left else '',
        'groups': _groups_shown(report.groups),
    }


@said_once
def _words() -> dict[str, str]:
    return {
        'bar': t('Selected claims'),
        'exportChoices': t('What goes into the file?'),
        'moreActions': t('More actions'),
        'one': tn('One claim selected', '{n} claims selected', 1),
        'many': t('{n} selected', n='{n}'),
        'all': t('Select all {n} of the list', n='{n}'),
        'isAll': t('All {n} of the list are selected', n='{n}'),
        'unpick': t('Clear the selection'),
        'colleague': t('Colleague'),
        'status': t('New status'),
        'letter': t('Template'),
        'choose': t('Please choose'),
        'reason': t('Reason'),
        'reasonHint': t('This status takes a reason. Please choose or write one.'),
        'closes': t('This status closes the claims.'),
        'counting': t('Checking what would change…'),
        'cancel': t('Cancel'),
        'do': t('Do it'),
        'close': t('Close'),
        'details': t('Details'),
        'more': t('and {n} more', n='{n}'),
        'leave': t('You may leave the page; it goes on.'),
    }
