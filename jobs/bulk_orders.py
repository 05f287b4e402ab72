"""Carry out orders for many claims in the background, as the person who gave each, a few claims in one transaction."""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

from db.base import now
from db.bulk_orders import (
    BulkOrder,
    Why,
    carry_out,
    finish_order,
    forget_orders,
    leave_alone,
    running_orders,
    waiting_lines,
)
from db.offices import actor_of
from db.scope import Actor
from db.session import fetch, open_session
from db.texts import N_, Told
from jobs.background import keep_hearing

log = logging.getLogger(__name__)

KEPT_FOR = timedelta(days=30)
_ACTOR = Actor.system('bulk orders')
_leaving = threading.Event()
_NO_RIGHT = Why(N_('You are not allowed to do this. Ask the bureau if you need it.'))
_FAILED = Why(N_('Something went wrong on our side'))


def start() -> Callable[[], None]:
    """Carry out what is ordered for as long as the app runs; the way out waits for the claims under way."""
    stop_hearing = keep_hearing(carry_out_orders, 'bulk', name='bulk orders')

    def stop() -> None:
        _leaving.set()
        stop_hearing()
        _leaving.clear()

    return stop


def carry_out_orders() -> int:
    """Carry out every order that waits; may run at any time, in several processes. Returns how many claims were settled."""
    with open_session(_ACTOR, reading=True) as session:
        orders = fetch(session, running_orders())
    return sum(_carry_out(order) for order in orders)


def _carry_out(order: BulkOrder) -> int:
    settled = 0
    while not _leaving.is_set():
        with open_session(_ACTOR, reading=True) as session:
            claim_ids = fetch(session, waiting_lines(order.id))
            actor = actor_of(session, order.user_id)
        if not claim_ids:
            with open_session(_ACTOR) as session:
                finish_order(session, order.id, now())
            break
        if actor is None:
            _leave(order, claim_ids, _NO_RIGHT)
        else:
            _settle(order, actor, claim_ids)
        settled += len(claim_ids)
    return settled


def _settle(order: BulkOrder, actor: Actor, claim_ids: Sequence[int]) -> None:
    """Some claims in one transaction. When one of them refuses, nothing happened, and it is done one by one."""
    try:
        with open_session(actor) as session:
            settled = carry_out(session, order.id, claim_ids, now())
        if settled < len(claim_ids):
            # whoever gave the order may see fewer claims by now: what he could not reach is left, and the order goes on
            _leave(order, claim_ids, _NO_RIGHT)
    except Told as refusal:
        _one_by_one(order, actor, claim_ids, Why.of(refusal))
    except Exception:  # one claim that fails must not keep the others, nor the order from its end
        log.exception('order %s for many claims stumbled; its claims are tried one by one', order.id)
        _one_by_one(order, actor, claim_ids, _FAILED)


def _one_by_one(order: BulkOrder, actor: Actor, claim_ids: Sequence[int], why: Why) -> None:
    if len(claim_ids) == 1:
        _leave(order, claim_ids, why)
        return
    for claim_id in claim_ids:
        _settle(order, actor, [claim_id])


def _leave(order: BulkOrder, claim_ids: Sequence[int], why: Why) -> None:
    with open_session(_ACTOR) as session:
        leave_alone(session, order.id, claim_ids, why)


def clear_orders() -> int:
    """Forget the orders of long ago."""
    with open_session(_ACTOR) as session:
        return forget_orders(session, now() - KEPT_FOR)
