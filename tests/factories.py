"""Believable offices, people and claims for tests: plain functions with defaults one can override."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pyotp import TOTP
from sqlalchemy import inspect

from db import two_factor
from db.alert_news import alert_followers, raise_alert
from db.alerts import Cursor
from db.base import now
from db.changes import latest_seq
from db.claims import Claim, open_claim
from db.offices import AgentOffice, User
from db.scope import Actor, Role
from db.session import open_session

SYSTEM = Actor.system('test')
# of everybody who signs in through the form
PASSWORD = 'correct horse battery'


def make_office(name: str, **over: Any) -> int:
    """An office; returns its id."""
    with open_session(SYSTEM) as session:
        office = AgentOffice(name=name, created_at=now(), **over)
        session.add(office)
        session.flush()
        return office.id


def make_user(name: str, role: Role, office_id: int | None = None, **over: Any) -> Actor:
    """A person, as the actor he is."""
    with open_session(SYSTEM) as session:
        user = User(name=name, role=role, office_id=office_id, created_at=now(), **over)
        session.add(user)
        session.flush()
        return user.as_actor(session.get(AgentOffice, office_id) if office_id else None)


@dataclass(frozen=True)
class People:
    """Two offices and the bureau, as actors."""

    levi: int
    cohen: int
    manager: Actor
    dana: Actor
    yossi: Actor
    rival: Actor
    staff: Actor
    staff2: Actor
    admin: Actor


def make_people() -> People:
    """Two competing offices and the bureau."""
    levi, cohen = make_office('סוכנות לוי'), make_office('סוכנות כהן')
    return People(
        levi=levi,
        cohen=cohen,
        manager=make_user('רות לוי', Role.OFFICE_MANAGER, levi, email='manager@levi.demo'),
        dana=make_user('דנה ארז', Role.AGENT, levi, email='dana@levi.demo'),
        yossi=make_user('יוסי מזרחי', Role.AGENT, levi, email='yossi@levi.demo'),
        rival=make_user('אבי כהן', Role.AGENT, cohen, email='agent@cohen.demo'),
        staff=make_user('שירה לביא', Role.HANDLER, email='staff@bureau.demo'),
        staff2=make_user('עומר גל', Role.HANDLER, email='staff2@bureau.demo'),
        admin=make_user('נעמי בר', Role.ADMIN, email='admin@bureau.demo'),
    )


def make_claim(office_id: int, staff: Actor, fields: Mapping[str, Any] | None = None, **over: Any) -> Claim:
    """A claim of an office, opened by somebody of the bureau."""
    given = {
        'insured_name': "רונית ברקוביץ'",
        'event_date': date(2026, 10, 28),
        'plate': '21734801',
        'insured_phone': '0525550134',
    }
    with open_session(staff) as session:
        return open_claim(session, office_id, {**given, **(fields or {}), **over}, now())


def turn_on_two_factor(actor: Actor, moment: datetime) -> tuple[TOTP, list[str]]:
    """The app in somebody's phone, whose code of this moment has just turned it on, and his recovery codes."""
    with open_session(actor) as session:
        two_factor.begin_two_factor(session, moment)
    with open_session(actor, reading=True) as session:
        app = TOTP(two_factor.own_standing(session, moment).secret)
    with open_session(actor) as session:
        codes = two_factor.confirm_two_factor(session, app.at(moment), moment)
    assert codes is not None
    return app, codes


def alert_everybody() -> None:
    """Alert until every change so far is alerted. PostgreSQL holds changes back while any older transaction runs."""
    for _ in range(6000):
        with open_session(SYSTEM) as session:
            if not alert_followers(session) and session.get_one(Cursor, 'alerts').change_id == latest_seq(session):
                return
        time.sleep(0.01)
    raise TimeoutError('changes are held back')


def alert_of_date(claim: Claim, moment: datetime, *people: Actor, kind: str = 'cheque.due14', key: str = '') -> None:
    """Alert these people of something on 7 December 2026 that no change tells: a cheque, a deadline, a task."""
    day, label = '2026-12-07', {'he': 'x', 'en': 'x'}
    told = {'amount': 5, 'due': day, 'days': 14, 'late': 0, 'closed': '', 'day': day, 'label': label}
    with open_session(SYSTEM) as session:
        to = [person.user_id or 0 for person in people]
        kept = session.get_one(Claim, claim.id)
        raise_alert(session, kept, kind, key or f'{kind} {moment.isoformat()}', told, moment, to=to)


def values_of(row: Any, **over: Any) -> dict[str, Any]:
    """What stands in a row, column by column."""
    return {item.key: getattr(row, item.key) for item in inspect(type(row)).column_attrs} | over
