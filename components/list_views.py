"""The menu of views above the claims list: the quick ones with their counts, one's own, and those shared with colleagues."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.answering import answering
from components.live import ask, show_changes, work
from components.words import said_once, t
from db import list_counts, views
from db.base import now
from db.list_looks import looks_of
from db.list_state import ListState
from db.scope import Actor, Can
from db.views import OWN, QUICK_VIEWS, SHARED, SharedView, View

# so many saved views are counted; the others are found by their names
COUNTED = 12
# the views of a person, how many claims each holds, and what he pinned
ViewsRead = tuple[Sequence[View], Mapping[str, str], Sequence[str]]
_ICONS = {
    'for_me': 'person',
    'followed': 'visibility',
    'documents': 'folder_open',
    'cheques': 'payments',
    'stuck': 'hourglass_top',
    'closed_this_month': 'task_alt',
}
_ORDERS: Mapping[str, Callable[..., None]] = {
    'pin': lambda session, key: views.pin_view(session, key, pinned=True),
    'unpin': lambda session, key: views.pin_view(session, key, pinned=False),
    'pin_for_all': lambda session, key: views.pin_for_all(session, key, pinned=True),
    'unpin_for_all': lambda session, key: views.pin_for_all(session, key, pinned=False),
    'delete': views.delete_view,
}


class ViewsMenu(Element, component='views_menu.js'):
    """Pinned views beside the tabs, and a menu of all."""


class ListViews:
    """The views of one person on one page."""

    def __init__(
        self, actor: Actor, listed: Callable[[], ListState], show: Callable[[ListState], Awaitable[None]]
    ) -> None:
        """`listed` tells what is listed now, columns and all; `show` goes to another list."""
        self.actor, self._listed, self._show = actor, listed, show
        self._views: dict[str, View] = {}
        self.is_open = False
        self.menu = ViewsMenu()
        self.menu._props.update(
            quick=_quick(),
            groups=[],
            pins=[],
            counts={},
            here='',
            mayShare=actor.may(Can.SHARE_VIEWS),
            words=_words(actor.is_bureau),
        )
        self.menu.on('open', self._open)
        self.menu.on('seen', self._seen)
        self.menu.on('save', self._save)
        self.menu.on('edit', self._edit)
        self.menu.on('order', self._order)

    async def load(self) -> None:
        """Ask for the views, and for how many claims each holds while somebody looks at the menu."""
        found = await ask(views_and_counts, self.is_open)
        if not self.menu.is_deleted:
            self.draw(found)
            self.mark()

    def draw(self, read: ViewsRead) -> None:
        """Show the views, and how many claims each holds while somebody looks; which one is listed, `mark` shows."""
        found, counts, chosen = read
        self._views = {view.key: view for view in found}
        shown = {'groups': self._groups(), 'pins': views.pinned_among(found, chosen)}
        show_changes(self.menu, {**shown, **({'counts': counts} if self.is_open else {})})

    def mark(self) -> None:
        """Show which view it is that is listed."""
        state = views.at_its_beginning(self._listed())
        bare = replace(state, columns=(), size=ListState.size)
        here = next((key for key, (_, quick) in QUICK_VIEWS.items() if quick == bare), '')
        here = next((key for key, view in self._views.items() if view.state in (state, bare)), here)
        show_changes(self.menu, {'here': here})

    async def _open(self, event: GenericEventArguments) -> None:
        key = str(event.args)
        if key in QUICK_VIEWS:
            await self._show(QUICK_VIEWS[key][1])
        elif key in self._views:
            await self._show(self._views[key].state)

    async def _seen(self, event: GenericEventArguments) -> None:
        self.is_open = event.args is True
        if self.is_open:
            await self.load()

    async def _save(self, event: GenericEventArguments) -> None:
        asked = event.args if isinstance(event.args, Mapping) else {}
        name, shared = str(asked.get('name', ''))[:200], asked.get('shared') is True
        with answering(self.menu, event.args) as answer:
            await work(views.save_view, name, self._listed(), now(), shared=shared)
            answer['message'] = ''
            await self.load()

    async def _edit(self, event: GenericEventArguments) -> None:
        asked = event.args if isinstance(event.args, Mapping) else {}
        key, order = str(asked.get('key', ''))[:40], str(asked.get('order', ''))
        if order == 'rename':
            with answering(self.menu, event.args) as answer:
                await work(views.rename_view, key, str(asked.get('name', ''))[:200])
                answer['message'] = ''
        elif order == 'update':
            await work(views.update_view, key, self._listed())
        elif order in _ORDERS:
            await work(_ORDERS[order], key)
        await self.load()

    async def _order(self, event: GenericEventArguments) -> None:
        keys = [key for key in event.args if isinstance(key, str)] if isinstance(event.args, list) else []
        await work(views.order_pins, keys[: views.PINNED_AT_MOST])
        await self.load()

    def _groups(self) -> list[dict[str, Any]]:
        labels = {
            OWN: t('My views'),
            SHARED: t("The bureau's views") if self.actor.is_bureau else t("The office's views"),
        }
        may_edit = {OWN: True, SHARED: self.actor.may(Can.SHARE_VIEWS)}
        shown = {kind: [_shown(view) for view in self._views.values() if view.kind == kind] for kind in labels}
        return [
            {'name': kind, 'label': label, 'mine': may_edit[kind], 'views': shown[kind]}
            for kind, label in labels.items()
            if shown[kind]
        ]


def _shown(view: View) -> dict[str, Any]:
    icon = 'bookmark' if view.kind == OWN else 'group'
    shown = {'key': view.key, 'label': view.name, 'icon': icon, 'href': f'/?{view.address}'}
    return shown | {'forAll': view.pinned} if isinstance(view, SharedView) else shown


@said_once
def _quick() -> list[dict[str, Any]]:
    return [
        {'key': key, 'label': t(label), 'icon': _ICONS[key], 'href': f'/?{state.address()}'}
        for key, (label, state) in QUICK_VIEWS.items()
    ]


def views_and_counts(session: Any, counted: bool = False) -> ViewsRead:
    """The person's views and pins; and for whoever looks at the menu, how many claims each holds."""
    found = list(views.views_of(session))
    states = {key: state for key, (_, state) in QUICK_VIEWS.items()} | {
        view.key: view.state for view in found[:COUNTED]
    }
    counts = {key: list_counts.count_of(session, state) for key, state in states.items()} if counted else {}
    told = {key: count_text(count, states[key]) for key, count in counts.items()}
    return found, told, looks_of(session).pins


def count_text(count: int, state: ListState) -> str:
    """How many claims a list has, as far as they are counted."""
    return f'{state.counted_up_to:,}+' if count > state.counted_up_to else f'{count:,}'


@said_once
def _words(bureau: bool) -> dict[str, str]:
    return {
        'views': t('Saved views'),
        'quick': t('Quick views'),
        'change': t('Change the view'),
        'name': t('Name of the view'),
        'rename': t('Rename'),
        'pins': t('Pinned, in my order'),
        'pin': t('Pin beside the tabs'),
        'unpin': t('Unpin'),
        'pinForAll': t('Pin for everybody in the bureau') if bureau else t('Pin for everybody in the office'),
        'unpinForAll': t('Unpin for everybody in the bureau') if bureau else t('Unpin for everybody in the office'),
        'up': t('Move up'),
        'down': t('Move down'),
        'update': t('Update to this list'),
        'remove': t('Delete'),
        'sure': t('Delete for good?'),
        'save': t('Save the present view'),
        'keep': t('Save'),
        'late': t('No answer came. What you typed is kept here; please save it again.'),
        'share': t('For everybody in the bureau') if bureau else t('For everybody in the office'),
    }
