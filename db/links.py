"""Signed links: whoever holds one acts on one claim, as its garage or as its insured, without an account, until it ends.

Only the hash of a token is kept. Screens order `create_link`, `revoke_link`; the plain pages ask `visit_by` and order `note_use`,
both as the product, and then act as the `Actor` of the visit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, ClassVar

from sqlalchemy import Index, Select, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, validates

from db import values
from db.access_log import LINK, access_of
from db.base import Base, BigKey
from db.bureau import bureau_settings
from db.claims import NOT_FOUND, Claim
from db.reference import Garage
from db.scope import Actor, Can, ClaimPart, Event, Recorded, Role, claim_key
from db.texts import N_, ClaimError, t

GARAGE, INSURED = 'garage', 'insured'
PURPOSES: Mapping[str, str] = {GARAGE: N_('Update page for the garage'), INSURED: N_('Tracking page for the insured')}
MOST_ALIVE = 20
COUNTED_EVERY = timedelta(minutes=1)


class SignedLink(ClaimPart, Recorded, Base):
    """A link to one claim for somebody without an account; the token itself is known to its holder only."""

    __tablename__ = 'signed_links'
    __table_args__ = (claim_key(), UniqueConstraint('token_hash'), Index('ix_signed_links_claim', 'claim_id', 'id'))
    writable_with: ClassVar[Can] = Can.SHARE

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    token_hash: Mapped[str]
    purpose: Mapped[str]
    # of an insured's link: the phone his questions go to
    contact_phone: Mapped[str] = mapped_column(default='')
    by: Mapped[str]
    at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str] = mapped_column(default='')
    used_at: Mapped[datetime | None]
    uses: Mapped[int] = mapped_column(default=0)

    @validates('contact_phone')
    def _phone(self, _: str, phone: str) -> str:
        return values.phone(phone) if phone else ''

    def is_alive(self, now: datetime) -> bool:
        """Whether it still opens its page."""
        return self.revoked_at is None and now < self.expires_at

    def event(self, *, new: bool, edited: Mapping[str, Any]) -> Event | None:
        """Made and revoked: kept in the history, news to nobody. What is done through it stands there under its holder's name."""
        if new:
            return Event('link.created', {'purpose': [None, self.purpose]}, quiet=True)
        if 'revoked_at' in edited:
            return Event('link.revoked', {'purpose': [self.purpose, None]}, quiet=True)
        return None


@dataclass(frozen=True)
class LinkVisit:
    """Somebody at the door with a token that opens it: as whom he acts, and what his page says of the link."""

    actor: Actor
    claim_id: int
    purpose: str
    expires_at: datetime
    contact_phone: str
    used_at: datetime | None

    def is_new(self, now: datetime) -> bool:
        """Whether this counts as a use of its own."""
        return self.used_at is None or now - self.used_at >= COUNTED_EVERY


# ---- questions --------------------------------------------------------------------------------------------------------------


def links_of(claim_id: int) -> Select[SignedLink]:
    """Every link ever made to a claim, newest first."""
    return select(SignedLink).where(SignedLink.claim_id == claim_id).order_by(SignedLink.id.desc())


def purposes_for(actor: Actor) -> tuple[str, ...]:
    """Which links this actor may make and see: offices share with their clients, and with garages whoever may do what a garage's link lets its holder do."""
    if not actor.may(Can.SHARE):
        return ()
    return (GARAGE, INSURED) if actor.may(Can.UPDATE_REPAIR) else (INSURED,)


def hash_of(token: str) -> str:
    """What is kept of a token."""
    return sha256(token.encode()).hexdigest()


def visit_by(session: Session, token_hash: str, now: datetime) -> LinkVisit | None:
    """Whom a token makes of its holder; None when there is no such link (any more). The product's own question."""
    link = session.scalar(select(SignedLink).where(SignedLink.token_hash == token_hash))
    if link is None or not link.is_alive(now):
        return None
    return LinkVisit(
        _actor_of(session, link), link.claim_id, link.purpose, link.expires_at, link.contact_phone, link.used_at
    )


def _actor_of(session: Session, link: SignedLink) -> Actor:
    """Exactly this claim, and of it only what the purpose opens."""
    claim = session.get_one(Claim, link.claim_id)
    garage = session.get(Garage, claim.garage) if claim.garage else None
    named = t(N_('Insured'), 'he') if link.purpose == INSURED else garage.name if garage else t(N_('Garage'), 'he')
    return Actor(
        user_id=None,
        name=t(N_('{name}, by link'), 'he', name=named),
        role=Role.INSURED if link.purpose == INSURED else Role.GARAGE,
        office_id=link.office_id,
        claim_id=link.claim_id,
    )


# ---- orders -----------------------------------------------------------------------------------------------------------------


def create_link(session: Session, claim_id: int, purpose: str, now: datetime, contact_phone: str = '') -> str:
    """Make a link; returns its token, which nobody can be told a second time."""
    actor: Actor = session.info['actor']
    if purpose not in purposes_for(actor):
        raise ClaimError(N_('You are not allowed to do this. Ask the bureau if you need it.'))
    claim = session.get(Claim, claim_id)
    if claim is None:
        raise ClaimError(NOT_FOUND)
    own = links_of(claim_id).where(SignedLink.purpose.in_(purposes_for(actor)))
    if sum(link.is_alive(now) for link in session.scalars(own)) >= MOST_ALIVE:
        raise ClaimError(N_('There are too many links to this claim already. Please revoke one first.'))
    token = token_urlsafe(32)
    session.add(
        SignedLink(
            claim_id=claim.id,
            office_id=claim.office_id,
            token_hash=hash_of(token),
            purpose=purpose,
            contact_phone=contact_phone,
            by=actor.name,
            at=now,
            expires_at=now + timedelta(days=bureau_settings(session).link_days),
        )
    )
    return token


def revoke_link(session: Session, link_id: int, now: datetime) -> SignedLink:
    """End a link at once, also on pages that are open."""
    actor: Actor = session.info['actor']
    link = session.get(SignedLink, link_id)
    if link is None or link.purpose not in purposes_for(actor):
        raise ClaimError(N_('This link was not found.'))
    if link.revoked_at is None:
        link.revoked_at = now
        link.revoked_by = actor.name
    return link


def note_use(session: Session, token_hash: str, now: datetime) -> None:
    """Count that a link was opened; what follows within a minute is the same visit. The product's own order."""
    link = session.scalar(select(SignedLink).where(SignedLink.token_hash == token_hash))
    if link is not None and (link.used_at is None or now - link.used_at >= COUNTED_EVERY):
        link.used_at = now
        link.uses += 1
        claim_no = session.get_one(Claim, link.claim_id).claim_no
        session.add(access_of(_actor_of(session, link), LINK, now, claim_no=claim_no))
