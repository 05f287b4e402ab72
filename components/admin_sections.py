"""The sections of Administration: what each is called and looks like; the page lists them, and the palette leads to them."""

from collections.abc import Mapping
from dataclasses import dataclass

from db.admin_tables import TABLES
from db.texts import N_


@dataclass(frozen=True)
class Section:
    """A section: its icon, and what it is called."""

    icon: str
    label: str


# by the last part of their address
SECTIONS: Mapping[str, Section] = {
    'people': Section('group', N_('People')),
    **{key: Section(table.icon, table.title) for key, table in TABLES.items()},
    'history': Section('history', N_('History of changes')),
    'accesses': Section('visibility', N_('Log of access')),
    'exports': Section('download', N_('Exports')),
    'health': Section('monitoring', N_('Health')),
}
