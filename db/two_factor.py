"""Signing in in two steps: the secret in somebody's phone, its codes, the recovery codes, and of whom it is required."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from secrets import choice

from pyotp import TOTP, random_base32
from sqlalchemy import ForeignKey, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from db import identity, sealing
from db.admin_changes import CODES_RENEWED, TWO_FACTOR_OFF, TWO_FACTOR_ON, note
from db.base import Base, BigKey
from db.bureau import bureau_settings
from db.identity import end_all_sessions, forget_browsers, hash_of
from db.offices import User
from db.scope import BUREAU_ROLES, Actor, Books, Can, open_books
from db.texts import N_, ClaimError

ISSUER = 'Maakav'
DIGITS, STEP_SECONDS = 6, 30
# how long a secret waits for its first code
BEGUN_FOR = timedelta(minutes=15)
# without signs that look like another: people type them from paper
RECOVERY_SIGNS, RECOVERY_LENGTH, RECOVERY_CODES = '23456789abcdefghjkmnpqrstuvwxyz', 16, 10


class TwoFactor(Books, Base):
    """What a person's second step is looked at with. Without `confirmed_at` he has begun, and signs in as before."""

    __tablename__ = 'two_factors'

    user_id: Mapped[int] = mapped_column(ForeignKey('users.id'), primary_key=True)
    sealed: Mapped[str]
    begun_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    # the step of the last code that was taken: it and those before are spent
    last_step: Mapped[int] = mapped_column(BigKey, default=0)
    # the hashes of the recovery codes that are left
    recovery: Mapped[list[str]] = mapped_column(default=list)


# ---- questions --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """How it stands with somebody: on since when and with how many recovery codes, or begun with which secret."""

    since: datetime | None = None
    codes_left: int = 0
    secret: str = ''
    is_required: bool = False


def own_standing(session: Session, now: datetime) -> Standing:
    """How it stands with the acting person."""
    actor: Actor = session.info['actor']
    required = is_required_of(session, actor.role)
    with open_books(session):
        kept = session.get(TwoFactor, actor.user_id)
        if kept is None:
            return Standing(is_required=required)
        if kept.confirmed_at is not None:
            return Standing(kept.confirmed_at, len(kept.recovery), is_required=required)
        secret = sealing.unseal(kept.sealed) if now - kept.begun_at <= BEGUN_FOR else None
        return Standing(secret=secret or '', is_required=required)


def is_on(session: Session, user_id: int) -> bool:
    """Whether a person signs in in two steps; for the product itself, or with the books open."""
    confirmed = select(TwoFactor.user_id).where(TwoFactor.user_id == user_id, TwoFactor.confirmed_at.is_not(None))
    return session.scalar(confirmed) is not None


def is_required_of(session: Session, role: str) -> bool:
    """Whether the bureau requires it of this role."""
    return role in bureau_settings(session).two_factor_roles


def must_set_up(session: Session, user_id: int) -> bool:
    """Whether a person who signs in now has to set it up before anything else; for the product itself."""
    return is_required_of(session, session.get_one(User, user_id).role) and not is_on(session, user_id)


@dataclass(frozen=True)
class Spread:
    """Of which roles it is required, how many people of the bureau have it, and whose secret this server cannot open."""

    roles: tuple[str, ...]
    bureau: int
    bureau_with: int
    sealed_otherwise: int

    @property
    def roles_of_bureau_covered(self) -> bool:
        """Whether nobody who sees every office may do without."""
        return set(self.roles) >= BUREAU_ROLES


def spread(session: Session) -> Spread:
    """How far it has spread, for those who administer."""
    session.info['actor'].need(Can.ADMINISTER)
    of_bureau = select(func.count(User.id)).where(User.active, User.role.in_(sorted(BUREAU_ROLES)))
    confirmed = of_bureau.join(TwoFactor, TwoFactor.user_id == User.id).where(TwoFactor.confirmed_at.is_not(None))
    with open_books(session):
        kept = session.scalars(select(TwoFactor.sealed).where(TwoFactor.confirmed_at.is_not(None)))
        return Spread(
            tuple(bureau_settings(session).two_factor_roles),
            session.scalar(of_bureau) or 0,
            session.scalar(confirmed) or 0,
            sum(sealing.unseal(sealed) is None for sealed in kept),
        )


def address_of(secret: str, email: str) -> str:
    """What the QR code says to the app."""
    return TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


# ---- signing in -------------------------------------------------------------------------------------------------------------


def second_step(session: Session, half: str, typed: str, now: datetime) -> int | None:
    """Who signs in with this half of a sign-in and this code; None when either does not count. Both are spent together."""
    link = identity.half_of(session, half, now)
    if link is None or link.user_id is None or not _take_code(session, link.user_id, typed, now):
        return None
    link.used_at = now
    return link.user_id


def _take_code(session: Session, user_id: int, typed: str, now: datetime) -> bool:
    """Whether this is a code of the person's app or one of his recovery codes; it is spent by being asked."""
    question = select(TwoFactor).where(TwoFactor.user_id == user_id, TwoFactor.confirmed_at.is_not(None))
    kept = session.scalar(question.with_for_update())
    code = ''.join(sign for sign in typed.casefold() if sign.isalnum())
    if kept is None:
        return False
    return _take_step(kept, code, now) if len(code) == DIGITS else _take_recovery(kept, code)


def _take_step(kept: TwoFactor, code: str, now: datetime) -> bool:
    secret, present = sealing.unseal(kept.sealed), int(now.timestamp()) // STEP_SECONDS
    if secret is None:
        return False
    # the clock of a phone may be a step early or late
    for step in (present - 1, present, present + 1):
        if step > kept.last_step and compare_digest(TOTP(secret).generate_otp(step).encode(), code.encode()):
            kept.last_step = step
            return True
    return False


def _take_recovery(kept: TwoFactor, code: str) -> bool:
    hashed = hash_of(code)
    left = [other for other in kept.recovery if not compare_digest(other, hashed)]
    taken = len(left) < len(kept.recovery)
    if taken:
        kept.recovery = left
    return taken


# ---- proving it again -------------------------------------------------------------------------------------------------------


def takes_code(session: Session) -> bool:
    """Whether the acting person, to prove again who he is, types a code beside his password."""
    with open_books(session):
        return is_on(session, session.info['actor'].user_id)


def spend_code(session: Session, typed: str, now: datetime) -> bool:
    """Whether this is a code of the acting person; anything is, of who signs in by his password alone."""
    user_id = _me(session).id
    with open_books(session):
        return not is_on(session, user_id) or _take_code(session, user_id, typed, now)


def make_proof(session: Session, typed: str, now: datetime) -> str | None:
    """The acting person has typed his password again, and this as his code: a token that says so, once and for a few minutes.

    None when he signs in in two steps and the code does not count.
    """
    if not spend_code(session, typed, now):
        return None
    with open_books(session):
        return identity.make_link(session, identity.PROOF, _me(session).id, now, hours=1)


# ---- orders -----------------------------------------------------------------------------------------------------------------


def begin_two_factor(session: Session, now: datetime) -> None:
    """The acting person gets a new secret; nothing else changes until its first code is typed."""
    with open_books(session):
        kept = session.get(TwoFactor, _me(session).id, with_for_update=True)
        if kept is None:
            kept = TwoFactor(user_id=_me(session).id)
            session.add(kept)
        if kept.confirmed_at is not None:
            raise ClaimError(N_('Two-step verification is on already.'))
        kept.sealed, kept.begun_at, kept.last_step = sealing.seal(random_base32()), now, 0


def confirm_two_factor(session: Session, typed: str, now: datetime) -> list[str] | None:
    """The first code turns it on, and ends every sign-in there is. Returns the recovery codes; None when the code is wrong."""
    user = _me(session)
    with open_books(session):
        kept = session.get(TwoFactor, user.id, with_for_update=True)
        if kept is None or kept.confirmed_at is not None or now - kept.begun_at > BEGUN_FOR:
            raise ClaimError(N_('This has taken too long. Please begin again.'))
        if not _take_step(kept, ''.join(typed.split()), now):
            return None
        kept.confirmed_at = now
        end_all_sessions(session, user.id)
        forget_browsers(session, user.id)  # whoever knew the password until now would be counted kindly
        note(session, user, TWO_FACTOR_ON)
        return _fresh_codes(kept)


def renew_recovery_codes(session: Session, typed: str, now: datetime) -> list[str] | None:
    """Ten new recovery codes for a code, which may be one of those left; the earlier ones are void. None when it is wrong."""
    user = _me(session)
    with open_books(session):
        if not _take_code(session, user.id, typed, now):
            return None
        note(session, user, CODES_RENEWED)
        return _fresh_codes(session.get_one(TwoFactor, user.id))


def turn_off_two_factor(session: Session, typed: str, now: datetime) -> bool:
    """From now on the acting person signs in by his password alone. False when the code is wrong."""
    user = _me(session)
    if is_required_of(session, user.role):
        raise ClaimError(REQUIRED)
    with open_books(session):
        if not _take_code(session, user.id, typed, now):
            return False
        session.delete(session.get_one(TwoFactor, user.id))
        note(session, user, TWO_FACTOR_OFF)
    return True


REQUIRED = N_('The bureau requires two-step verification of your role.')


def _me(session: Session) -> User:
    actor: Actor = session.info['actor']
    return session.get_one(User, actor.user_id)


def _fresh_codes(kept: TwoFactor) -> list[str]:
    codes = [''.join(choice(RECOVERY_SIGNS) for _ in range(RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)]
    kept.recovery = [hash_of(code) for code in codes]
    return ['-'.join(code[place : place + 4] for place in range(0, RECOVERY_LENGTH, 4)) for code in codes]
