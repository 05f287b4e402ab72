"""Views of the claims list: the quick ones everybody has, and those that people save, for themselves or for all their colleagues.

A view keeps the address of a list. What it shows is asked anew each time, under the scope of whoever opens it.
Each person pins what he likes of all that he sees; what his house pins is pinned for him too, until he takes it off.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from sqlalchemy import ForeignKey, Index, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, validates

from db import values
from db.base import Base, take_turns
from db.doorbell import Notice, ring_for
from db.list_state import QUICK, ListState
from db.offices import User
from db.scope import Actor, Can, OfficeOwned, PersonOwned
from db.texts import N_, ClaimError

NAME_LIMIT = 60
AT_MOST = 50
PINNED_AT_MOST = 12
# before what somebody took off, though his house pins it
_OFF = '!'
OWN, SHARED = 'own', 'shared'
_GONE = N_('This view is no longer there.')
# what one asks every day: in the order in which they are offered
QUICK_VIEWS: Mapping[str, tuple[str, ListState]] = MappingProxyType(
    {
        'for_me': (QUICK['for_me'], ListState(quick=('for_me',))),
        'followed': (QUICK['followed'], ListState(view='all', quick=('followed',))),
        'documents': (N_('Documents missing'), ListState(documents=('missing',))),
        'cheques': (QUICK['cheques'], ListState(view='all', quick=('cheques',))),
        'stuck': (QUICK['stuck'], ListState(quick=('stuck',))),
        'closed_this_month': (QUICK['closed_this_month'], ListState(view='closed', quick=('closed_this_month',))),
    }
)


class _View:
    """A name for the address of a list."""

    kind: ClassVar[str]

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    address: Mapped[str]
    at: Mapped[datetime]

    @validates('name')
    def _name(self, _: str, name: str) -> str:
        if not name.strip():
            raise ClaimError(N_('Please give the view a name.'))
        return values.text(name, limit=NAME_LIMIT)

    @property
    def key(self) -> str:
        """What tells it from all others that a person sees."""
        return f'{self.kind}-{self.id}'

    @property
    def mark(self) -> str:
        """By what it is pinned. SQLite gives the number of a view that was deleted to a new one: the moment tells them apart."""
        return f'{self.key}@{int(self.at.timestamp())}'

    @property
    def state(self) -> ListState:
        """The list it means, as far as there still is what it names."""
        return ListState.read(dict(parse_qsl(self.address)))


class SavedView(_View, PersonOwned, Base):
    """A view that is one person's own."""

    __tablename__ = 'saved_views'
    __table_args__ = (UniqueConstraint('user_id', 'name'),)
    writable_with: ClassVar[Can] = Can.FOLLOW
    kind: ClassVar[str] = OWN


class SharedView(_View, OfficeOwned, Base):
    """A view for everybody of an office; without an office, for the bureau."""

    __tablename__ = 'shared_views'
    # the bureau's, without an office, take turns instead: NULLs differ from each other
    __table_args__ = (Index('ix_shared_views_office', 'office_id', 'name', unique=True),)
    writable_with: ClassVar[Can] = Can.SHARE_VIEWS
    kind: ClassVar[str] = SHARED

    office_id: Mapped[int | None] = mapped_column(ForeignKey('agent_offices.id'))  # type: ignore[assignment]
    by: Mapped[str]
    # for everybody of the house who did not choose otherwise
    pinned: Mapped[bool] = mapped_column(default=False)


View = SavedView | SharedView


# ---- questions --------------------------------------------------------------------------------------------------------------


def views_of(session: Session) -> Sequence[View]:
    """The acting person's own views, then those he shares with his colleagues, by name."""
    return [view for model in (SavedView, SharedView) for view in session.scalars(_mine(session, model))]


def _mine(session: Session, model: type[Any]) -> Any:
    """His own, or his house's: the bureau may read every office's, and yet has views of its own."""
    found = select(model).order_by(model.name)
    if model is SavedView:
        return found
    actor: Actor = session.info['actor']
    return found.where(model.office_id.is_not_distinct_from(actor.office_id))


def view_with(session: Session, key: str) -> View:
    """The view of this key, to be changed by the acting person."""
    kind, _, number = key.partition('-')
    model: type[Any] = {OWN: SavedView, SHARED: SharedView}.get(kind, SavedView)
    wanted = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
    view: View | None = session.scalars(_mine(session, model).where(model.id == wanted)).one_or_none()
    if view is None:
        raise ClaimError(_GONE)
    session.info['actor'].need(view.writable_with)
    return view


def pinned_among(found: Sequence[View], chosen: Sequence[str]) -> list[str]:
    """The keys of what is pinned of all that somebody sees: what he chose, in his order, then what his house pins and he did not take off."""
    seen = {mark: key for key, mark in _marks(found).items()}
    ours = [view.mark for view in found if isinstance(view, SharedView) and view.pinned]
    proposed = [mark for mark in ours if mark not in chosen and _OFF + mark not in chosen]
    return [seen[mark] for mark in dict.fromkeys([*chosen, *proposed]) if mark in seen]


def _marks(found: Sequence[View]) -> dict[str, str]:
    """By key, what of all that somebody sees is pinned by."""
    return {key: key for key in QUICK_VIEWS} | {view.key: view.mark for view in found}


# ---- orders -----------------------------------------------------------------------------------------------------------------


def save_view(session: Session, name: str, state: ListState, now: datetime, *, shared: bool = False) -> View:
    """Keep a list under a name, for oneself or for all one's colleagues."""
    actor: Actor = session.info['actor']
    model: type[Any] = SharedView if shared else SavedView
    actor.need(model.writable_with)
    take_turns(session, f'views {actor.office_id if shared else actor.user_id}')
    owner: dict[str, Any] = {'office_id': actor.office_id, 'by': actor.name} if shared else {'user_id': actor.user_id}
    view: View = model(name=name, address=at_its_beginning(state).address(), at=now, **owner)
    _check_name(session, model, view)
    if len(list(session.scalars(_mine(session, model).with_only_columns(model.id)))) >= AT_MOST:
        raise ClaimError(N_('There are {n} saved views already. Please delete one first.'), n=AT_MOST)
    session.add(view)
    session.flush()
    _ring(session, view)
    return view


def rename_view(session: Session, key: str, name: str) -> None:
    """Call a view something else."""
    view = view_with(session, key)
    with session.no_autoflush:
        view.name = name
        _check_name(session, type(view), view)
    _ring(session, view)


def update_view(session: Session, key: str, state: ListState) -> None:
    """Let a view mean another list from now on."""
    view = view_with(session, key)
    view.address = at_its_beginning(state).address()
    _ring(session, view)


def pin_for_all(session: Session, key: str, *, pinned: bool) -> None:
    """Have a shared view stand beside the tabs of everybody who shares it and did not choose otherwise, or no longer."""
    view = view_with(session, key)
    if not isinstance(view, SharedView):
        raise ClaimError(_GONE)
    view.pinned = pinned
    _ring(session, view)


def pin_view(session: Session, key: str, *, pinned: bool) -> None:
    """Have a view that the acting person sees stand beside his tabs, or no longer."""
    me, found = _mine_to_pin(session)
    mark = _marks(found).get(key)
    if mark is None:
        raise ClaimError(_GONE)
    chosen = [one for one in _still_there(me, found) if one.removeprefix(_OFF) != mark]
    chosen.append(mark if pinned else _OFF + mark)
    if pinned and len(pinned_among(found, chosen)) > PINNED_AT_MOST:
        raise ClaimError(N_('There are {n} pinned views already. Please unpin one first.'), n=PINNED_AT_MOST)
    me.pinned_views = chosen


def order_pins(session: Session, keys: Sequence[str]) -> None:
    """Put what is pinned for the acting person into this order; what is not named comes last."""
    me, found = _mine_to_pin(session)
    marks, present = _marks(found), pinned_among(found, me.pinned_views)
    ordered = [*(key for key in dict.fromkeys(keys) if key in present), *(key for key in present if key not in keys)]
    taken_off = [one for one in _still_there(me, found) if one.startswith(_OFF)]
    me.pinned_views = [*(marks[key] for key in ordered), *taken_off]


def _mine_to_pin(session: Session) -> tuple[User, Sequence[View]]:
    actor: Actor = session.info['actor']
    actor.need(Can.FOLLOW)
    take_turns(session, f'views {actor.user_id}')
    return session.get_one(User, actor.user_id), views_of(session)


def _still_there(me: User, found: Sequence[View]) -> list[str]:
    """What somebody chose, of what he sees."""
    marks = set(_marks(found).values())
    return [one for one in me.pinned_views if one.removeprefix(_OFF) in marks]


def delete_view(session: Session, key: str) -> None:
    """Forget a view."""
    view = view_with(session, key)
    session.delete(view)
    _ring(session, view)


@lru_cache(maxsize=500)
def at_its_beginning(state: ListState) -> ListState:
    """Everything of a list but where in it one stands."""
    return ListState.read(dict(parse_qsl(replace(state, page=1).address())))


def _check_name(session: Session, model: type[Any], view: View) -> None:
    same = _mine(session, model).where(model.name == view.name)
    if any(other.id != view.id for other in session.scalars(same)):
        raise ClaimError(N_('There is a view of this name already.'))


def _ring(session: Session, view: View) -> None:
    """Ring for everybody who has this view."""
    actor: Actor = session.info['actor']
    house = select(User.id).where(User.office_id.is_not_distinct_from(actor.office_id), User.active)
    whose = {actor.user_id, *(session.scalars(house) if isinstance(view, SharedView) else ())}
    ring_for(session, {Notice('person', user_id=user_id) for user_id in whose})
