"""Who may sign in, as an admin keeps it: inviting, moving, disabling; one-time links, forced changes, ended sessions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from db import values
from db.admin_changes import (
    LINK_MADE,
    PASSWORD_DEMANDED,
    SESSIONS_ENDED,
    TWO_FACTOR_RESET,
    AdminChange,
    last_change_of,
    note,
)
from db.api_keys import revoke_keys_of
from db.base import take_turns
from db.changes import latest_seq
from db.claims import Claim
from db.identity import IDLE, PASSWORD, Credential, OneTimeLink, WebSession, end_all_sessions, in_use, make_link
from db.offices import AgentOffice, User, actor_of
from db.scope import BUREAU_ROLES, Actor, Can, Role, open_books
from db.texts import N_, ClaimError, FieldsRefused, Told, t
from db.two_factor import TwoFactor

INVITE_HOURS, RESET_HOURS = 72, 24
PAGE = 50
ROLES = {
    Role.AGENT: N_('Office agent'),
    Role.OFFICE_MANAGER: N_('Office manager'),
    Role.READ_ONLY: N_('Viewer'),
    Role.HANDLER: N_('Bureau staff'),
    Role.REPAIR_TEAM: N_('Garage and appraiser team'),
    Role.SUBMISSION_TEAM: N_('Submission and follow-up team'),
    Role.ADMIN: N_('Administrator'),
}
# how an account stands: what the list of people can be narrowed to
STANDINGS = {
    'active': N_('Can sign in'),
    'invited': N_('Invited, not signed in yet'),
    'disabled': N_('Disabled'),
    'one_step': N_('Without two-step verification'),
}


# ---- questions --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Account:
    """A person and how his account stands; what the product's books say of it, and no more."""

    user: User
    office: str
    has_password: bool
    must_change: bool
    has_two_factor: bool
    devices: int
    seen_at: datetime | None
    invited_until: datetime | None

    @property
    def standing(self) -> str:
        """A key of STANDINGS, the first that fits."""
        if not self.user.active:
            return 'disabled'
        return 'active' if self.has_password else 'invited'


@dataclass(frozen=True)
class Wanted:
    """Which people an admin looks for."""

    typed: str = ''
    office: int | None = None
    bureau: bool = False
    standing: str = ''
    page: int = 1


def accounts(session: Session, wanted: Wanted, now: datetime, idle: timedelta = IDLE) -> tuple[list[Account], int]:
    """A page of the people an admin looks for, by name, and how many they are in all."""
    _admin(session)
    with open_books(session):
        found = _narrowed(wanted)
        total = session.scalar(select(func.count()).select_from(found.with_only_columns(User.id).subquery())) or 0
        page = found.order_by(User.active.desc(), User.name, User.id).limit(PAGE).offset((wanted.page - 1) * PAGE)
        return _accounts(session, list(session.scalars(page)), now, idle), total


def account(session: Session, user_id: int, now: datetime, idle: timedelta = IDLE) -> Account | None:
    """One person's account."""
    _admin(session)
    user = session.get(User, user_id)
    if user is None:
        return None
    with open_books(session):
        return _accounts(session, [user], now, idle)[0]


def people_per_office(session: Session) -> dict[int, int]:
    """How many people of each office may sign in."""
    counted = select(User.office_id, func.count(User.id)).where(User.active, User.office_id.is_not(None))
    return {office_id or 0: count for office_id, count in session.execute(counted.group_by(User.office_id))}


def claims_of(session: Session, user_id: int) -> int:
    """How many open claims are in a person's hands, as their agent or their handler."""
    his = or_(Claim.agent == user_id, Claim.handler == user_id)
    return session.scalar(select(func.count(Claim.id)).where(his, Claim.is_open)) or 0


def _narrowed(wanted: Wanted) -> Select[User]:
    found = select(User).outerjoin(Credential, Credential.user_id == User.id)
    for word in wanted.typed.split()[:5]:
        found = found.where(
            or_(User.name.icontains(word, autoescape=True), User.email.icontains(word, autoescape=True))
        )
    if wanted.bureau:
        found = found.where(User.office_id.is_(None))
    elif wanted.office is not None:
        found = found.where(User.office_id == wanted.office)
    if wanted.standing == 'disabled':
        return found.where(User.active.is_(False))
    if wanted.standing == 'one_step':
        return found.where(User.active, User.id.not_in(_in_two_steps()))
    if wanted.standing in STANDINGS:
        signed = Credential.user_id.is_not(None) if wanted.standing == 'active' else Credential.user_id.is_(None)
        found = found.where(User.active, signed)
    return found


def _in_two_steps() -> Select[int]:
    return select(TwoFactor.user_id).where(TwoFactor.confirmed_at.is_not(None))


def _accounts(session: Session, users: Sequence[User], now: datetime, idle: timedelta) -> list[Account]:
    ids = [user.id for user in users]
    names = {row.id: row.name for row in session.execute(select(AgentOffice.id, AgentOffice.name))}
    kept = {row.user_id: row for row in session.scalars(select(Credential).where(Credential.user_id.in_(ids)))}
    count = func.count(WebSession.token_hash).filter(in_use(now, idle))
    signed = select(WebSession.user_id, count, func.max(WebSession.seen_at))
    signed = signed.where(WebSession.user_id.in_(ids), WebSession.expires_at > now).group_by(WebSession.user_id)
    devices = {user_id: (count, seen) for user_id, count, seen in session.execute(signed)}
    links = select(OneTimeLink.user_id, func.max(OneTimeLink.expires_at)).group_by(OneTimeLink.user_id)
    links = links.where(OneTimeLink.user_id.in_(ids), OneTimeLink.purpose == PASSWORD, OneTimeLink.used_at.is_(None))
    until = dict(iter(session.execute(links)))
    in_two_steps = set(session.scalars(_in_two_steps().where(TwoFactor.user_id.in_(ids))))
    return [
        Account(
            user,
            names.get(user.office_id or 0, ''),
            user.id in kept,
            user.id in kept and kept[user.id].must_change,
            user.id in in_two_steps,
            devices=devices.get(user.id, (0, None))[0],
            seen_at=devices.get(user.id, (0, None))[1],
            invited_until=until.get(user.id),
        )
        for user in users
    ]


# ---- orders -----------------------------------------------------------------------------------------------------------------


class ChangedMeanwhile(ClaimError):  # noqa: N818 - said like what happened
    """Somebody else was faster with the same field; carries what stands there now, so that the next save may replace it."""

    def __init__(self, present: str, told: str, last: AdminChange | None = None) -> None:
        """`present` as a form holds it, `told` as people read it; `last` is the change that put it there."""
        if last is not None:
            text = (
                N_('{name} wrote “{told}” here on {time}. Saving again puts yours in its place.')
                if told
                else N_('{name} emptied this field on {time}. Saving again puts yours in its place.')
            )
            super().__init__(text, told=told, name=last.by, time=values.format_exact(last.at))
        else:
            super().__init__(
                N_('Somebody else wrote “{told}” here meanwhile. Saving again puts yours in its place.')
                if told
                else N_('Somebody else emptied this field meanwhile. Saving again puts yours in its place.'),
                told=told,
            )
        self.present = present


@dataclass(frozen=True)
class Person:
    """What an admin says of somebody: as typed, the office as its id or '' for the bureau."""

    name: str
    email: str
    role: str
    office: str

    @classmethod
    def of(cls, user: User) -> 'Person':
        """What stands there now."""
        return cls(user.name, user.email or '', user.role, str(user.office_id or ''))


def invite(session: Session, person: Person, now: datetime) -> tuple[User, str]:
    """Add a person, who chooses his password by a link that works once, within three days. Returns him and the link's token."""
    _admin(session)
    known = _checked(session, person, None)
    user = User(**known, created_at=now, baseline_seq=latest_seq(session))
    session.add(user)
    session.flush()
    with open_books(session):
        return user, make_link(session, PASSWORD, user.id, now, INVITE_HOURS)


def new_link(session: Session, user_id: int, now: datetime) -> str:
    """Another link for a person: a fresh invitation, or a way in for somebody who forgot his password. Earlier ones are void."""
    user = _person(session, user_id)
    if not user.active:
        raise ClaimError(N_('This account is disabled. Enable it first.'))
    if actor_of(session, user_id) is None:
        raise ClaimError(N_('The office of this person is closed. Open it first.'))
    if not user.email:
        raise ClaimError(N_('This person has no e-mail address yet. Please fill it in first.'))
    note(session, user, LINK_MADE)
    with open_books(session):
        hours = RESET_HOURS if session.get(Credential, user_id) else INVITE_HOURS
        return make_link(session, PASSWORD, user_id, now, hours)


def save_person(session: Session, user_id: int, seen: Person, wanted: Person) -> User:
    """Change who somebody is here. What another admin changed meanwhile, and this one did not see, is not overwritten."""
    user = _person(session, user_id)
    present = Person.of(user)
    changed = [name for name in _FIELDS if getattr(wanted, name) != getattr(seen, name)]
    stale = [name for name in changed if getattr(present, name) not in (getattr(seen, name), getattr(wanted, name))]
    if stale:
        words = {'role': _role_in_words, 'office': _office_in_words}
        there = {name: getattr(present, name) for name in stale}
        told = {name: words[name](session, value) if name in words else value for name, value in there.items()}
        raise FieldsRefused(
            {
                name: ChangedMeanwhile(value, told[name], last_change_of(session, user, _COLUMNS.get(name, name)))
                for name, value in there.items()
            }
        )
    merged = Person(**{name: getattr(wanted if name in changed else present, name) for name in _FIELDS})
    known = _checked(session, merged, user)
    if known['role'] != Role.ADMIN:
        _refuse_without_admin(session, user)
    moved = (known['role'], known['office_id']) != (user.role, user.office_id)
    for name, value in known.items():
        setattr(user, name, value)
    if moved:  # whoever signed in for less did not prove himself for more, as by a second step
        with open_books(session):
            end_all_sessions(session, user_id)
        revoke_keys_of(session, [user_id])
    return user


def disable(session: Session, user_id: int) -> None:
    """Close a person's account: he is cut off at once, on every page he has open, and no link lets him in."""
    user = _person(session, user_id)
    _refuse_without_admin(session, user)
    user.active = False
    shut_out(session, [user_id])


def enable(session: Session, user_id: int) -> None:
    """Open a closed account again; the password is the one he had."""
    user = _person(session, user_id)
    if not user.active:
        user.active = True
        shut_out(session, [user_id])  # also whoever came in at the moment it was closed


def shut_out(session: Session, user_ids: Sequence[int]) -> None:
    """End whatever lets these people in without their password, for good: when they may come again, they sign in anew."""
    with open_books(session):
        end_all_sessions(session, *user_ids)
        for link in session.scalars(select(OneTimeLink).where(OneTimeLink.user_id.in_(user_ids)).with_for_update()):
            session.delete(link)
    revoke_keys_of(session, user_ids)


def demand_new_password(session: Session, user_id: int) -> None:
    """From now on a person gets nowhere before he has chosen another password."""
    user = _person(session, user_id)
    with open_books(session):
        credential = session.get(Credential, user_id)
        if credential is None:
            raise ClaimError(N_('This person has not chosen a password yet. Send an invitation link.'))
        if not credential.must_change:
            credential.must_change = True
            note(session, user, PASSWORD_DEMANDED)


def end_sessions(session: Session, user_id: int) -> int:
    """Sign a person out on every device; returns how many they were."""
    user = _person(session, user_id)
    with open_books(session):
        ended = end_all_sessions(session, user_id)
        if ended:
            note(session, user, SESSIONS_ENDED)
    return ended


def reset_two_factor(session: Session, user_id: int) -> None:
    """Somebody has lost his phone: his password alone lets him in again, to set it up anew where his role requires it; he is signed out everywhere."""
    user = _person(session, user_id)
    with open_books(session):
        kept = session.get(TwoFactor, user_id)
        if kept is None or kept.confirmed_at is None:
            raise ClaimError(N_('This person has no two-step verification.'))
        note(session, user, TWO_FACTOR_RESET)
        session.delete(kept)
        end_all_sessions(session, user_id)


_FIELDS = ('name', 'email', 'role', 'office')
_COLUMNS = {'office': 'office_id'}


def _role_in_words(session: Session, role: str) -> str:
    return t(ROLES[Role(role)], session.info['actor'].language)


def _office_in_words(session: Session, office: str) -> str:
    return session.get_one(AgentOffice, int(office)).name if office else ''


def _admin(session: Session) -> None:
    actor: Actor = session.info['actor']
    actor.need(Can.ADMINISTER)


def _person(session: Session, user_id: int) -> User:
    _admin(session)
    user = session.scalar(select(User).where(User.id == user_id).with_for_update())
    if user is None:
        raise ClaimError(N_('This person was not found.'))
    return user


def _refuse_without_admin(session: Session, user: User) -> None:
    """Somebody who can sign in and administer must remain; two admins who remove each other take turns."""
    if user.role != Role.ADMIN or not user.active:
        return
    take_turns(session, 'admins')
    others = select(func.count(User.id)).join(Credential, Credential.user_id == User.id)
    with open_books(session):
        left = session.scalar(others.where(User.role == Role.ADMIN, User.active, User.id != user.id))
    if not left:
        raise ClaimError(N_('This is the last administrator who can sign in. Make somebody else administrator first.'))


def _checked(session: Session, person: Person, user: User | None) -> dict[str, str | int | None]:
    """A person as the columns keep him, or every reason why not."""
    wrong: dict[str, Told] = {}
    known: dict[str, str | int | None] = {'name': values.text(person.name, limit=80)}
    if not known['name']:
        wrong['name'] = ClaimError(N_('Please fill in the name.'))
    try:
        known['email'] = values.email(person.email)
    except values.Malformed as malformed:
        wrong['email'] = malformed
    else:
        if session.scalar(select(User.id).where(User.email == known['email'], User.id != (user.id if user else 0))):
            wrong['email'] = ClaimError(N_('Somebody here has this e-mail address already.'))
    known |= _place(session, person, user, wrong)
    if wrong:
        raise FieldsRefused(wrong)
    return known


def _place(session: Session, person: Person, user: User | None, wrong: dict[str, Told]) -> dict[str, str | int | None]:
    """Role and office fit together, and nobody leaves claims behind that nobody of his old place could see in his hands."""
    if person.role not in ROLES:
        wrong['role'] = ClaimError(N_('Please choose a value from the list.'))
        return {}
    office_id: int | None = None
    if Role(person.role) not in BUREAU_ROLES:
        office_id = int(person.office) if person.office.isdecimal() and len(person.office) < 10 else 0
        office = session.get(AgentOffice, office_id)
        if office is None or not (office.active or (user and user.office_id == office_id)):
            wrong['office'] = ClaimError(N_('Please choose the office this person works for.'))
    if user is not None and user.office_id != office_id and (left := _left_behind(session, user)):
        wrong['office'] = ClaimError(
            N_('Open claims in this person’s hands: {count}. Give them to somebody else first.'), count=left
        )
    return {'role': person.role, 'office_id': office_id}


def _left_behind(session: Session, user: User) -> int:
    held = Claim.agent if user.office_id else Claim.handler
    return session.scalar(select(func.count(Claim.id)).where(held == user.id, Claim.is_open)) or 0
