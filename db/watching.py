"""Watching a detached object: who changed which of its columns, what is still a draft, and how it takes over newer values."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import event, inspect
from sqlalchemy.orm import attributes

from db.base import Base, histories

Row = TypeVar('Row', bound=Base)
Watcher = Callable[[Base, Sequence[str]], None]


@cache
def columns_of(model: type[Base]) -> tuple[str, ...]:
    """The column attributes of a model."""
    return tuple(attribute.key for attribute in inspect(model).column_attrs)


def watch(model: type[Base], watcher: Watcher) -> Callable[[], None]:
    """Have `watcher(object, names)` called whenever a column of any object of the model is set or read anew.

    On a set it is called before the value is stored, in whatever thread set it. Returns the way out.
    """
    listened: list[tuple[Any, str, Any]] = []

    def listen(target: Any, name: str, listener: Callable[..., None]) -> None:
        event.listen(target, name, listener)
        listened.append((target, name, listener))

    def on_set(name: str) -> Callable[..., None]:
        return lambda target, value, before, initiator: watcher(target, (name,))

    for name in columns_of(model):
        listen(getattr(model, name), 'set', on_set(name))
    listen(model, 'refresh', lambda target, context, names: watcher(target, tuple(names or columns_of(model))))
    listen(model, 'refresh_flush', lambda target, context, names: watcher(target, tuple(names or ())))

    def stop() -> None:
        for entry in listened:
            event.remove(*entry)

    return stop


def drafted(row: Base) -> dict[str, tuple[Any, Any]]:
    """What was set on a detached object and is not saved yet: name → (before, wanted)."""
    return {
        name: (history.deleted[0], history.added[0] if history.added else None)
        for name, history in histories(row)
        if history.deleted
    }


def take_over(row: Base, fresh: Base) -> list[str]:
    """Bring a detached object up to a freshly loaded one. Drafts stay as they are: nobody's typing is overwritten.

    A row that was loaded before what the object holds already changes nothing. Returns the names that changed.
    """
    if is_older(fresh, row):
        return []
    drafts, present, newer = drafted(row), attributes.instance_dict(row), attributes.instance_dict(fresh)
    changed = [name for name in columns_of(type(row)) if name not in drafts and present.get(name) != newer[name]]
    for name in changed:
        attributes.set_committed_value(row, name, getattr(fresh, name))
    return changed


def twin_of(row: Row) -> Row:
    """Another object that holds the same columns of a detached one, as loaded: what one of them takes over, the other does not."""
    twin: Row = attributes.manager_of_class(type(row)).new_instance()
    held = attributes.instance_dict(row)
    attributes.instance_dict(twin).update({name: held[name] for name in columns_of(type(row)) if name in held})
    inspect(twin).key = inspect(row).key
    return twin


def is_older(one: Base, other: Base) -> bool:
    """Whether one object was loaded before the other, as far as their model counts versions."""
    counted = inspect(type(one)).version_id_col
    if counted is None:
        return False
    name = inspect(type(one)).get_property_by_column(counted).key
    return bool(getattr(one, name) < getattr(other, name))
