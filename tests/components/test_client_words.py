"""What the client is told of his claim: only what is so, in plain Hebrew, nothing of the bureau's."""

from datetime import date
from typing import Any

import pytest

from components.client_words import MAIL, SMS, WHATSAPP, ClientFacts, answers_to_client
from db.claims import Claim
from db.reference import reference
from db.session import open_session
from tests.conftest import People
from tests.factories import SYSTEM, make_claim

TODAY = date(2026, 11, 23)


def told(people: People, *needed: str, **fields: Any) -> dict[str, str]:
    claim = make_claim(people.levi, people.staff, insured_name='רונית שגב', plate='12345678', **fields)
    with open_session(SYSTEM, reading=True) as session:
        kept = session.get_one(Claim, claim.id)
        return answers_to_client(ClientFacts(kept, reference(session), needed, 'דנה לוי, סוכנות לוי', TODAY))


def test_a_client_reads_how_it_stands_in_three_lengths(people: People) -> None:
    answers = told(people, 'רישיון רכב', status='awaiting_documents', repair_stage='paint', eta=date(2026, 11, 30))
    assert answers[WHATSAPP] == (
        'שלום רונית,\n'
        'בעניין הרכב 123-45-678: להגשת הדרישה חסרים עוד מסמכים.\n'
        'שלב התיקון: צבע. מועד משוער למסירת הרכב: יום ב׳, 30/11/2026.\n'
        'כדי להתקדם דרושים: רישיון רכב.\n'
        'דנה לוי, סוכנות לוי'
    )
    assert len(answers[SMS]) < len(answers[WHATSAPP]) < len(answers[MAIL])
    assert 'צבע' in answers[SMS]
    assert '23/11' not in answers[MAIL]


def test_nothing_of_the_bureaus_own_words_leaves(people: People) -> None:
    answers = told(
        people,
        status='rejected',
        status_reason='המנהל במבטח מתחמק',
        daily_note='לא לספר ללקוח',
        next_action='להתקשר לעו"ד',
        circumstances='אשם חלקי',
    )
    for secret in ('מתחמק', 'לספר', 'עו"ד', 'אשם', 'ראו'):
        assert not any(secret in answer for answer in answers.values()), secret


def test_what_is_over_is_not_told_as_if_it_were_to_come(people: People) -> None:
    late = told(people, status='in_repair', repair_stage='paint', eta=date(2026, 11, 22))
    assert 'מועד משוער' not in late[MAIL]
    done = told(people, 'רישיון רכב', status='closed', status_reason='paid_in_full', repair_stage='delivered')
    assert 'כדי להתקדם' not in done[MAIL]
    assert 'שלב התיקון' not in done[MAIL]


@pytest.mark.parametrize('status', ['invented', 'submitted'])
def test_a_status_that_an_admin_added_is_told_in_general_words(people: People, status: str) -> None:
    claim = make_claim(people.levi, people.staff)
    with open_session(SYSTEM, reading=True) as session:
        kept = session.get_one(Claim, claim.id)
        session.expunge(kept)
        kept.__dict__['status'] = status
        answers = answers_to_client(ClientFacts(kept, reference(session), [], 'דנה', TODAY))
    assert ('התביעה בטיפול' in answers[SMS]) is (status == 'invented')
