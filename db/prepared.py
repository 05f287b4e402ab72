"""Questions that are made once and asked all day: put into the database's own words once for all who see as much, and from then on only asked.

What SQLAlchemy does around a question takes five to a hundred times as long as the question. Whose rows one sees is not the asker's to say:
the session narrows each question as it narrows all, and says itself whom it asks for (`ScopedSession.ask_made_once`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, cast

from sqlalchemy import Connection, Dialect, Select
from sqlalchemy.orm import Session

Answer = tuple[Any, ...]


class _Asking(Protocol):
    """What the session can do, which stands above."""

    def ask_made_once(self, question: Select[Any], asked: Mapping[str, Any]) -> list[Answer]: ...


def answers(session: Session, question: Select[*tuple[Any, ...]], **asked: Any) -> list[Answer]:
    """The rows of a question about columns, as the acting person may see them.

    It is kept for as long as the question is: ask one that stands in a module, or that is kept as long. `asked` are its parameters, by name;
    a list is for an `expanding` one.
    """
    return cast(_Asking, session).ask_made_once(question, asked)


def one_answer(session: Session, question: Select[*tuple[Any, ...]], **asked: Any) -> Answer | None:
    """The first of its rows, if it has any."""
    return next(iter(answers(session, question, **asked)), None)


def in_steps(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters with lists of few lengths, for `IN` and nothing else: each length is another question, and what is named twice is found once."""
    return {name: _filled(list(value)) if is_list(value) else value for name, value in asked.items()}


def _filled(values: list[Any]) -> list[Any]:
    """With the last one again until it has 1, 2, 4, 8… of them."""
    return values + values[-1:] * ((1 << (len(values) - 1).bit_length()) - len(values)) if values else values


def is_list(value: Any) -> bool:
    """Whether a parameter is for an `expanding` one."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


class _Parameter(NamedTuple):
    """A parameter of a question in the words of a database."""

    name: str
    # which one that is asked with stands in it, and of a list which; None: it is always the same
    of: str | None
    place: int | None
    process: Callable[[Any], Any] | None
    fixed: Any

    def value(self, asked: Mapping[str, Any]) -> Any:
        """What the database is given for it."""
        given = self.fixed if self.of is None else asked[self.of] if self.place is None else asked[self.of][self.place]
        return self.process(given) if self.process else given


class Ready:
    """A question in the words of a database."""

    def __init__(self, question: Select[Any], dialect: Dialect, asked: Mapping[str, Any]) -> None:
        """`question` is narrowed already; `asked` has all its parameters, and lists of the lengths it will be asked with."""
        compiled = question.compile(dialect=dialect)
        state = compiled.construct_expanded_state(asked)
        in_list = {name: (of, n) for of, names in state.parameter_expansion.items() for n, name in enumerate(names)}
        self._sql, self._by_place, self._parameters = state.statement, state.positiontup is not None, []
        for name in state.parameters if state.positiontup is None else state.positiontup:
            of, place = in_list.get(name, (name, None))
            process = compiled.binds[of].type.dialect_impl(dialect).bind_processor(dialect)
            asked_as = of if of in asked else None
            self._parameters.append(_Parameter(name, asked_as, place, process, state.parameters[name]))
        kinds = [column.type.dialect_impl(dialect) for column in question.selected_columns]
        self._read = [(n, read) for n, kind in enumerate(kinds) if (read := kind.result_processor(dialect, None))]

    def ask(self, connection: Connection, asked: Mapping[str, Any]) -> list[Answer]:
        """Its rows, for these parameters."""
        values = [one.value(asked) for one in self._parameters]
        names = (one.name for one in self._parameters)
        given = tuple(values) if self._by_place else dict(zip(names, values, strict=True))
        return [self._answer(row) for row in connection.exec_driver_sql(self._sql, given).fetchall()]

    def _answer(self, row: Sequence[Any]) -> Answer:
        values = list(row)
        for place, read in self._read:
            values[place] = read(values[place])
        return tuple(values)
