"""What the frame of every page says of the person who opened it: where he works, and how much waits for him."""

from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Integer, Select, bindparam, func, select
from sqlalchemy.orm import Session

from db.alerts import unread_groups_question
from db.messages import undelivered_question, unread_question
from db.offices import AgentOffice, User
from db.prepared import answers
from db.scope import Actor

_ME = bindparam('me', type_=Integer)


class Standing(NamedTuple):
    """Where somebody works ('' for the bureau), how many claims have news and how many messages wait; and whether messages have just reached him."""

    office: str
    alerts: int
    messages: int
    undelivered: bool


def standing_of(session: Session) -> Standing:
    """The acting person's, in one question: every page asks it, and so does whoever is rung."""
    actor: Actor = session.info['actor']
    return Standing(*answers(session, _question(actor.is_bureau), me=actor.user_id)[0])


@cache
def _question(is_bureau: bool) -> Select[Any]:
    joined = User.created_at
    undelivered = undelivered_question(is_bureau, _ME, joined).correlate(User).exists()
    return (
        select(
            func.coalesce(AgentOffice.name, ''),
            unread_groups_question().scalar_subquery(),
            unread_question(is_bureau, _ME, joined).correlate(User).scalar_subquery(),
            undelivered,
        )
        .select_from(User)
        .outerjoin(AgentOffice, AgentOffice.id == User.office_id)
        .where(User.id == _ME)
    )
