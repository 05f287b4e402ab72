"""Showing an identity number to somebody who reads it through a mask: one number at a time, and each time it is written down."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.access_log import NUMBER, Access, access_of
from db.base import take_turns
from db.claims import NOT_FOUND, Claim
from db.masks import ID_NUMBERS, whole_number
from db.scope import Actor, Can, open_books
from db.texts import N_, ClaimError

# whoever needs more than these is copying a list
MOST, WITHIN = 20, timedelta(hours=1)
TOO_MANY = N_(
    'You have had {most} numbers shown within an hour, and no more are shown for now. Please ask whoever handles the claim.'
)


# ---- orders -----------------------------------------------------------------------------------------------------------------


def reveal_number(session: Session, claim_id: int, field: str, now: datetime) -> str:
    """A whole number of a claim, for whoever sees the mask; it is given out together with the line in the log of access."""
    actor: Actor = session.info['actor']
    actor.need(Can.REVEAL_ID_NUMBERS)
    claim_no = session.scalar(select(Claim.claim_no).where(Claim.id == claim_id))
    if claim_no is None or field not in ID_NUMBERS:
        raise ClaimError(NOT_FOUND)
    take_turns(session, f'numbers shown to {actor.user_id}')
    with open_books(session):
        of_late = select(func.count()).select_from(Access).where(Access.user_id == actor.user_id)
        given = of_late.where(Access.what == NUMBER, Access.granted.is_(True), Access.at > now - WITHIN)
        shown = session.scalar(given) or 0
        if shown >= MOST:
            raise ClaimError(TOO_MANY, most=MOST)
        session.add(access_of(actor, NUMBER, now, claim_no=claim_no, told=field))
    return whole_number(session, claim_id, field)
