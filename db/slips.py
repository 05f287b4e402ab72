"""The way back from a slip: whoever set the status of a claim by mistake takes it back within some minutes, and nobody gets a mail of it.

The change itself is on every screen at once, and so is the way back; alerts of both that nobody has read yet take each other back.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.bureau import bureau_settings
from db.changes import Change
from db.claims import SENT_BACK, Claim, ClaimConflict, lock_claim
from db.reference import CLOSED, ClaimStatus
from db.scope import Actor, Can
from db.texts import N_, ClaimError

_GONE = N_('This change can no longer be taken back. Please choose the right status.')
# NOTE: a task is made once for each stay in a status, told by the second it began: what the slip ended comes back so
_A_NEW_STAY = timedelta(seconds=1)

# ---- questions --------------------------------------------------------------------------------------------------------------


def may_take_status_back(session: Session, claim_id: int, now: datetime) -> timedelta | None:
    """How long the acting person may still take the last change of the status back; None when he may not.

    As long as its mails wait. What was closed is opened again with a reason, since its tasks are gone; of what an insurer sent back,
    the documents he asked for are needed from then on.
    """
    actor: Actor = session.info['actor']
    slip = next(_moves_of(session, claim_id), None)
    if slip is None or slip.kind == 'opened' or slip.user_id != actor.user_id or not actor.may(Can.EDIT_CLAIM):
        return None
    before, after = slip.fields['status']
    statuses = [session.get(ClaimStatus, status) for status in (before, after)]
    if after == SENT_BACK or any(status is None or status.category == CLOSED for status in statuses):
        return None
    left = slip.at + timedelta(minutes=bureau_settings(session).alert_cool_off_minutes) - now
    return left if left > timedelta(0) else None


def _moves_of(session: Session, claim_id: int, name: str = 'status') -> Iterator[Change]:
    """The changes of a field, the newest first."""
    record = select(Change).where(Change.claim_id == claim_id, Change.kind.in_(('opened', 'updated')))
    return (change for change in session.scalars(record.order_by(Change.id.desc())) if name in change.fields)


# ---- orders -----------------------------------------------------------------------------------------------------------------


def take_status_back(session: Session, claim_id: int, seen: str, now: datetime) -> Claim:
    """Undo one's own last change of the status, within the minutes that the bureau allows: the claim stands where it stood, for as long."""
    actor: Actor = session.info['actor']
    actor.need(Can.EDIT_CLAIM)
    claim = lock_claim(session, claim_id)
    if claim.status != seen:
        raise ClaimConflict('status', claim.status)
    if may_take_status_back(session, claim_id, now) is None:
        raise ClaimError(_GONE)
    slip, *earlier = islice(_moves_of(session, claim_id), 2)
    waited = list(islice(_moves_of(session, claim_id, 'waiting_on'), 2))
    claim.status = slip.fields['status'][0]
    claim.status_reason = slip.fields.get('status_reason', ['', ''])[0] or ''
    claim.status_since = _since(earlier, claim)
    if waited and waited[0].id == slip.id:  # nobody has said since on whom it waits
        claim.waiting_on = slip.fields['waiting_on'][0]
        claim.waiting_since = _since(waited[1:], claim)
    return claim


def _since(earlier: Iterable[Change], claim: Claim) -> datetime:
    return next((change.at for change in earlier), claim.created_at) + _A_NEW_STAY
