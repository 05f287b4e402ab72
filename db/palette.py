"""What one reaches by typing a few letters: claims, people, offices and firms, and the views and claims one comes back to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from db import values
from db.list_rows import Row, rows_of
from db.list_state import ListState
from db.lists import first_rows
from db.offices import AgentOffice, User, agents_of, offices
from db.reference import Appraiser, Garage, Insurer
from db.scope import Actor
from db.seen_marks import SeenMark
from db.views import View, views_of

CLAIMS, MOST, RECENT = 8, 5, 8
# one letter stands in almost every claim
LEAST = 2
# those no longer worked with too: their claims are still looked for
FIRMS: Mapping[str, type[Garage | Appraiser]] = MappingProxyType({'garage': Garage, 'appraiser': Appraiser})


class Named(NamedTuple):
    """A person, an office or a firm."""

    id: int
    name: str


@dataclass(frozen=True)
class Reached:
    """What was found for what somebody typed; for nothing typed, the claims he opened last."""

    claims: Sequence[Row]
    agents: Sequence[Named]
    offices: Sequence[Named]
    # by the list's filter that shows the claims of one
    firms: Mapping[str, Sequence[Named]]
    views: Sequence[View]


def reach(session: Session, typed: str) -> Reached:
    """What the acting person may mean, each as far as he may see it."""
    if typed.strip() and not values.has_a_word(typed):
        return Reached([], [], [], {}, [])
    words = values.search_words(typed)[:6]
    views = [view for view in views_of(session) if _holds(view.name, words)]
    if len(''.join(words)) < LEAST:
        return Reached([] if words else recent_claims(session), [], [], {}, views)
    actor: Actor = session.info['actor']
    found = first_rows(session, ListState.read({'view': 'all', 'q': typed, 'size': '10', 'columns': 'office'}))[:CLAIMS]
    agents = _called(session, agents_of(former=True).with_only_columns(User.id, User.name), words)
    houses = offices().with_only_columns(AgentOffice.id, AgentOffice.name)
    firms = {
        name: _called(session, select(kind.id, kind.name).order_by(kind.name), words) for name, kind in FIRMS.items()
    }
    firms['insurer'] = _insurers(session, words)
    return Reached(found, agents, _called(session, houses, words) if actor.is_bureau else [], firms, views)


def _called(session: Session, names: Any, words: Sequence[str]) -> list[Named]:
    """Compared as the search compares names; of thousands only those are read that have a word with the same first letter."""
    name, letter = names.selected_columns[1], words[0][0]
    begins = or_(*(name.ilike(f'{before}{letter}%') for before in ('', '% ', '%-')))
    return [Named(*row) for row in session.execute(names.where(begins)) if _holds(row[1], words)][:MOST]


def _insurers(session: Session, words: Sequence[str]) -> list[Named]:
    """By any of the names that people write for them."""
    known = session.execute(select(Insurer.id, Insurer.name, Insurer.aliases).order_by(Insurer.name))
    called = (Named(key, name) for key, name, aliases in known if any(_holds(one, words) for one in (name, *aliases)))
    return list(islice(called, MOST))


def recent_claims(session: Session, most: int = RECENT) -> list[Row]:
    """The claims the acting person opened last, the latest first."""
    ids = list(session.scalars(_opened_last(session).limit(most)))
    rows = rows_of(session, ids, ('office',))
    return [rows[key] for key in ids if key in rows]


def _opened_last(session: Session) -> Select[int]:
    me = session.info['actor'].user_id
    opened = select(SeenMark.claim_id).where(SeenMark.user_id == me, SeenMark.opened_at.is_not(None))
    return opened.order_by(SeenMark.opened_at.desc())


def _holds(name: str, words: Sequence[str]) -> bool:
    key = f' {values.search_key(name)}'
    return all(f' {word}' in key for word in words)
