"""What stands behind the tabs of a claim's page: counted for all of them with every reading, whether or not they were ever opened."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from components.claim_head import ClaimHead
from db.calls import calls_of, is_new_to, standing
from db.cheques import cheques_of
from db.claims import Claim
from db.documents import has_documents_since
from db.messages import ThreadKey, unread_messages
from db.radar import radar_now
from db.scope import Actor
from db.session import fetch


@dataclass(frozen=True)
class Behind:
    """How many required documents are there, calls, unread messages, and cheques that wait for their day; and what is new of them.

    `red`: a cheque of the client's falls before the insurer's money.
    """

    documents: str
    new_documents: bool
    calls: int
    new_calls: bool
    messages: int
    cheques: int
    red: bool

    def show(self, head: ClaimHead) -> None:
        """Write the numbers on the tabs."""
        head.count('documents', self.documents, fresh=self.new_documents)
        head.count('calls', self.calls, fresh=self.new_calls)
        head.count('messages', self.messages, fresh=bool(self.messages))
        head.count('money', self.cheques, fresh=self.red)
        head.warn_of_radar(red=self.red)


def behind(session: Any, claim: Claim, last_visit: datetime | None, today: date) -> Behind:
    """Count what the asker may see of it; nothing is new to somebody who was never here."""
    actor: Actor = session.info['actor']
    required = claim.required_documents
    calls = standing(session.scalars(calls_of(claim.id)))
    cheques = fetch(session, cheques_of(claim.id))
    radar = radar_now(session, claim, cheques, today)
    return Behind(
        documents=f'{required - claim.missing_documents}/{required}' if required else '',
        new_documents=last_visit is not None and has_documents_since(session, claim.id, last_visit),
        calls=len(calls),
        new_calls=any(is_new_to(actor, call, last_visit) for call in calls),
        messages=unread_messages(session, ThreadKey(claim.office_id, claim.id)),
        cheques=sum(cheque.live for cheque in cheques),
        red=bool(radar and radar.red),
    )
