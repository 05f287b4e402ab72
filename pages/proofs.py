"""What is printed to prove something: the count of a regulatory clock, the record of a claim with its seals, and the heads of all seals."""

from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse, Response

from components.claim_printed import claim_printed
from components.clock_words import count_text, day_line, event_text, standing
from components.frame import not_found
from components.live import ask_as
from components.record_proof import read_record, record_told
from db import values
from db.access_seals import access_heads
from db.base import now
from db.clocks import GONE, Clock, one_clock
from db.record_seals import chains, heads
from db.reference import Insurer
from db.scope import Actor
from db.texts import ClaimError

_PRODUCT = Actor.system('record')


def add_routes(portal: FastAPI) -> None:
    """Register the page on the parent app."""

    @portal.get('/claims/{claim_no:path}/clocks/{rule_id}')
    async def proof(claim_no: str, rule_id: str, request: Request) -> Response:
        actor: Actor = request.state.session.actor
        return await claim_printed(actor, claim_no, 'clock_proof.html', ask_as(actor, _read, claim_no, rule_id))

    @portal.get('/claims/{claim_no:path}/record')
    async def record(claim_no: str, request: Request) -> Response:
        actor: Actor = request.state.session.actor
        return await claim_printed(actor, claim_no, 'record_proof.html', _verified(actor, claim_no))

    @portal.get('/admin/record-heads.txt')
    async def all_heads(request: Request) -> Response:
        actor: Actor = request.state.session.actor
        try:
            days, of_accesses = await ask_as(actor, heads), await ask_as(actor, access_heads)
        except ClaimError:
            return not_found(actor.language)
        return PlainTextResponse(
            ''.join(f'{line}\n' for line in [head.line for head in days] + [seal.line for seal in of_accesses])
        )


async def _verified(actor: Actor, claim_no: str) -> dict[str, Any]:
    """What the asker may see of the record, and what the product itself finds when it compares all of it with its seals."""
    seen = await ask_as(actor, read_record, claim_no[:40])
    moment = now()
    found = await ask_as(_PRODUCT, chains, [seen.claim.id], moment)
    return {
        **record_told(seen, found[seen.claim.id]),
        'event_date': values.format_day(seen.claim.event_date),
        'plate': values.format_plate(seen.claim.plate),
        'made': values.format_exact(moment),
    }


def _read(session: Any, claim_no: str, rule_id: str) -> dict[str, Any]:
    """What the proof is told: the claim as both sides know it, the rule, and the count day by day."""
    moment, reader = now(), session.info['actor'].language
    claim, clock = one_clock(session, claim_no[:40], rule_id[:60], values.israel(moment).date())
    if clock.deadline is None:
        raise ClaimError(GONE)  # what has not started proves nothing
    insurer = session.get(Insurer, claim.tp_insurer or 0)
    return {
        'claim': claim,
        'insurer': insurer.name if insurer else '',
        'event_date': values.format_day(claim.event_date),
        'plates': [values.format_plate(plate) for plate in (claim.plate, claim.tp_plate) if plate],
        'made': values.format_exact(moment),
        **_told(clock, reader),
    }


def _told(clock: Clock, reader: str) -> dict[str, Any]:
    deadline = clock.deadline
    assert deadline is not None
    return {
        'clock': clock,
        'label': clock.rule.label_in(reader),
        'rule': clock.rule.rule_in(reader),
        'count': count_text(clock, reader),
        'start': values.format_day(deadline.start),
        'started': event_text(clock, clock.rule.starts_with, reader),
        'end': values.format_day(deadline.day),
        'next_day': values.format_day(deadline.working_day) if deadline.note and deadline.working_day else '',
        'skipped': [day_line(one.day, one.reason, reader) for one in deadline.skipped],
        'happened': event_text(clock, clock.rule.ends_with, reader) if clock.rule.ends_with else '',
        'happened_on': values.format_day(clock.end) if clock.end else '',
        'standing': standing(clock, reader)[1],
    }
