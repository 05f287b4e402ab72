"""What the client is told of his claim: facts only, in plain Hebrew, in three lengths; nothing of the bureau's own words leaves by it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from components.repair_words import is_tracked
from components.words import first_name, weekday_of
from db import values
from db.claims import Claim
from db.reference import Reference
from db.texts import N_, t

HEBREW = 'he'  # he is written to in it, whatever the writer reads
SMS, WHATSAPP, MAIL = 'sms', 'whatsapp', 'mail'
_STATUS: Mapping[str, str] = {
    'new': N_('The claim was opened and is in its first check.'),
    'awaiting_details': N_('A few details are still missing to begin with.'),
    'awaiting_appraiser': N_('We wait for the appraiser’s inspection or his report.'),
    'in_repair': N_('The car is being repaired at the garage.'),
    'awaiting_documents': N_('Documents are still missing to submit the demand.'),
    'ready_to_submit': N_('All documents are here, and the demand is being prepared.'),
    'submitted': N_('The demand was submitted to the third party’s insurer.'),
    'under_insurer_review': N_('The third party’s insurer is examining the demand.'),
    'insurer_requested_info': N_('The insurer asked for an addition, which is being handled.'),
    'offer_received': N_('An offer came from the insurer, and a decision is needed.'),
    'in_negotiation': N_('The sum is being negotiated with the insurer.'),
    'approved_for_payment': N_('The insurer approved a payment, and we wait for it to be issued.'),
    'awaiting_payment': N_('The insurer’s payment is on its way.'),
    'partially_paid': N_('A part of the sum came in, and the balance is being handled.'),
    'paid': N_('The full sum came in.'),
    'rejected': N_('The insurer rejected the demand.'),
    'moved_to_legal': N_('The claim was handed to an attorney.'),
    'in_legal': N_('Legal proceedings are under way.'),
    'closed': N_('The work on the claim is finished.'),
}
_OTHER_STATUS = N_('The claim is being worked on.')


@dataclass(frozen=True)
class ClientFacts:
    """What an answer to the client is made of: the claim, what he himself still has to bring, and who writes to him."""

    claim: Claim
    reference: Reference
    needed: Sequence[str]
    writer: str
    today: date


def answers_to_client(facts: ClientFacts) -> dict[str, str]:
    """How the claim stands, for each way of sending it: in a line, in a few, and as a letter."""
    first = first_name(facts.claim.insured_name)
    hello = t('Hello {name},', HEBREW, name=first) if first else t('Hello,', HEBREW)
    status, further = t(_STATUS.get(facts.claim.status, _OTHER_STATUS), HEBREW), [*_repair(facts), *_needed(facts)]
    car = t('About the car {plate}:', HEBREW, plate=values.format_plate(facts.claim.plate)) if facts.claim.plate else ''
    brief = ' '.join(filter(None, (hello, car, status, *further[:1], facts.writer)))
    body = [status, *further]
    message = '\n'.join([hello, ' '.join(filter(None, (car, body[0]))), *body[1:], facts.writer])
    letter = '\n\n'.join([hello, '\n'.join(_about(facts)), '\n'.join([*body, *_money(facts)]), facts.writer])
    return {SMS: brief, WHATSAPP: message, MAIL: letter}


def subject_to_client(claim: Claim) -> str:
    """What the letter is about."""
    return t('Update on claim {claim_no}', HEBREW, claim_no=claim.claim_no)


def _about(facts: ClientFacts) -> list[str]:
    claim, insurer = facts.claim, facts.reference.insurers.get(facts.claim.tp_insurer or 0)
    lines = [
        t('Claim {claim_no}, event of {day}', HEBREW, claim_no=claim.claim_no, day=values.format_day(claim.event_date))
    ]
    if claim.plate:
        lines.append(t('Vehicle no. {plate}', HEBREW, plate=values.format_plate(claim.plate)))
    if insurer is not None:
        lines.append(t('Third party’s insurer: {name}', HEBREW, name=insurer.name))
    if claim.submitted_at is not None:
        lines.append(t('Submitted on {day}', HEBREW, day=values.format_day(claim.submitted_at)))
    return lines


def _repair(facts: ClientFacts) -> list[str]:
    claim, reference = facts.claim, facts.reference
    place, total = reference.stage_place(claim.repair_stage)
    stage = reference.stages.get(claim.repair_stage or '')
    if not claim.is_open or not is_tracked(claim) or stage is None or not stage.shown:
        return []
    lines = [t('The repair: {stage}.', HEBREW, stage=stage.label)]
    if place == total:
        return lines
    hold = reference.hold_reasons.get(claim.hold_reason or '')
    if hold is not None:
        lines.append(t('The repair is on hold: {reason}.', HEBREW, reason=hold.label))
    if claim.eta is not None and claim.eta >= facts.today:
        told = {'weekday': weekday_of(claim.eta, HEBREW), 'day': values.format_day(claim.eta)}
        lines.append(t('The car is expected back on {weekday}, {day}.', HEBREW, **told))
    return [' '.join(lines)]


def _needed(facts: ClientFacts) -> list[str]:
    if not facts.claim.is_open or not facts.needed:
        return []
    return [t('What we need from you: {documents}.', HEBREW, documents=', '.join(facts.needed))]


def _money(facts: ClientFacts) -> list[str]:
    received = facts.claim.received_amount
    return [t('Received so far: {amount}.', HEBREW, amount=values.format_money(received))] if received else []
