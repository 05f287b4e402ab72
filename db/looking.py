"""Looking at the portal as an agent: somebody of the bureau sees for half an hour what that agent sees, and changes nothing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import values
from db.access_log import LOOK, access_of
from db.identity import WebSession, may_look, shown_as, stop_looking
from db.offices import AgentOffice, User, actor_of
from db.scope import OFFICE_ROLES, Actor, Can, open_books
from db.texts import N_, ClaimError

LASTS = timedelta(minutes=30)
REASON_AT_MOST = 200


# ---- questions --------------------------------------------------------------------------------------------------------------


def people_to_look_as(session: Session) -> list[tuple[str, Sequence[User]]]:
    """The people of the offices who may sign in, under the names of their offices."""
    session.info['actor'].need(Can.LOOK_AS)
    found: dict[str, list[User]] = {}
    question = (
        select(AgentOffice.name, User)
        .join(User, User.office_id == AgentOffice.id)
        .where(User.active, AgentOffice.active, User.role.in_(OFFICE_ROLES))
        .order_by(AgentOffice.name, AgentOffice.id, User.name, User.id)
    )
    for office, user in session.execute(question):
        found.setdefault(office, []).append(user)
    return list(found.items())


def anybody_looks(session: Session) -> bool:
    """Whether somebody looks as an agent now, or did without anybody having ended it."""
    with open_books(session):
        return session.scalar(select(WebSession.user_id).where(WebSession.looks_as.is_not(None)).limit(1)) is not None


# ---- orders -----------------------------------------------------------------------------------------------------------------


def begin_look(session: Session, token_hash: str, user_id: int, reason: str, now: datetime) -> None:
    """In this browser of his the acting person looks as an agent from now on; the log of access keeps why."""
    actor: Actor = session.info['actor']
    actor.need(Can.LOOK_AS)
    reason = values.text(reason, limit=REASON_AT_MOST)
    if not reason:
        raise ClaimError(N_('Please write why you look as this agent.'))
    shown = may_look(session, actor, user_id)
    if shown is None:
        raise ClaimError(N_('This person was not found.'))
    with open_books(session):
        kept = _of_actor(session, token_hash)
        if kept is None:
            raise ClaimError(N_('Your sign-in has expired. Please sign in again.'))
        stop_looking(session, kept, now)
        kept.looks_as, kept.looks_until = user_id, now + LASTS
        session.add(access_of(replace(shown, looker=actor), LOOK, now, told=reason))


def end_look(session: Session, token_hash: str, now: datetime) -> None:
    """In this browser the acting person looks as nobody but himself."""
    with open_books(session):
        kept = _of_actor(session, token_hash)
        if kept is not None:
            stop_looking(session, kept, now)


def _of_actor(session: Session, token_hash: str) -> WebSession | None:
    mine = select(WebSession).where(
        WebSession.token_hash == token_hash, WebSession.user_id == session.info['actor'].user_id
    )
    return session.scalar(mine.with_for_update())


def end_looks_run_out(session: Session, now: datetime) -> int:
    """End what ran out by itself, or is over since one of the two may no longer; returns how many."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    looking = select(WebSession).where(WebSession.looks_as.is_not(None)).with_for_update(skip_locked=True)
    over = [kept for kept in session.scalars(looking).all() if not _goes_on(session, kept, now)]
    for kept in over:
        stop_looking(session, kept, now)
    return len(over)


def _goes_on(session: Session, kept: WebSession, now: datetime) -> bool:
    who = actor_of(session, kept.user_id)
    return who is not None and shown_as(session, who, (kept.looks_as, kept.looks_until), now) is not None
