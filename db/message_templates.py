"""Texts the bureau writes again and again, filled in from a claim."""

import re

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, validates

from db import values
from db.base import Base
from db.claims import Claim
from db.messages import ThreadKey
from db.offices import AgentOffice, User
from db.reference import ClaimStatus, Insurer, Labelled
from db.scope import shared_by_all
from db.texts import N_, ClaimError

AUDIENCES = {
    'agent': N_("To the agent's office"),
    'insured': N_('To the client'),
    'tp_insurer': N_("To the third party's insurer"),
    'attorney': N_('To the attorney'),
}
VARIABLES = {
    'insured_name': N_('Full name'),
    'claim_no': N_('Claim no.'),
    'plate': N_('Vehicle no.'),
    'event_date': N_('Event date'),
    'status': N_('Claim status'),
    'insurer': N_("Third party's insurer"),
    'insurer_claim_no': N_("Insurer's claim no."),
    'demand_amount': N_('Demanded'),
    'agent': N_('Agent'),
    'handler': N_('Handler'),
    'office': N_("Agents' office"),
}
_VARIABLE = re.compile(r'\{([^{}]*)\}')
BLANK = '____'


@shared_by_all
class MessageTemplate(Labelled, Base):
    """A text the bureau writes again and again, and for whom it is; `{variables}` are filled in from the claim."""

    __tablename__ = 'message_templates'

    audience: Mapped[str]
    body: Mapped[str]

    @validates('audience')
    def _audience(self, _: str, audience: str) -> str:
        if audience not in AUDIENCES:
            raise ClaimError(N_('Please choose "{field}" from the list.'), field=N_('For whom'))
        return audience

    @validates('body')
    def _body(self, _: str, body: str) -> str:
        kept = values.long_text(body)
        if unknown := [name for name in _VARIABLE.findall(kept) if name not in VARIABLES]:
            raise ClaimError(
                N_('"{name}" cannot be filled in. What can: {names}.'), name=unknown[0], names=', '.join(VARIABLES)
            )
        return kept


# ---- questions ----------------------------------------------------------------------------------------------------------------


def templates(session: Session) -> list[MessageTemplate]:
    """The texts in use, in menu order."""
    return list(
        session.scalars(select(MessageTemplate).where(MessageTemplate.active).order_by(MessageTemplate.position))
    )


def filled_template(session: Session, template_id: str, key: ThreadKey) -> str:
    """A template with what is known of the claim; what is not is left as a line to fill in by hand."""
    template = session.get(MessageTemplate, template_id)
    if template is None or not template.active:
        raise ClaimError(N_('This template is not in use.'))
    known = _known(session, key)
    return _VARIABLE.sub(lambda found: known.get(found[1]) or BLANK, template.body)


def not_known_of(session: Session, template_id: str, key: ThreadKey) -> list[str]:
    """The variables of a template that nothing is known for: what would be left to fill in by hand."""
    template = session.get_one(MessageTemplate, template_id)
    known = _known(session, key)
    return [name for name in dict.fromkeys(_VARIABLE.findall(template.body)) if not known.get(name)]


def _known(session: Session, key: ThreadKey) -> dict[str, str]:
    office = session.get(AgentOffice, key.office_id)
    known = {'office': office.name if office else ''}
    claim = session.get(Claim, key.claim_id) if key.claim_id else None
    if claim is None:
        return known
    status, insurer = session.get(ClaimStatus, claim.status), session.get(Insurer, claim.tp_insurer or 0)
    agent, handler = (session.get(User, user_id or 0) for user_id in (claim.agent, claim.handler))
    return {
        **known,
        'insured_name': claim.insured_name,
        'claim_no': claim.claim_no,
        'plate': values.format_plate(claim.plate) if claim.plate else '',
        'event_date': values.format_day(claim.event_date),
        'status': status.label_outside('he') if status else '',
        'insurer': insurer.name if insurer else '',
        'insurer_claim_no': claim.insurer_claim_no,
        'demand_amount': values.format_money(claim.demand_amount) if claim.demand_amount is not None else '',
        'agent': agent.name if agent else '',
        'handler': handler.name if handler else '',
    }
