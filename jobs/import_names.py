"""Whom and what a workbook names: offices, agents, garages and appraisers the database knows, and those it would add."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from db.changes import latest_seq
from db.import_words import OFFICE, words_taught
from db.offices import AgentOffice, User, offices, people_of
from db.reference import Appraiser, Garage, reference
from db.scope import Role
from db.session import fetch
from db.texts import N_, ClaimError
from jobs.import_rows import Fault, Row, Table, plain_key, without
from jobs.import_words import OFFICE_NOISE

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# A name that stands in fewer good rows is more likely a slip than a new office.
ROWS_FOR_AN_OFFICE = 3
NEW = -1
_YEAR = re.compile(r'(?<!\w)(19|20)\d\d(?!\w)')


def near_key(office: str) -> str:
    """What remains of an office's name without its legal form and year: alike names are pointed out, never merged."""
    return plain_key(_YEAR.sub(' ', without(office, OFFICE_NOISE)))


@dataclass
class Newcomers:
    """Names the database does not know, each with how many rows name it."""

    offices: Counter[str] = field(default_factory=Counter)
    agents: Counter[tuple[str, str]] = field(default_factory=Counter)
    garages: Counter[str] = field(default_factory=Counter)
    appraisers: Counter[str] = field(default_factory=Counter)


class Names:
    """Everything the database knows by name at one moment. An office is found by its own name only: offices never merge."""

    def __init__(self, session: 'Session') -> None:
        """Read all offices with their people, garages and appraisers."""
        known = reference(session)
        self.offices: dict[str, list[AgentOffice]] = {}
        self.people: dict[int, dict[str, list[int]]] = {}
        for office in fetch(session, offices()):
            self.offices.setdefault(plain_key(office.name), []).append(office)
            people = self.people.setdefault(office.id, {})
            for person in fetch(session, people_of(office.id)):
                people.setdefault(plain_key(person.name), []).append(person.id)
        self.office_names = {office.id: office.name for found in self.offices.values() for office in found}
        self._take_taught(session)
        self.firms: Mapping[str, dict[str, int]] = {
            'garage': {plain_key(row.name): row.id for row in known.garages.values()},
            'appraiser': {plain_key(row.name): row.id for row in known.appraisers.values()},
        }

    def _take_taught(self, session: 'Session') -> None:
        """Names the bureau said an office goes by. Its own name is stronger: it may have come later."""
        by_id = {str(office.id): office for found in self.offices.values() for office in found}
        taught = {plain_key(word.word): word.meaning for word in fetch(session, words_taught()) if word.kind == OFFICE}
        self.offices |= {
            key: [by_id[meaning]] for key, meaning in taught.items() if meaning in by_id and key not in self.offices
        }

    def office_id(self, row: Row) -> int | None:
        """The office a row names; None when it names none, or one that is not there yet."""
        found = self.offices.get(plain_key(row.names.get('office', '')), [])
        return found[0].id if len(found) == 1 else None

    def agents_named(self, office_id: int | None, name: str) -> list[int]:
        """The people of an office with this name."""
        return self.people.get(office_id or 0, {}).get(plain_key(name), [])

    def ids(self, row: Row, office_id: int | None) -> dict[str, int]:
        """The people and firms a row names, as the claim stores them; `NEW` for those still to be added."""
        found = {
            name: firms.get(plain_key(row.names[name]), NEW) for name, firms in self.firms.items() if name in row.names
        }
        if 'agent' in row.names:
            found['agent'] = next(iter(self.agents_named(office_id, row.names['agent'])), NEW)
        return found


# ---- which office a row belongs to ------------------------------------------------------------------------------------------


def check_offices(rows: Iterable[Row], names: Names, table: Table) -> None:
    """Refuse rows for new claims whose office is neither known nor named often enough to be added."""
    strangers: dict[str, list[Row]] = {}
    for row in rows:
        key = plain_key(row.names.get('office', ''))
        if len(names.offices.get(key, ())) > 1:
            _refuse([row], table, 'office', ClaimError(N_('Several offices have this name.')))
        elif key not in names.offices:
            strangers.setdefault(key, []).append(row)
    by_near_key = {near_key(name): name for name in names.office_names.values()}
    # the name most rows use comes first, so that a rare variant of it is what is pointed out
    for key, named in sorted(strangers.items(), key=lambda item: (-len(item[1]), item[0])):
        name = named[0].names.get('office', '')
        alike = by_near_key.setdefault(near_key(name), name)
        if alike != name:
            reason = ClaimError(
                N_('The name is close to the office {office}. If it is the same one, please write its name exactly.'),
                office=alike,
            )
            _refuse_strangers(named, table, reason)
        elif not key or sum(row.good for row in named) < ROWS_FOR_AN_OFFICE:
            reason = ClaimError(
                N_('The office is not known. A new one is added when at least {n} good rows name it.'),
                n=ROWS_FOR_AN_OFFICE,
            )
            _refuse_strangers(named, table, reason)


def _refuse_strangers(rows: Sequence[Row], table: Table, reason: ClaimError) -> None:
    _refuse(rows, table, 'office', reason)
    for row in rows:
        if name := row.names.get('office'):
            row.unknown.append((OFFICE, name))


def check_agents(rows: Iterable[Row], names: Names, table: Table) -> None:
    """Refuse rows whose agent could be two people of the office."""
    for row in rows:
        name = row.names.get('agent', '')
        if len(names.agents_named(names.office_id(row), name)) > 1:
            _refuse([row], table, 'agent', ClaimError(N_('Two people of the office have this name.')))


def _refuse(rows: Iterable[Row], table: Table, column: str, reason: ClaimError) -> None:
    for row in rows:
        row.faults.append(Fault(table.header(column), row.names.get(column, ''), reason))


# ---- who is new -------------------------------------------------------------------------------------------------------------


def newcomers(rows: Iterable[Row], names: Names) -> Newcomers:
    """Whom the good rows name that the database does not know; one spelling of each, the first in the file."""
    new = Newcomers()
    first: dict[tuple[str, ...], str] = {}
    for row in rows:
        office_id = names.office_id(row)
        office = row.names.get('office', '')
        if office_id is None:
            office = first.setdefault(('office', plain_key(office)), office)
            new.offices[office] += 1
        else:
            office = names.office_names[office_id]
        for column, found in names.ids(row, office_id).items():
            if found == NEW:
                spelled = first.setdefault(
                    (column, plain_key(row.names[column]), office * (column == 'agent')), row.names[column]
                )
                _count(new, column, office, spelled)
    return new


def _count(new: Newcomers, column: str, office: str, name: str) -> None:
    if column == 'agent':
        new.agents[office, name] += 1
    else:
        (new.garages if column == 'garage' else new.appraisers)[name] += 1


def add(session: 'Session', new: Newcomers, now: datetime) -> None:
    """Add the newcomers. Agents get no e-mail, so they cannot sign in until somebody invites them."""
    session.add_all([AgentOffice(name=name, created_at=now) for name in new.offices])
    session.add_all([Garage(name=name) for name in new.garages])
    session.add_all([Appraiser(name=name) for name in new.appraisers])
    by_name = {office.name: office.id for office in fetch(session, offices())}
    session.add_all(
        User(
            office_id=by_name[office],
            role=Role.AGENT.value,
            name=name,
            email=None,
            created_at=now,
            baseline_seq=latest_seq(session),
        )
        for office, name in new.agents
    )
