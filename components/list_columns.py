"""The columns of the claims list: what they are called, how wide they are, what stands in them, and the menu that chooses them."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Any

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.live import ask, show_written, work
from components.words import isolated, said_once, t, tn
from db import list_looks, list_orders, list_state, texts, values
from db.claims import DOCUMENTS, FIELDS
from db.list_looks import Looks
from db.list_rows import Row
from db.list_state import ANCHOR, COLUMNS, DENSITIES
from db.reference import CLOSED, ClaimStatus
from db.scope import Actor
from db.texts import N_

# what it is called, how wide it is, and what stands in it
_COLUMNS: dict[str, tuple[str, int, str]] = {
    'insured_name': (N_('Insured'), 0, 'name'),
    'claim_no': (N_('Claim no.'), 92, 'number'),
    'plate': (N_('Vehicle'), 126, 'plate'),
    'event_date': (N_('Event date'), 92, 'number'),
    'status': (N_('Status'), 190, 'status'),
    'repair_stage': (N_('Repair'), 128, 'stage'),
    'waiting_on': (N_('Whose turn'), 112, 'party'),
    'tp_insurer': (N_('Third-party insurer'), 112, 'text'),
    'demand_amount': (N_('Amount claimed'), 92, 'money'),
    'agent': (N_('Agent'), 94, 'text'),
    'updated_at': (N_('Updated'), 110, 'when'),
    'office': (N_('Office'), 130, 'text'),
    'handler': (N_('Handler'), 104, 'text'),
    'garage': (N_('Garage'), 130, 'text'),
    'appraiser': (N_('Appraiser'), 120, 'text'),
    'insurer_claim_no': (N_("Insurer's claim no."), 118, 'number'),
    'policy_no': (N_('Policy no.'), 118, 'number'),
    'documents': (N_('Documents'), 128, 'papers'),
    'next_action': (N_('Next action'), 180, 'text'),
    'next_action_due': (N_('Due'), 94, 'due'),
    'approved_amount': (N_('Approved'), 92, 'money'),
    'received_amount': (N_('Received'), 92, 'money'),
    'opened_at': (N_('Opened'), 94, 'number'),
}
_NUMERIC = frozenset({'number', 'money', 'due'})
_PAPERS = {'unchecked': 'slate', 'missing_blocking': 'red', 'missing': 'amber', 'complete': 'green'}
STALE_DAYS = 7
_DENSITIES = {'usual': N_('Usual'), 'dense': N_('Dense')}
# the least that the way to the claim needs beside all others
_ROOM = 44 + 240


class ColumnsMenu(Element, component='columns_menu.js'):
    """Ticks the columns, puts them in order, and sets how close the rows stand."""


class ListColumns:
    """The columns of one person's list, and the menu that chooses them."""

    def __init__(self, actor: Actor, changed: Callable[[Sequence[str] | None], Awaitable[None]]) -> None:
        """`changed` hears of the columns somebody chose, or of None when he chose how close the rows stand."""
        self.actor, self._changed = actor, changed
        self.looks = Looks()
        self.menu = ColumnsMenu()
        self.menu._props.update(anchor=ANCHOR, densities=_densities(), words=_words())
        self.menu.on('columns', self._choose)
        self.menu.on('density', self._set_density)

    def draw(self, shown: Sequence[str]) -> None:
        """Say in the menu what is shown: those first, in their order."""
        offered = [name for name in COLUMNS if name != 'office' or self.actor.is_bureau]
        order = [*shown, *(name for name in offered if name not in shown)]
        reader = self.actor.language
        columns = [{'name': name, 'label': _label(name, reader), 'on': name in shown} for name in order]
        show_written(self.menu, columns=columns, density=self.looks.density)

    async def _choose(self, event: GenericEventArguments) -> None:
        await self._changed(list_state.columns_named(map(str, event.args if isinstance(event.args, list) else [])))

    async def _set_density(self, event: GenericEventArguments) -> None:
        if event.args in DENSITIES:
            await self.prefer(density=event.args)
            await self._changed(None)

    async def prefer(self, **looks: Any) -> None:
        """Keep what the person is used to from now on."""
        await work(list_looks.prefer_looks, **looks)
        await self.load()

    async def load(self) -> None:
        """Read what the person is used to, which may have been chosen in another window of his."""
        self.looks = await ask(list_looks.looks_of)


def columns_drawn(names: Sequence[str], reader: str) -> dict[str, Any]:
    """The columns as the table draws them; those somebody chose are all shown, and the table scrolls when they need more room."""
    columns = [
        {
            'name': name,
            'label': _label(name, reader),
            'width': _COLUMNS[name][1],
            'kind': _COLUMNS[name][2],
            'numeric': _COLUMNS[name][2] in _NUMERIC,
            'sortable': name in list_orders.SORTS,
        }
        for name in names
    ]
    chosen = tuple(names) != list_state.DEFAULT_COLUMNS
    return {'columns': columns, 'room': _ROOM + sum(_COLUMNS[name][1] for name in names) if chosen else 0}


def _label(name: str, reader: str) -> str:
    return texts.t(_COLUMNS[name][0], reader)


# what a field is called to whoever sees no section around it
_FOUND: dict[str, str] = {
    'driver': N_("Driver of the insured's car"),
    'tp_policy_holder': N_('Third party'),
    'tp_phone': N_("Third party's mobile"),
    'tp_plate': N_("Third party's vehicle"),
    'tp_policy_no': N_("Third party's policy no."),
    'tp_driver': N_("Third party's driver"),
    'tp_agent': N_("Third party's agent"),
}


def found_text(found: tuple[str, str], reader: str) -> str:
    """By what a claim was found, in one line: `Third party's vehicle: 64-178-35`."""
    name, value = found
    shown = _SHOWN_AS[FIELDS[name].kind](value) if FIELDS[name].kind in _SHOWN_AS else value
    return f'{texts.t(_FOUND.get(name, FIELDS[name].label), reader)}: {isolated(shown)}'


def staleness(row: Row, status: ClaimStatus | None, today: date, reader: str) -> dict[str, str] | None:
    """That nobody said anything of an open claim for a week or longer; None when somebody did."""
    days = row.days_untold(today)
    if days < STALE_DAYS or (status is not None and status.category == CLOSED):
        return None
    told = texts.tn('Last updated {n} day ago', 'Last updated {n} days ago', days, reader)
    return {'days': texts.tn('{n} day', '{n} days', days, reader), 'told': told}


_SHOWN_AS: dict[str, Callable[[str], str]] = {'plate': values.format_plate, 'phone': values.format_phone}


def cells_of(row: Row, names: Sequence[str], reader: str, today: date) -> dict[str, Any]:
    """What stands in the plain cells of a row, by column; the others are drawn from more than one value."""
    cells: dict[str, Any] = {}
    for name in names:
        kind, value = _COLUMNS[name][2], getattr(row, name)
        if kind == 'money':
            cells[name] = values.format_money(value, reader) if value is not None else ''
        elif kind == 'papers':
            cells[name] = {'label': _papers_text(row), 'hue': _PAPERS.get(row.documents, 'slate')}
        elif kind == 'due':
            cells[name] = values.format_day(value) if value else ''
            cells['late'] = value is not None and value < today
        elif isinstance(value, date) and kind == 'number':
            cells[name] = values.format_day(value)
        elif kind in ('text', 'number'):
            cells[name] = value
    return cells


def _papers_text(row: Row) -> str:
    missing = row.documents in ('missing', 'missing_blocking') and row.missing_documents
    return tn('{n} missing', '{n} missing', row.missing_documents) if missing else t(DOCUMENTS[row.documents])


@said_once
def _densities() -> list[dict[str, str]]:
    return [{'key': key, 'label': t(label)} for key, label in _DENSITIES.items()]


@said_once
def _words() -> dict[str, str]:
    return {
        'columns': t('Columns'),
        'reset': t('Reset'),
        'always': t('Always shown'),
        'move': t('Move'),
        'density': t('Density'),
    }
