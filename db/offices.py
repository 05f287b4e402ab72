"""Agents' offices and the people who sign in: the tenants, and who works for whom."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, Select, select
from sqlalchemy.orm import Mapped, Session, mapped_column, validates

from db import values
from db.base import Base
from db.scope import BUREAU_ROLES, Actor, Can, Role

# what a person chooses for himself: he needs no right for it, and it is nobody's business
OWN_CHOICES = frozenset(
    {
        *('language', 'theme', 'baseline_seq', 'only_own_alerts', 'digest', 'mail_any_time'),
        *('list_columns', 'list_density', 'pinned_views'),
    }
)


class AgentOffice(Base):
    """An agents' office (משרד סוכנות): the isolation boundary. People of an office see their own office's row only."""

    __tablename__ = 'agent_offices'
    writable_with: ClassVar[Can] = Can.ADMINISTER

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    agents_see_own_only: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]

    @validates('name')
    def _name(self, _: str, name: str) -> str:
        return values.text(name, limit=120)


class User(Base):
    """A person: of an office, or of the bureau when `office_id` is None. Without an e-mail he cannot sign in yet."""

    __tablename__ = 'users'
    writable_with: ClassVar[Can] = Can.ADMINISTER

    id: Mapped[int] = mapped_column(primary_key=True)
    office_id: Mapped[int | None] = mapped_column(ForeignKey('agent_offices.id'), index=True)
    role: Mapped[str]
    name: Mapped[str]
    email: Mapped[str | None] = mapped_column(unique=True)
    language: Mapped[str] = mapped_column(default='he')
    theme: Mapped[str] = mapped_column(default='auto')
    active: Mapped[bool] = mapped_column(default=True)
    # a summary by mail each working morning; and mail at night and on Shabbat too
    digest: Mapped[bool] = mapped_column(default=True)
    mail_any_time: Mapped[bool] = mapped_column(default=False)
    # changes up to this one are old news to him: a newcomer does not find every claim of the office in bold
    baseline_seq: Mapped[int] = mapped_column(default=0)
    # of the office's claims that are others', he is alerted of those only that he follows; money and cheques come anyway
    only_own_alerts: Mapped[bool] = mapped_column(default=False)
    # what he is used to see of the claims list; empty: what everybody sees
    list_columns: Mapped[list[str]] = mapped_column(default=list)
    list_density: Mapped[str] = mapped_column(default='usual')
    # what he pinned beside the tabs of the list, in his order, and what of his house's he took off there: see db/views.py
    pinned_views: Mapped[list[str]] = mapped_column(default=list)
    created_at: Mapped[datetime]

    @validates('email')
    def _email(self, _: str, email: str | None) -> str | None:
        return values.email(email) if email else None

    @validates('name')
    def _name(self, _: str, name: str) -> str:
        return values.text(name, limit=80)

    def as_actor(self, office: AgentOffice | None) -> Actor:
        """This person as an actor; `office` is his own office's row."""
        role = Role(self.role)
        if (office.id if office else None) != self.office_id:
            raise ValueError('not his office')
        return Actor(
            user_id=self.id,
            name=self.name,
            role=role,
            office_id=self.office_id,
            sees_own_only=sees_own_only(role, office.agents_see_own_only if office else None),
            language=self.language,
        )


def sees_own_only(role: Role, rule: bool | None) -> bool:
    """Whether somebody sees of his office's claims his own alone, by the office's rule."""
    return role is Role.AGENT and rule is True


def offices() -> Select[AgentOffice]:
    """Every office the asker may see, by name."""
    return select(AgentOffice).order_by(AgentOffice.name)


def people_of(office_id: int) -> Select[User]:
    """Everybody of an office, by name."""
    return select(User).where(User.office_id == office_id).order_by(User.name)


def agents_of(office_id: int | None = None, *, former: bool = False) -> Select[User]:
    """Whom a claim of an office (of any office the asker may see) may be given to, by name; `former` ones too, if wanted."""
    found = select(User).where(User.office_id.is_not(None), User.role.in_([Role.AGENT, Role.OFFICE_MANAGER]))
    if office_id is not None:
        found = found.where(User.office_id == office_id)
    return (found if former else found.where(User.active)).order_by(User.name)


def bureau_people() -> Select[User]:
    """Everybody of the bureau who works there now, by name."""
    return select(User).where(User.role.in_(sorted(BUREAU_ROLES)), User.active).order_by(User.name)


def names_of_people(session: Session) -> dict[int, str]:
    """The names of everybody the asker may know: his own office and the bureau; everybody, for the bureau."""
    return {row.id: row.name for row in session.execute(select(User.id, User.name))}


def actor_of(session: Session, user_id: int) -> Actor | None:
    """The actor a user is at this moment; None when he is disabled or his office is closed."""
    user = session.get(User, user_id)
    if user is None or not user.active:
        return None
    office = session.get(AgentOffice, user.office_id) if user.office_id else None
    if office is not None and not office.active:
        return None
    return user.as_actor(office)


def prefer(session: Session, user_id: int, *, language: str | None = None, theme: str | None = None) -> None:
    """Keep a person's own choice of language and theme."""
    user = session.get_one(User, user_id)
    if language in ('he', 'en'):
        user.language = language
    if theme in ('auto', 'light', 'dark'):
        user.theme = theme
