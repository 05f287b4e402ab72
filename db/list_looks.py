"""How a person likes the list: which columns, how close the rows stand, what is pinned, and since when something is new to him."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, bindparam, select
from sqlalchemy.orm import Session

from db.list_state import DEFAULT_COLUMNS, DENSITIES, columns_named, one_of
from db.offices import User
from db.prepared import one_answer
from db.scope import Actor


@dataclass(frozen=True)
class Looks:
    """How a person likes the list: which columns (none: everybody's), how close the rows stand, and which views he pinned."""

    columns: tuple[str, ...] = ()
    density: str = DENSITIES[0]
    pins: tuple[str, ...] = ()


# what counts as new to him stands beside it, and every list asks for that too
USUAL = select(User.list_columns, User.list_density, User.baseline_seq, User.pinned_views).where(
    User.id == bindparam('me', type_=Integer)
)


def looks_of(session: Session) -> Looks:
    """How the acting person likes the list."""
    return looks_in(session, session.execute(USUAL, {'me': session.info['actor'].user_id}).first())


def looks_in(session: Session, found: Sequence[Any] | None) -> Looks:
    """How the acting person likes the list, of what `USUAL` found of him."""
    if found is None:
        return Looks()
    columns, density, session.info['baseline'], pins = found[:4]
    return Looks(columns_named(columns), one_of(density, DENSITIES), tuple(pins))


def prefer_looks(session: Session, columns: Iterable[str] | None = None, density: str | None = None) -> None:
    """Keep how the acting person likes the list."""
    actor: Actor = session.info['actor']
    me = session.get_one(User, actor.user_id)
    if columns is not None:
        named = columns_named(columns)
        me.list_columns = [] if named == DEFAULT_COLUMNS else list(named)
    if density in DENSITIES:
        me.list_density = density


def baseline_of(session: Session) -> int:
    """The last number that was no news to the acting person from the beginning; asked once."""
    actor: Actor = session.info['actor']
    if 'baseline' not in session.info:
        found = one_answer(session, USUAL, me=actor.user_id)
        session.info['baseline'] = found[2] if found else 0
    return int(session.info['baseline'])
