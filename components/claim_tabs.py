"""What stands behind the tabs of a claim's page: counted for all of them with every reading, whether or not they were ever opened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from db.calls import Call, calls_of, is_new_to, standing
from db.cheques import cheques_of
from db.claims import Claim
from db.documents import are_new_to, newest_by_sender
from db.radar import radar_now
from db.requirements import standing_of
from db.scope import Actor
from db.session import fetch


@dataclass(frozen=True)
class Behind:
    """How many required documents are there, who sent the newest ones when, the calls, and the cheques that wait for their day.

    `red`: a cheque of the client's falls before the insurer's money.
    """

    documents: str
    sent: Mapping[int | None, datetime]
    calls: Sequence[Call]
    cheques: int
    red: bool

    def numbers(self, actor: Actor, last_visit: datetime | None, messages: int) -> dict[str, tuple[int | str, bool]]:
        """The numbers on the tabs, and whether something behind them is new to this person."""
        return {
            'documents': (self.documents, are_new_to(actor, self.sent, last_visit)),
            'calls': (len(self.calls), any(is_new_to(actor, call, last_visit) for call in self.calls)),
            'messages': (messages, bool(messages)),
            'money': (self.cheques, self.red),
        }


def behind(session: Any, claim: Claim, today: date) -> Behind:
    """Count what the asker may see of it."""
    required, missing = standing_of(session, claim)
    cheques = fetch(session, cheques_of(claim.id))
    radar = radar_now(session, claim, cheques, today)
    return Behind(
        documents=f'{required - missing}/{required}' if required else '',
        sent=newest_by_sender(session, claim.id),
        calls=standing(session.scalars(calls_of(claim.id))),
        cheques=sum(cheque.live for cheque in cheques),
        red=bool(radar and radar.red),
    )
