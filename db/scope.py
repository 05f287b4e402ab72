"""Whose a row is and what a person may do: the actor, his rights, and the marks the session reads to guard every row."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from sqlalchemy import ForeignKey, ForeignKeyConstraint
from sqlalchemy.orm import Mapped, Session, declared_attr, mapped_column

from db.base import Base, BigKey
from db.texts import N_, ClaimError


class Unscoped(RuntimeError):  # noqa: N818 - said like a verdict
    """A bug: the database was asked outside the door, or something was written that is not the actor's."""


class Can(StrEnum):
    """What somebody may do; asked by pages to show a thing and by verbs to do it. KEEP_BOOKS is the product's own."""

    ADMINISTER = 'administer'
    EDIT_CLAIM = 'edit_claim'
    EXPORT = 'export'
    FOLLOW = 'follow'
    HANDLE_MONEY = 'handle_money'
    IMPORT = 'import'
    KEEP_BOOKS = 'keep_books'
    LOG_CALL = 'log_call'
    LOOK_AS = 'look_as'
    OPEN_CLAIM = 'open_claim'
    REVEAL_ID_NUMBERS = 'reveal_id_numbers'
    SEE_ALL_OFFICES = 'see_all_offices'
    SEE_CLAIMS = 'see_claims'
    SEE_ID_NUMBERS = 'see_id_numbers'
    SEE_INTERNAL = 'see_internal'
    SEE_REPORTS = 'see_reports'
    SHARE = 'share'
    SHARE_VIEWS = 'share_views'
    UPDATE_REPAIR = 'update_repair'
    UPLOAD = 'upload'
    USE_API = 'use_api'
    VERIFY_RECORD = 'verify_record'
    WRITE_MESSAGE = 'write_message'


class Role(StrEnum):
    """The roles people have; `system` is the product itself (jobs, sign-in, imports).

    `garage` and `insured` are nobody's who signs in: whoever holds a signed link acts as one, on one claim.
    """

    AGENT = 'agent'
    OFFICE_MANAGER = 'office_manager'
    READ_ONLY = 'read_only'
    HANDLER = 'handler'
    REPAIR_TEAM = 'repair_team'
    SUBMISSION_TEAM = 'submission_team'
    ADMIN = 'admin'
    SYSTEM = 'system'
    GARAGE = 'garage'
    INSURED = 'insured'


_OFFICE = frozenset({Can.SEE_CLAIMS, Can.FOLLOW})
_AGENT = _OFFICE | {
    *(Can.EXPORT, Can.LOG_CALL, Can.OPEN_CLAIM, Can.SEE_ID_NUMBERS, Can.SHARE, Can.UPLOAD, Can.WRITE_MESSAGE)
}
_MANAGER = _AGENT | {Can.SEE_REPORTS, Can.SHARE_VIEWS, Can.USE_API, Can.VERIFY_RECORD}
_TEAM = _MANAGER | {Can.SEE_ALL_OFFICES, Can.SEE_INTERNAL, Can.EDIT_CLAIM}
_BUREAU = _TEAM | {Can.HANDLE_MONEY, Can.IMPORT, Can.LOOK_AS, Can.UPDATE_REPAIR}
# whoever only looks on, or only has to do with the car, needs nobody's identity number; once in a while he asks for one
_MASKED = frozenset({Can.REVEAL_ID_NUMBERS})

# The one truth about rights; the help page and the tests read it too.
ROLE_CAN: Mapping[Role, frozenset[Can]] = MappingProxyType(
    {
        Role.AGENT: _AGENT,
        Role.OFFICE_MANAGER: _MANAGER,
        Role.READ_ONLY: _OFFICE | _MASKED,
        Role.HANDLER: _BUREAU,
        Role.REPAIR_TEAM: _TEAM - {Can.SEE_ID_NUMBERS} | {Can.UPDATE_REPAIR} | _MASKED,
        Role.SUBMISSION_TEAM: _TEAM | {Can.HANDLE_MONEY},
        Role.ADMIN: _BUREAU | {Can.ADMINISTER},
        Role.SYSTEM: frozenset(Can),
        Role.GARAGE: frozenset({Can.SEE_CLAIMS, Can.FOLLOW, Can.UPDATE_REPAIR, Can.UPLOAD}),
        Role.INSURED: frozenset({Can.SEE_CLAIMS, Can.FOLLOW, Can.UPLOAD}),
    }
)
BUREAU_ROLES = frozenset({Role.HANDLER, Role.REPAIR_TEAM, Role.SUBMISSION_TEAM, Role.ADMIN})
OFFICE_ROLES = frozenset({Role.AGENT, Role.OFFICE_MANAGER, Role.READ_ONLY})
LINK_ROLES = frozenset({Role.GARAGE, Role.INSURED})

ONLY_LOOKING = N_('You are looking as an agent, and nothing can be changed meanwhile.')
_REFUSED = N_('You are not allowed to do this. Ask the bureau if you need it.')
# what somebody of the bureau is told instead: whose work it is
_OTHERS_WORK: Mapping[Can, str] = {
    Can.HANDLE_MONEY: N_('Your team does not write sums and cheques. Please ask the submission and follow-up team.'),
    Can.UPDATE_REPAIR: N_('Your team does not update the repair. Please ask the garage and appraiser team.'),
    Can.SEE_ID_NUMBERS: N_('Your team does not write ID numbers. Please ask whoever handles the claim.'),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. Fixed when a page is built; `office_id` is None for the bureau, which sees every office.

    `claim_id` is the one claim of somebody who holds a signed link to it, and nobody else's.
    `looker` is whoever of the bureau looks at the portal as this person: then he reads what this person reads, and changes nothing.
    """

    user_id: int | None
    name: str
    role: Role
    office_id: int | None = None
    sees_own_only: bool = False
    language: str = 'he'
    claim_id: int | None = None
    looker: 'Actor | None' = None
    can: frozenset[Can] = field(init=False)

    def __post_init__(self) -> None:
        """Work the rights out once; a person of an office without an office would see everything, so that is a bug."""
        object.__setattr__(self, 'can', ROLE_CAN[self.role])
        if self.office_id is None and Can.SEE_ALL_OFFICES not in self.can:
            raise ValueError(f'{self.role} needs an office')
        if (self.role in LINK_ROLES) != (self.claim_id is not None):
            raise ValueError(f'{self.role} and one claim do not go together')
        if self.looker is not None and not (self.role in OFFICE_ROLES and self.looker.may(Can.LOOK_AS)):
            raise ValueError(f'{self.looker.role} does not look as {self.role}')

    @classmethod
    def system(cls, name: str) -> 'Actor':
        """The product acting by itself, named for the record: `Actor.system('import')`."""
        return cls(user_id=None, name=name, role=Role.SYSTEM)

    def may(self, right: Can) -> bool:
        """Whether this actor has the right."""
        return right in self.can

    def need(self, right: Can) -> None:
        """Refuse in words when this actor lacks the right."""
        if right not in self.can:
            raise ClaimError(_OTHERS_WORK.get(right, _REFUSED) if self.is_bureau else _REFUSED)

    def refuse_looking(self) -> None:
        """Refuse in words what somebody who only looks as this person may not do."""
        if self.only_looks:
            raise ClaimError(ONLY_LOOKING)

    @property
    def only_looks(self) -> bool:
        """Whether somebody else sits there, and looks at the portal as this person."""
        return self.looker is not None

    @property
    def really(self) -> 'Actor':
        """Who sits there: the actor, or whoever looks as him."""
        return self.looker or self

    @property
    def is_bureau(self) -> bool:
        """Whether the actor works for the bureau (or is the product itself)."""
        return Can.SEE_ALL_OFFICES in self.can


class OfficeOwned:
    """A row that belongs to one agents' office. Nobody of another office can read or write it."""

    writable_with: ClassVar[Can] = Can.EDIT_CLAIM

    @declared_attr
    def office_id(cls) -> Mapped[int]:
        """The office whose row this is: the isolation boundary."""
        return mapped_column(ForeignKey('agent_offices.id'), index=False)


def claim_key() -> ForeignKeyConstraint:
    """The second wall: a part cannot sit in one office and its claim in another."""
    return ForeignKeyConstraint(['claim_id', 'office_id'], ['claims.id', 'claims.office_id'])


class ClaimPart(OfficeOwned):
    """A part of a claim: its office is its claim's office, and the database itself insists on that."""

    @declared_attr
    def claim_id(cls) -> Mapped[int]:
        """The claim this belongs to."""
        return mapped_column(BigKey)

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:
        """A model with more table arguments of its own starts them with `claim_key()`."""
        return (claim_key(),)


class OfficePart(OfficeOwned):
    """A part of a claim like any other, or, without a claim, of an office as a whole: then its people all share it."""

    @declared_attr
    def claim_id(cls) -> Mapped[int | None]:
        """The claim this belongs to; None: the office."""
        return mapped_column(BigKey)

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:
        """A model with more table arguments of its own starts them with `claim_key()`."""
        return (claim_key(),)


class Internal:
    """A row the bureau may keep to itself; the session hides internal ones from everybody else."""

    internal: Mapped[bool] = mapped_column(default=False)


@dataclass(frozen=True)
class Event:
    """What the record says of a part of a claim: a kind, its fields before and after, and whom it concerns."""

    kind: str
    fields: Mapping[str, Any]
    internal: bool = False
    quiet: bool = False


class Recorded:
    """Something whose coming and changing belong to its claim's record; the session asks it for its words.

    With a `claim_id` of None (a message to the office as a whole) it stands in no claim's record.
    """

    if TYPE_CHECKING:
        claim_id: Any

    def event(self, *, new: bool, edited: Mapping[str, Any]) -> Event | None:
        """What to record now: `edited` holds name → [before, after] of the changed columns. None: nothing."""
        return None


class Evidence:
    """A row that is only ever added: what was wrong is answered by another row, and stays readable."""


class PersonSigned:
    """A row that a person writes about himself and others may read: only he and the product touch it."""

    @declared_attr
    def user_id(cls) -> Mapped[int]:
        """Whose it is."""
        return mapped_column(ForeignKey('users.id'))


class PersonOwned(PersonSigned):
    """A row about one person's own use (what he has seen, his alerts): nobody else even reads it."""

    # the kind of notice that a row about a claim rings him with
    rings: ClassVar[str] = 'person'

    @declared_attr
    def user_id(cls) -> Mapped[int]:
        """Whose it is. NOTE: said again, because the filter of the session looks in this very class."""
        return mapped_column(ForeignKey('users.id'))


class Books:
    """A row the product keeps for itself (cursors, sign-in): nobody but the product reads or writes it."""

    writable_with: ClassVar[Can] = Can.KEEP_BOOKS


class ForAdmins:
    """A row that only those read who administer: the record of what was done to people, offices and reference data."""

    # who may edit any of these leaves a record; the session writes it, and nobody else
    writable_with: ClassVar[Can] = Can.FOLLOW


class ForBureau:
    """A row about the bureau's own work that only its people read."""


@contextmanager
def open_books(session: Session) -> Iterator[None]:
    """For a part of one verb the product's own books lie open. The verb has asked for the right, and gives none of it out."""
    session.info['books_open'] = True
    try:
        yield
        session.flush()
    finally:
        session.info['books_open'] = False


ModelT = TypeVar('ModelT', bound=type[Base])


def shared_by_all(model: ModelT) -> ModelT:
    """Mark a model as readable by everybody (reference tables); it must name the right that writing takes."""
    if not hasattr(model, 'writable_with'):
        raise TypeError(f'{model.__name__} must say writable_with')
    model.__shared_by_all__ = True
    return model
