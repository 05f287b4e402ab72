"""«Export to Excel» above a list: starts a workbook of what the list shows, or of all details, and finds those asked for earlier."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.live import Subscription, ask, exports_topic, show_changes, work
from components.words import said_once, t, tn
from db import values
from db.base import now
from db.exports import (
    DONE,
    EXPIRED,
    FAILED,
    RUNNING,
    UNFINISHED,
    WAITING,
    Asked,
    Export,
    MustConfirm,
    cancel_export,
    exports_shown,
    put_away,
    start_again,
    start_export,
)
from db.list_state import ListState
from db.scope import Actor
from db.session import fetch

BREATH = 0.2
# an order that waits for a proof: given again with it
Order = Callable[..., Export]


class ExportsTray(Element, component='exports_tray.js'):
    """The button, the workbooks, and the question for the password, and the code where there is one."""


class ExportWork:
    """What one person takes away from one page."""

    def __init__(self, listed: Callable[[], ListState], actor: Actor, since: int) -> None:
        """`listed` tells the list as it is shown at the moment of the click; `since`: see `Subscription`."""
        self.actor, self._listed = actor, listed
        self._waiting: tuple[int, Order] | None = None
        self.tray = ExportsTray()
        self.tray._props.update(words=_words(), choices=export_choices(), items=[], mine=[], confirm=None, turn=0)
        self.tray.on('start', lambda event: self.start(with_details=event.args is True))
        self.tray.on('cancel', lambda event: self._do(cancel_export, event))
        self.tray.on('away', lambda event: self._do(put_away, event))
        self.tray.on('again', self._again)
        self.tray.on('confirmed', self._confirmed)
        self.tray.on('unconfirmed', self._unconfirmed, args=[])
        Subscription([exports_topic(actor)], lambda _: self.load(), breath=BREATH, since=since)

    async def load(self) -> None:
        """Show the person's workbooks."""
        self.draw(await ask(read_exports))

    def draw(self, found: Sequence[Export]) -> None:
        """Show workbooks that were asked for."""
        show_changes(self.tray, {'items': [_shown(export, self.actor) for export in found]})

    async def start(self, numbers: Sequence[str] = (), *, with_details: bool = False) -> None:
        """Ask for a workbook of the list as it is shown, or of these claims of it; all details may come along."""
        await self._order(partial(start_export, asked=Asked(self._listed(), tuple(numbers), with_details)))

    async def _again(self, event: GenericEventArguments) -> None:
        await self._order(partial(start_again, export_id=_id(event.args)))

    async def _order(self, order: Order, proof: str = '') -> None:
        """Give an order; when it takes a proof, ask for that and keep the order here, not in the browser."""
        turn = self.tray._props['turn'] + 1
        try:
            export = await work(order, now=now(), proof=proof)
        except MustConfirm as refusal:
            self._waiting = turn, order
            text = refusal.told(self.actor.language)
            asked = {'turn': turn, 'text': text, 'code': refusal.with_code}
            show_changes(self.tray, {'turn': turn, 'confirm': asked})
            return
        self._waiting = None
        mine = [*self.tray._props['mine'], export.id]
        show_changes(self.tray, {'mine': mine, 'confirm': None})
        await self.load()
        show_changes(self.tray, {'turn': turn})

    async def _confirmed(self, event: GenericEventArguments) -> None:
        told = event.args if isinstance(event.args, Mapping) else {}
        if self._waiting is not None and told.get('turn') == self._waiting[0]:
            await self._order(self._waiting[1], str(told.get('proof', ''))[:100])

    def _unconfirmed(self) -> None:
        self._waiting = None
        show_changes(self.tray, {'confirm': None})

    async def _do(self, verb: Callable[..., None], event: GenericEventArguments) -> None:
        await work(verb, _id(event.args), now())
        await self.load()


def read_exports(session: Any) -> list[Export]:
    """The person's workbooks, the newest first."""
    return fetch(session, exports_shown(now()))


def _id(given: Any) -> int:
    return given if isinstance(given, int) and not isinstance(given, bool) and 0 < given < 10**9 else 0


def _shown(export: Export, actor: Actor) -> dict[str, Any]:
    there = export.is_there(now(), actor)
    return {
        'id': export.id,
        'state': export.state if there or export.state != DONE else EXPIRED,
        'title': export.title,
        'parts': _parts(export, there=there),
        'making': export.state in UNFINISHED,
        'done': export.done,
        'total': export.total,
        'href': f'/files/exports/{export.id}' if there else '',
        'again': export.state == FAILED or (export.state in (DONE, EXPIRED) and not there),
    }


def _parts(export: Export, *, there: bool) -> list[str]:
    """What there is to say of a workbook beside its title."""
    asked = values.format_exact(export.at)
    if export.state == WAITING:
        return [t('Waiting for its turn')]
    if export.state == RUNNING:
        far = t('{done} of {total} claims', done=f'{export.done:,}', total=f'{export.total:,}')
        return [far if export.total else t('Reading the claims')]
    if export.state == FAILED:
        return [t('It was not finished.'), t(export.why)]
    if not there:
        return [asked, t('No longer kept')]
    rows = tn('One claim', '{n} claims', export.done, n=f'{export.done:,}')
    columns = tn('One column', '{n} columns', len(export.columns))
    return [asked, rows, columns, values.format_size(export.size)]


@said_once
def export_choices() -> list[dict[str, Any]]:
    """What goes into a workbook: what the list shows, or that and all details."""
    return [
        {'details': False, 'icon': 'view_column', 'label': t('The columns of the list')}
        | {'hint': t('Exactly what it shows, in the same order')},
        {'details': True, 'icon': 'table_chart', 'label': t('All details')}
        | {'hint': t("Also the client's ID no. and phone, the vehicle, garage, documents and sums")},
    ]


@said_once
def _words() -> dict[str, str]:
    return {
        'export': t('Export to Excel'),
        'tray': t('My exports'),
        'choose': t('What to export, and my exports'),
        'what': t('What goes into the file?'),
        'cancel': t('Cancel'),
        'close': t('Close'),
        'download': t('Download'),
        'again': t('Start again'),
        'away': t('Remove from the list'),
        'note': t('You may leave this page: the file will wait here for a day.'),
        'password': t('Password'),
        'code': t('Verification code'),
        'codeHint': t('The six digits that the authenticator app on your phone shows.'),
        'recovery': t('Recovery code'),
        'useRecovery': t('Use a recovery code'),
        'useApp': t('Use a code from the app'),
        'go': t('Export'),
        'offline': t('There is no connection. Please try again.'),
    }
