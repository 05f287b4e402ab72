"""Questions made once: each person is answered as the session would answer him, in whatever order people ask, and nobody says for himself whose rows he sees."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Integer, Select, bindparam, event, func, literal, select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session, aliased

from db.base import now
from db.changes import Change
from db.claims import Claim, save_fields
from db.identity import WebSession
from db.list_state import ListState
from db.messages import note_internally
from db.offices import User
from db.prepared import answers, one_answer
from db.scope import Actor, Role, Unscoped, open_books
from db.seen_marks import SeenMark, mark_seen
from db.session import ScopedSession, open_session
from db.views import SavedView, save_view
from tests.conftest import People
from tests.factories import SYSTEM, make_claim, make_office, make_user

_ME = bindparam('me', type_=Integer)
_Another = aliased(Claim)
QUESTIONS: dict[str, Any] = {
    'claims': select(Claim.id, Claim.claim_no, Claim.updated_at, Claim.is_open, Claim.event_date).order_by(Claim.id),
    'an alias': select(_Another.id).order_by(_Another.id),
    'inside': select(func.count()).select_from(User).where(User.id.in_(select(Claim.agent))),
    'internal changes': select(Change.id, Change.internal, Change.fields).order_by(Change.id),
    'his own': select(SavedView.name, select(func.count(SeenMark.claim_id)).scalar_subquery()),
    'colleagues': select(User.id, User.list_columns).order_by(User.id),
    'books': select(WebSession.token_hash),
}


def everybody(people: People) -> list[Actor]:
    """Claims of two offices and of one in which agents see their own only, with something internal and something of one's own."""
    office = make_office('סוכנות מור', agents_see_own_only=True)
    own, other = (make_user(name, Role.AGENT, office) for name in ('מור', 'טל'))
    claims = [make_claim(people.levi, people.staff, agent=people.dana.user_id), make_claim(people.cohen, people.staff)]
    claims += [make_claim(office, people.staff, agent=agent.user_id) for agent in (own, other)]
    with open_session(people.staff) as session:
        save_fields(session, claims[0].id, {'daily_note': ('', 'נבדק')}, now())
        note_internally(session, claims[0].id, 'פנימי', now())
    for person, claim in ((people.dana, claims[0]), (people.rival, claims[1])):
        with open_session(person) as session:
            save_view(session, person.name, ListState(), now())
            mark_seen(session, claim.id, now())
    return [people.dana, people.rival, own, other, people.manager, people.staff, people.admin, SYSTEM, people.yossi]


def test_everybody_is_answered_as_the_session_answers_him(people: People) -> None:
    told = {}
    for who in everybody(people):
        with open_session(who, reading=True) as session:
            for name, question in QUESTIONS.items():
                found = answers(session, question)
                assert found == [tuple(row) for row in session.execute(question)], f'{who.name}: {name}'
                told[who.name, name] = found
    for name in set(QUESTIONS) - {'books'}:
        assert told[people.dana.name, name] != told[people.rival.name, name], name
    assert len(told['מור', 'claims']) == 1
    assert told['מור', 'claims'] != told['טל', 'claims']
    assert len(told[people.staff.name, 'claims']) == 4


def test_the_books_are_open_only_while_they_are(people: People) -> None:
    with open_session(SYSTEM) as session:
        moment = now()
        session.add(
            WebSession(
                token_hash='x',
                user_id=people.dana.user_id,
                created_at=moment,
                seen_at=moment,
                expires_at=moment + timedelta(1),
            )
        )
    with open_session(people.dana, reading=True) as session:
        assert answers(session, QUESTIONS['books']) == []
        with open_books(session):
            assert answers(session, QUESTIONS['books']) == [('x',)]
        assert answers(session, QUESTIONS['books']) == []


def test_nobody_says_for_himself_whose_rows_he_sees(people: People) -> None:
    everybody(people)
    with open_session(people.dana, reading=True) as session:
        own = answers(session, QUESTIONS['claims'])
        stolen = answers(
            session, QUESTIONS['claims'], scope_me=people.rival.user_id, scope_office=people.rival.office_id
        )
    assert stolen == own


def test_whoever_comes_by_a_link_asks_nothing_that_was_made_once(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    visitor = Actor(None, 'מוסך', Role.GARAGE, people.levi, claim_id=claim.id)
    with pytest.raises(Unscoped), open_session(visitor, reading=True) as session:
        answers(session, QUESTIONS['claims'])


def test_tables_are_refused_as_ever(people: People) -> None:
    bare: Select[Any] = select(Claim.__table__.c.id)
    beside: Select[Any] = select(User.id, Claim.__table__.c.id)
    no_model: Select[Any] = select(literal(1))
    for question in (bare, beside, no_model):
        for who in (people.dana, SYSTEM):
            with pytest.raises(Unscoped), open_session(who, reading=True) as session:
                answers(session, question)


def test_parameters_of_all_kinds(people: People) -> None:
    claims = [make_claim(people.levi, people.staff) for _ in range(5)]
    some = select(Claim.id).where(Claim.id.in_(bindparam('ids', expanding=True))).order_by(Claim.id)
    later = select(Claim.id).where(Claim.updated_at > bindparam('moment', type_=Claim.updated_at.type))
    person = select(User.name).where(User.id == _ME)
    with open_session(people.dana, reading=True) as session:
        for many in range(6):
            ids = [claim.id for claim in claims[:many]]
            assert answers(session, some, ids=ids) == [(claim_id,) for claim_id in ids]
        assert len(answers(session, later, moment=now() - timedelta(1))) == 5
        assert answers(session, later, moment=now() + timedelta(1)) == []
        assert one_answer(session, person, me=people.yossi.user_id) == (people.yossi.name,)
        assert one_answer(session, person, me=people.rival.user_id) is None
        with pytest.raises(InvalidRequestError, match="value is required for bind parameter 'me'"):
            answers(session, person)


def test_they_are_asked_in_the_middle_of_writing_too(people: People) -> None:
    heard: list[Any] = []

    def ask(session: Session, *_: Any) -> None:
        heard.extend(answers(session, QUESTIONS['claims']))

    make_claim(people.levi, people.staff)
    event.listen(ScopedSession, 'before_flush', ask)
    try:
        with open_session(people.dana) as session:
            session.get_one(User, people.dana.user_id).theme = 'dark'
    finally:
        event.remove(ScopedSession, 'before_flush', ask)
    assert len(heard) == 1


def test_what_one_has_just_changed_is_seen(people: People) -> None:
    with open_session(people.dana) as session:
        session.get_one(User, people.dana.user_id).theme = 'dark'
        assert answers(session, select(User.theme).where(User.id == people.dana.user_id)) == [('dark',)]
