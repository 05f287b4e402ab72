"""What a session lets its actor write: who may, on whose row, and nothing that is only ever added to."""

from typing import Any

from sqlalchemy import event, select
from sqlalchemy.orm import Session, UOWTransaction, attributes

from db import admin_changes
from db.admin_changes import AdminChange
from db.base import differs, histories
from db.changes import Change
from db.claims import RIGHTS, Claim
from db.documents import Document
from db.guard_reads import acting, books_open
from db.offices import OWN_CHOICES, User
from db.reference import DocumentType
from db.repairs import RepairEvent
from db.scope import Actor, Books, Can, ClaimPart, Evidence, OfficeOwned, OfficePart, PersonSigned, Role, Unscoped


def listen_to(session_class: type[Session]) -> None:
    """Have every write of a session class looked at before anything follows from it; called once, by db/session.py."""
    event.listen(session_class, 'before_flush', _guard_writes)


def listen_to_record(session_class: type[Session]) -> None:
    """Have what the record has added since looked at too; called once, after the record's own."""
    event.listen(session_class, 'before_flush', _guard_record)


def _guard_writes(session: Session, _: UOWTransaction, __: Any) -> None:
    actor = acting(session)
    if session.info['reading']:
        refuse_writes(session)
    for row in [*session.new, *session.deleted, *(row for row in session.dirty if differs(row))]:
        _guard_row(session, actor, row)


def _guard_record(session: Session, _: UOWTransaction, __: Any) -> None:
    """What the record has added since is looked at too."""
    for row in [row for row in session.new if isinstance(row, Change)]:
        _guard_row(session, acting(session), row)


def _guard_row(session: Session, actor: Actor, row: Any) -> None:
    if not (isinstance(row, Books) and books_open(session)):
        changed = None if row in session.new or row in session.deleted else {name for name, _ in histories(row)}
        _check_right(actor, row, changed, comes=row in session.new)
        _check_link(session, actor, row, changed)
    _check_owner(actor, row)
    _check_claim(session, actor, row)
    if isinstance(row, Evidence) and row not in session.new:
        raise Unscoped(f'{type(row).__name__}: nothing of it is changed or taken away, only added')
    if isinstance(row, Change | AdminChange) and (row in session.deleted or row not in _written_now(session)):
        raise Unscoped('the record of changes is only ever added to, and only by the session')


def refuse_writes(session: Session) -> None:
    if session.new or session.deleted or any(differs(row) for row in session.dirty):
        raise Unscoped('this session only reads')


def _written_now(session: Session) -> list[Change | AdminChange]:
    return [*session.info.get('recorded', {}).values(), *admin_changes.written_now(session)]


# what holders of a garage's link may change of their claim
_REPAIR = frozenset(name for name, right in RIGHTS.items() if right == Can.UPDATE_REPAIR)


def _check_right(actor: Actor, row: Any, changed: set[str] | None, *, comes: bool) -> None:
    """`changed` names the columns of a changed row; None for one that `comes` or goes."""
    own_choice = isinstance(row, User) and row.id == actor.user_id and changed is not None and changed <= OWN_CHOICES
    if own_choice:
        return
    for right in sorted(_rights_to_write(row, changed, comes=comes) if isinstance(row, Claim) else {row.writable_with}):
        actor.need(right)


def _rights_to_write(claim: Claim, changed: set[str] | None, *, comes: bool) -> set[Can]:
    if comes:
        opens = Can.OPEN_CLAIM if claim.status == 'new' else Can.EDIT_CLAIM
        return {opens, *(right for name, right in RIGHTS.items() if getattr(claim, name) not in (None, ''))}
    return {RIGHTS.get(name, Can.EDIT_CLAIM) for name in changed} if changed else {Can.EDIT_CLAIM}


def _check_link(session: Session, actor: Actor, row: Any, changed: set[str] | None) -> None:
    """Whoever comes by a link moves the repair of his one claim on, and adds to what is told and shown of it; nothing else.

    A garage adds photos of the repair, the insured what he is asked for.
    """
    if actor.claim_id is None:
        return
    if isinstance(row, Claim):
        is_his = row.id == actor.claim_id and changed is not None and changed <= _REPAIR
    else:
        adds = isinstance(row, RepairEvent | Change) or (isinstance(row, Document) and _sends(session, actor, row))
        is_his = row in session.new and adds and row.claim_id == actor.claim_id
    if not is_his:
        raise Unscoped(f'{type(row).__name__}: a link does not open this')


def _sends(session: Session, actor: Actor, document: Document) -> bool:
    """Whether this is what the holder of such a link sends."""
    if actor.role == Role.GARAGE:
        return document.repair_stage is not None
    kind = session.get(DocumentType, document.type)
    in_a_place_of_its_own = document.repair_stage is None and document.replaces is None and document.message_id is None
    return in_a_place_of_its_own and kind is not None and 'insured' in kind.suppliers


def _check_owner(actor: Actor, row: Any) -> None:
    if isinstance(row, OfficeOwned) and not actor.is_bureau and row.office_id != actor.office_id:
        raise Unscoped(f'{type(row).__name__} of another office')
    if isinstance(row, OfficeOwned) and attributes.get_history(row, 'office_id').deleted:
        raise Unscoped('a row never moves to another office')
    if isinstance(row, PersonSigned) and attributes.get_history(row, 'user_id').deleted:
        raise Unscoped('a row never passes to another person')
    if isinstance(row, PersonSigned) and actor.role != 'system' and row.user_id != actor.user_id:
        raise Unscoped(f'{type(row).__name__} of another person')


def _check_claim(session: Session, actor: Actor, row: Any) -> None:
    """Of an office in which agents see their own claims only, they also write about their own only."""
    if not actor.sees_own_only or not isinstance(row, ClaimPart | OfficePart) or row.claim_id is None:
        return
    if session.scalars(select(Claim.id).where(Claim.id == row.claim_id)).first() is None:
        raise Unscoped(f'{type(row).__name__} of a claim that is not his')
