"""What a session lets its actor read: every question is narrowed to what is his, and what cannot be narrowed is refused."""

from collections.abc import Collection, Hashable, Mapping
from functools import cache
from typing import Any, NamedTuple, cast
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import (
    AliasedReturnsRows,
    ColumnClause,
    CompoundSelect,
    Executable,
    Select,
    SelectBase,
    TableClause,
    TextClause,
    bindparam,
    event,
    false,
    or_,
    select,
)
from sqlalchemy.orm import ORMExecuteState, Session, defer, with_loader_criteria
from sqlalchemy.sql import visitors

from db import search
from db.base import Base
from db.claims import Claim
from db.documents import FLAGS, Document, DocumentNeed
from db.masks import looks_behind
from db.offices import AgentOffice, User
from db.prepared import Answer, Ready, in_steps, is_list
from db.repairs import RepairEvent
from db.scope import (
    Actor,
    Books,
    Can,
    ClaimPart,
    ForAdmins,
    ForBureau,
    Internal,
    OfficeOwned,
    OfficePart,
    PersonOwned,
    Role,
    Unscoped,
)
from db.watching import columns_of


def listen_to(session_class: type[Session]) -> None:
    """Have every question of a session class narrowed; called once, by db/session.py."""
    event.listen(session_class, 'do_orm_execute', _scope_reads)


def acting(session: Session) -> Actor:
    actor = session.info.get('actor')
    if not isinstance(actor, Actor):
        raise Unscoped('a session needs an actor')
    return actor


def _scope_reads(state: ORMExecuteState) -> None:
    actor = acting(state.session)
    if not state.is_orm_statement:
        raise Unscoped('select a model: tables and text are not scoped')
    if not state.is_select:
        raise Unscoped('set attributes: bulk statements write no record')
    if state.is_column_load or state.is_relationship_load:
        raise Unscoped('load the whole row: nothing loads itself later')
    _refuse_tables(state.statement)
    if not actor.may(Can.SEE_ID_NUMBERS):
        _refuse_looks_behind(state.statement)
    if actor.claim_id is not None:
        _close_all_but_one_claim(state, actor)
        return
    state.statement = narrowed(cast(Any, state.statement), Sight.of(actor, books_open=books_open(state.session)))
    state.parameters = {**cast(Any, state.parameters or {}), **_who(actor)}


def ask_made_once(session: Session, question: Select[Any], asked: Mapping[str, Any]) -> list[Answer]:
    """Ask a question that was made once, narrowed as every other: for each who sees as much it is the same."""
    actor, dialect = acting(session), session.get_bind().dialect
    if actor.claim_id is not None:
        raise Unscoped('whoever comes by a link asks anew each time')
    asked = {**in_steps(asked), **_who(actor)}
    lengths = tuple(len(value) for value in asked.values() if is_list(value))
    sight = Sight.of(actor, books_open=books_open(session))
    kept, key = _ready.setdefault(question, {}), (dialect.name, sight, *asked, lengths)
    if key not in kept:
        if question._propagate_attrs.get('compile_state_plugin') != 'orm':
            raise Unscoped('select a model: tables and text are not scoped')
        _refuse_tables(question)
        if not actor.may(Can.SEE_ID_NUMBERS):
            _refuse_looks_behind(question)
        kept[key] = Ready(narrowed(question, sight), dialect, asked)
    return kept[key].ask(session.connection(), asked)


# ---- reading by a signed link -----------------------------------------------------------------------------------------------

# what the page of a link shows of its claim, or needs to know to write it; a column that is not named here stays closed
_LINK_COLUMNS = frozenset(
    {
        *('id', 'office_id', 'seq', 'version', 'updated_at', 'claim_no', 'plate', 'make_model', 'garage', 'is_open'),
        *('repair_stage', 'stage_since', 'eta', 'hold_reason', 'hold_since', 'agent'),
        *('documents', 'required_documents', 'missing_documents', 'documents_complete_at'),
        *('track', 'tp_insurer', *FLAGS),
    }
)
_COLUMNS_OF: Mapping[Role, frozenset[str]] = {
    Role.GARAGE: _LINK_COLUMNS,
    Role.INSURED: _LINK_COLUMNS | {'insured_name'},
}
_LINK_PARTS = (RepairEvent, Document, DocumentNeed)


def _close_all_but_one_claim(state: ORMExecuteState, actor: Actor) -> None:
    """Of everything that is somebody's a link's holder reads its one claim, the claim's repair and its papers; shared rows as all do."""
    open_columns, statement = _COLUMNS_OF[actor.role], cast(Any, state.statement)
    if isinstance(statement, CompoundSelect):
        raise Unscoped('whoever comes by a link asks one question at a time')
    for part in visitors.iterate(statement):
        if isinstance(part, Select) and (_brings_table(part) or (part is not statement and _whole_claims(part))):
            raise Unscoped('a whole claim within a question brings along what is closed to whoever comes by a link')
        if shut := _closed_in(part, open_columns):
            raise Unscoped(f'claims.{shut[0]}: closed to whoever comes by a link')
    statement = statement.options(*_link_criteria(actor))
    for entity in _whole_claims(statement):
        closed = [getattr(entity, name) for name in columns_of(Claim) if name not in open_columns]
        statement = statement.options(*(defer(column, raiseload=True) for column in closed))
    state.statement = statement


def _closed_in(part: Any, open_columns: Collection[str]) -> list[str]:
    """The closed columns that a part of a question reads, however it came by them; a column of no table may be any."""
    entity, name = part._annotations.get('parententity'), part._annotations.get('proxy_key')
    named = [name] if name is not None and entity is not None and entity.mapper.class_ is Claim else []
    bases = part.base_columns if isinstance(part, ColumnClause) else ()
    named += [one.key for one in bases if one.table is Claim.__table__ or (one.table is None and one.name != '*')]
    return [name for name in named if name not in open_columns]


def _brings_table(statement: Select[Any]) -> bool:
    """Whether a question selects the table of the claims as it stands."""
    return any(chosen is Claim.__table__ for chosen in statement._raw_columns)


def _whole_claims(statement: Any) -> list[Any]:
    """The claims, or aliases of them, that a question selects with all their columns."""
    chosen = statement.column_descriptions
    return [told['entity'] for told in chosen if told['type'] is Claim and told['expr'] is told['entity']]


def _link_criteria(actor: Actor) -> list[Any]:
    claim_id, office = actor.claim_id, actor.office_id
    rules: list[Any] = [
        with_loader_criteria(Claim, lambda row: row.id == claim_id, include_aliases=True),
        with_loader_criteria(AgentOffice, lambda row: row.id == office, include_aliases=True),
    ]
    opened = (Claim, AgentOffice, *_LINK_PARTS)
    models = [mapper.class_ for mapper in Base.registry.mappers]
    closed = [model for model in models if model not in opened and not hasattr(model, '__shared_by_all__')]
    rules += [
        with_loader_criteria(model, lambda row: row.claim_id == claim_id, include_aliases=True) for model in _LINK_PARTS
    ]
    return rules + [with_loader_criteria(model, lambda row: false(), include_aliases=True) for model in closed]


# ---- reading, refused -------------------------------------------------------------------------------------------------------

# what was looked at already: statements made once are asked often, and never change
_found_clean: WeakSet[Executable] = WeakSet()


def _refuse_tables(statement: Executable) -> None:
    """The filters know models only: a bare table or a piece of SQL beside one would bring along everybody's rows."""
    if statement in _found_clean:
        return
    seen: dict[int, Any] = {}  # keeps what it has seen alive: otherwise an id could be given to something new
    levels: list[Any] = [statement]
    while levels:
        level = levels.pop()
        if id(level) not in seen:
            seen[id(level)] = level
            levels += _check_level(level)
    _found_clean.add(statement)


# of those who see masks: what was looked at already
_found_masked: WeakSet[Executable] = WeakSet()


def _refuse_looks_behind(statement: Executable) -> None:
    """Whoever reads a number through a mask does not learn it by comparing, sorting or cutting it either."""
    if statement in _found_masked:
        return
    if looks_behind(statement):
        raise Unscoped('identity numbers are masked here: choose the column as it stands, and nothing else')
    _found_masked.add(statement)


def _check_level(level: Any) -> list[Any]:
    """Look at one SELECT; returns those inside it. A model's own table is the model's, as in the key of session.get."""
    models, bare, inner = {hash(search.INDEX)}, [], []
    waiting = list(level.get_children())
    while waiting:
        part = waiting.pop()
        if isinstance(part, TextClause) or (isinstance(part, ColumnClause) and part.is_literal and part.name != '*'):
            raise Unscoped('say it with models: a piece of SQL is not scoped')
        entity = part._annotations.get('parententity')
        if entity is not None:
            models.add(hash(entity.selectable))
            inner += _queries_in(entity.selectable)
        elif isinstance(part, SelectBase):
            inner.append(part)
        elif _is_table(part):
            bare.append(part)
        else:
            waiting += part.get_children()
            waiting += [part.table] if isinstance(part, ColumnClause) and part.table is not None else []
    if len(models) > 1 and isinstance(level, Select) and level._propagate_attrs.get('compile_state_plugin') != 'orm':
        raise Unscoped('exists().where(…) is not scoped: say select(…).where(…).exists()')
    if strangers := [part.name for part in bare if hash(part) not in models]:
        raise Unscoped(f'select the model: the table {strangers[0]} is not scoped')
    return inner


def _is_table(part: Any) -> bool:
    return isinstance(part.element if isinstance(part, AliasedReturnsRows) else part, TableClause)


def _queries_in(selectable: Any) -> list[Any]:
    """What an alias of a model stands for, when that is a query of its own."""
    return [] if _is_table(selectable) else [selectable]


def books_open(session: Session) -> bool:
    return session.info.get('books_open') is True


class Sight(NamedTuple):
    """How much somebody sees, whoever he is and of whichever office: those of the same sight ask the same questions."""

    is_product: bool
    books_open: bool
    is_bureau: bool
    sees_own_only: bool
    can: frozenset[Can]

    @classmethod
    def of(cls, actor: Actor, *, books_open: bool) -> 'Sight':
        """An actor's."""
        return cls(actor.role == Role.SYSTEM, books_open, actor.is_bureau, actor.sees_own_only, actor.can)


# what was asked, narrowed for each sight, for as long as it is kept by whoever asks it: SQLAlchemy remembers with it what it has made of it
_by_sight: WeakKeyDictionary[Any, dict[Sight, Any]] = WeakKeyDictionary()
# questions that were made once, in the words of the database, for each sight
_ready: WeakKeyDictionary[Select[Any], dict[Hashable, Ready]] = WeakKeyDictionary()
# no id: what nobody is named for finds nothing that is somebody's
_NOBODY = -1


def _who(actor: Actor) -> dict[str, Any]:
    """Who asks, by the names that the session alone gives: a question is narrowed for a sight, and asked for whoever asks it."""
    return {'scope_me': actor.user_id, 'scope_office': actor.office_id}


def narrowed(statement: Any, sight: Sight) -> Any:
    """A statement narrowed for all of a sight. Until it is asked for somebody it finds nothing of any office, nor, for the bureau, of any person."""
    if sight.is_product:
        return statement
    kept = _by_sight.setdefault(statement, {})
    if sight not in kept:
        kept[sight] = statement.options(*_criteria(sight))
    return kept[sight]


@cache
def _criteria(sight: Sight) -> tuple[Any, ...]:
    """What narrows everything somebody of a sight reads; made once, since every question takes it along."""
    me: Any = bindparam('scope_me', _NOBODY)
    office: Any = bindparam('scope_office', _NOBODY)
    rules: list[Any] = [with_loader_criteria(PersonOwned, lambda row: row.user_id == me, include_aliases=True)]
    if not sight.books_open:
        rules.append(with_loader_criteria(Books, lambda row: false(), include_aliases=True))
    if Can.ADMINISTER not in sight.can:
        rules.append(with_loader_criteria(ForAdmins, lambda row: false(), include_aliases=True))
    if not sight.is_bureau:
        rules.append(with_loader_criteria(ForBureau, lambda row: false(), include_aliases=True))
    if Can.SEE_INTERNAL not in sight.can:
        rules.append(with_loader_criteria(Internal, lambda row: row.internal.is_(False), include_aliases=True))
    if sight.is_bureau:
        return tuple(rules)
    rules += [
        with_loader_criteria(OfficeOwned, lambda row: row.office_id == office, include_aliases=True),
        with_loader_criteria(
            User, lambda row: or_(row.office_id == office, row.office_id.is_(None)), include_aliases=True
        ),
        with_loader_criteria(AgentOffice, lambda row: row.id == office, include_aliases=True),
    ]
    if sight.sees_own_only:
        mine = select(Claim.__table__.c.id).where(Claim.__table__.c.agent_id == me)
        rules.append(with_loader_criteria(Claim, lambda row: row.agent == me, include_aliases=True))
        rules.append(with_loader_criteria(ClaimPart, lambda row: row.claim_id.in_(mine), include_aliases=True))
        shared = with_loader_criteria(
            OfficePart, lambda row: or_(row.claim_id.is_(None), row.claim_id.in_(mine)), include_aliases=True
        )
        rules.append(shared)
    return tuple(rules)
