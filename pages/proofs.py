"""`/claims/{claim_no}/clocks/{rule}`: the printable proof of a regulatory clock, one page for a letter to the insurer."""

from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, Response

from components import accesses
from components.accesses import Seen
from components.clock_words import count_text, day_line, event_text, standing
from components.frame import not_found
from components.live import ask_as
from components.plain import plain_page
from db import values
from db.access_log import CLAIM
from db.base import now
from db.clocks import GONE, Clock, one_clock
from db.reference import Insurer
from db.scope import Actor
from db.texts import ClaimError


def add_routes(portal: FastAPI) -> None:
    """Register the page on the parent app."""

    @portal.get('/claims/{claim_no:path}/clocks/{rule_id}')
    async def proof(claim_no: str, rule_id: str, request: Request) -> Response:
        actor: Actor = request.state.session.actor
        try:
            told = await ask_as(actor, _read, claim_no, rule_id)
        except ClaimError:
            accesses.note(actor, Seen(CLAIM, claim_no=claim_no, granted=False))
            return not_found(actor.language)
        accesses.note(actor, Seen(CLAIM, claim_no=claim_no))
        return HTMLResponse(plain_page('clock_proof.html', actor.language, **told))


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
