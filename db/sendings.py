"""How a submission pack went out: to whom, when, and by which way. Only ever added to: another sending is another line."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, Select, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, validates

from db import values
from db.base import Base, BigKey
from db.claims import lock_claim
from db.packs import pack_with
from db.scope import Can, ClaimPart, Event, Evidence, Internal, PersonSigned, Recorded, claim_key
from db.texts import N_, ClaimError

WAYS: Mapping[str, str] = MappingProxyType(
    {
        'email': N_('E-mail'),
        'portal': N_("The insurer's portal"),
        'hand': N_('Delivery by hand'),
        'fax': N_('Fax'),
    }
)


class PackSending(ClaimPart, Internal, PersonSigned, Recorded, Evidence, Base):
    """A pack went to somebody on a day, as a person of the bureau says."""

    __tablename__ = 'pack_sendings'
    # the same said twice, as when an answer got lost, is one sending
    __table_args__ = (
        claim_key(),
        UniqueConstraint('pack_id', 'sent_on', 'way', 'sent_to'),
        Index('ix_pack_sendings_claim', 'claim_id'),
    )
    writable_with: ClassVar[Can] = Can.EDIT_CLAIM

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    pack_id: Mapped[int] = mapped_column(BigKey, ForeignKey('submission_packs.id'))
    sent_to: Mapped[str]
    sent_on: Mapped[date]
    way: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime]

    @validates('sent_to')
    def _sent_to(self, _: str, sent_to: str) -> str:
        return values.text(sent_to, limit=120)

    def event(self, *, new: bool, edited: Mapping[str, Any]) -> Event | None:
        """The bureau's record tells it, like the pack itself."""
        told = {'to': [None, self.sent_to], 'on': [None, self.sent_on.isoformat()], 'way': [None, self.way]}
        return Event('pack.sent', told, internal=True, quiet=True) if new else None


@dataclass(frozen=True)
class SendingNote:
    """What a person says of a sending."""

    to: str
    on: date
    way: str


# ---- questions --------------------------------------------------------------------------------------------------------------


def sendings_of(claim_id: int) -> Select[PackSending]:
    """How the packs of a claim went out, the first first; empty for everybody but the bureau."""
    return select(PackSending).where(PackSending.claim_id == claim_id).order_by(PackSending.sent_on, PackSending.id)


# ---- orders -----------------------------------------------------------------------------------------------------------------


def note_sending(session: Session, address: str, said: SendingNote, now: datetime) -> PackSending:
    """Write down that the pack with this uuid was sent. It stays as it is."""
    actor = session.info['actor']
    actor.need(Can.EDIT_CLAIM)
    pack = session.scalar(pack_with(address))
    if pack is None:
        raise ClaimError(N_('This submission pack was not found.'))
    lock_claim(session, pack.claim_id)
    _check(said, made_on=values.israel(pack.at).date(), today=values.israel(now).date())
    sending = PackSending(
        pack_id=pack.id,
        claim_id=pack.claim_id,
        office_id=pack.office_id,
        user_id=actor.user_id,
        sent_to=said.to,
        sent_on=said.on,
        way=said.way,
        by=actor.name,
        at=now,
        internal=True,
    )
    known = select(PackSending).where(PackSending.pack_id == pack.id, PackSending.sent_on == said.on)
    known = known.where(PackSending.way == said.way, PackSending.sent_to == sending.sent_to)
    if twin := session.scalar(known):
        return twin
    session.add(sending)
    session.flush()
    return sending


def _check(said: SendingNote, made_on: date, today: date) -> None:
    if not said.to.strip():
        raise ClaimError(N_('Please write to whom the pack was sent.'))
    if said.way not in WAYS:
        raise ClaimError(N_('Please choose how the pack was sent.'))
    if not made_on <= said.on <= today:
        raise ClaimError(
            N_('The pack was made on {day}: it was sent on that day or later, and not in the future.'),
            day=values.format_day(made_on),
        )
