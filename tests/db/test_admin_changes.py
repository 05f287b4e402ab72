"""What is done to people, offices and reference data stands in the record: who, when, before and after; for admins only."""

import pytest
from sqlalchemy import select

from db import admin_changes
from db.admin_changes import AdminChange, admin_history
from db.base import Base, now
from db.identity import OneTimeLink
from db.offices import AgentOffice, prefer
from db.reference import ClaimStatus, Garage, Insurer
from db.scope import Books, Unscoped, open_books
from db.session import fetch, open_session
from db.texts import ClaimError
from tests.conftest import People
from tests.factories import make_claim


def lines(people: People, *tables: str) -> list[AdminChange]:
    with open_session(people.admin, reading=True) as session:
        return fetch(session, admin_history(tables))


def recorded(people: People, *tables: str) -> list[tuple[str, str, dict[str, list[object]]]]:
    return [(line.kind, line.label, line.fields) for line in lines(people, *tables)]


def test_renaming_a_status_leaves_who_when_before_and_after(people: People, notices):
    with open_session(people.admin) as session:
        session.get_one(ClaimStatus, 'submitted').label = 'נשלחה'
    with open_session(people.admin, reading=True) as session:
        line = fetch(session, admin_history(['claim_statuses']))[0]
    assert (line.by, line.user_id, line.row_key, line.label) == ('נעמי בר', people.admin.user_id, 'submitted', 'נשלחה')
    assert line.fields == {'label': ['הוגשה לחברת הביטוח', 'נשלחה']}
    assert [notice.kind for notice in notices] == ['words']


def test_what_comes_and_goes_is_recorded_whole(people: People):
    with open_session(people.admin) as session:
        session.add(Insurer(code='test', name='בדיקה', aliases=['בדיקות']))
    with open_session(people.admin) as session:
        session.delete(session.scalars(select(Insurer).where(Insurer.code == 'test')).one())
    gone, came = recorded(people, 'insurers')
    assert (came[0], gone[0], came[1]) == ('added', 'removed', 'בדיקה')
    assert came[2]['aliases'] == [None, ['בדיקות']]
    assert gone[2]['aliases'] == [['בדיקות'], None]


def test_a_garage_that_staff_add_on_the_way_is_recorded_too(people: People):
    make_claim(people.levi, people.staff)
    with open_session(people.staff) as session:
        session.add(Garage(name='מוסך חדש'))
    with open_session(people.admin, reading=True) as session:
        assert fetch(session, admin_history(['garages']))[0].by == 'שירה לביא'


def test_nothing_is_recorded_of_what_was_taken_back_or_stayed_the_same(people: People, notices):
    before = len(recorded(people))
    with pytest.raises(ClaimError), open_session(people.admin) as session:
        session.get_one(ClaimStatus, 'submitted').label = 'אחרת'
        session.flush()
        raise ClaimError('x')
    with open_session(people.admin) as session:
        session.get_one(ClaimStatus, 'submitted').label = 'הוגשה לחברת הביטוח'
    assert len(recorded(people)) == before
    assert notices == []


def test_what_a_person_chooses_for_himself_is_nobodys_business(people: People):
    before = recorded(people)
    with open_session(people.dana) as session:
        prefer(session, people.dana.user_id or 0, theme='dark', language='en')
    assert recorded(people) == before


def test_a_closed_office_rings_at_its_peoples_doors(people: People, notices):
    with open_session(people.admin) as session:
        session.get_one(AgentOffice, people.levi).active = False
    assert {(notice.kind, notice.office_id) for notice in notices} == {('words', None), ('access', people.levi)}


def test_only_admins_read_it_and_nobody_writes_it(people: People):
    assert recorded(people)
    for actor in (people.staff, people.manager, people.dana, people.rival):
        with open_session(actor, reading=True) as session:
            assert fetch(session, admin_history()) == []
    forged = {'at': now(), 'by': 'x', 'kind': 'x', 'table_name': 'x', 'row_key': 'x', 'label': '', 'fields': {}}
    for write in (
        lambda session: session.add(AdminChange(**forged)),
        lambda session: session.delete(fetch(session, admin_history())[0]),
        lambda session: setattr(fetch(session, admin_history())[0], 'by', 'אחר'),
    ):
        with pytest.raises(Unscoped), open_session(people.admin) as session:
            write(session)


def test_no_secret_can_stand_in_it():
    recorded_ones = [mapper for mapper in Base.registry.mappers if admin_changes.is_recorded(mapper.class_)]
    assert not [mapper for mapper in recorded_ones if issubclass(mapper.class_, Books)]
    names = {column.name for mapper in recorded_ones for column in mapper.columns}
    assert not [name for name in names if any(word in name for word in ('hash', 'token', 'secret', 'password'))]


def test_the_products_books_open_for_one_verb_and_close_again(people: People):
    # an admin's order about an account writes in them; his next question finds them closed
    with open_session(people.admin) as session:
        with open_books(session):
            link = OneTimeLink(token_hash='l', purpose='password', user_id=people.dana.user_id)
            link.created_at = link.expires_at = now()
            session.add(link)
            session.flush()
            assert session.scalars(select(OneTimeLink)).all() == [link]
        assert session.scalars(select(OneTimeLink)).all() == []
    with pytest.raises(ClaimError), open_session(people.admin) as session:
        session.add(OneTimeLink(token_hash='m', purpose='x', created_at=link.created_at, expires_at=link.expires_at))
    assert {line.table_name for line in lines(people)} == {'agent_offices', 'users'}
