"""What statuses, garages and people are called is read once for all pages, and never out of date."""

from dataclasses import replace

from fastapi import FastAPI

from components import shared_words
from components.claims_list import ClaimsBar
from components.list_filters import Filter, filters_for
from components.theme import status_look
from db.base import now
from db.reference import ClaimStatus, Garage, firm_named
from db.scope import Actor
from db.session import open_session
from tests.conftest import People
from tests.factories import SYSTEM, make_claim
from tests.pages.conftest import shown_by
from tests.pages.test_claims import desk
from tests.waiting import soon


async def test_all_pages_share_what_things_are_called_until_it_changes(portal: FastAPI, people: People) -> None:
    make_claim(people.levi, people.staff)
    dana, rival = await desk(portal, 'dana'), await desk(portal, 'rival')
    with open_session(people.dana, reading=True) as session, open_session(people.rival, reading=True) as other:
        first = shared_words.reference(session)
        assert shared_words.reference(other) is first
        # a session that began before the change does not make everybody read what was
        with open_session(people.admin) as admin:
            admin.get_one(ClaimStatus, 'new').label = 'נפתחה'
        assert shared_words.reference(session).statuses['new'].label == 'נפתחה'
    await soon(lambda: dana.rows[0]['status']['label'] == 'נפתחה')
    assert rival.numbers == []
    with open_session(people.staff) as session:
        key = firm_named(session, Garage, f'מוסך {now().year}')
        assert key not in shared_words.reference(session).garages
    with open_session(SYSTEM, reading=True) as session:
        assert key in shared_words.reference(session).garages, 'added by a form of the bureau'


def offered(actor: Actor) -> dict[str, Filter]:
    with open_session(actor, reading=True) as session:
        return {one.name: one for one in filters_for(session)}


async def test_filters_are_worded_once_for_each_house_and_language(portal: FastAPI, people: People) -> None:
    english = replace(people.dana, language='en')
    dana, manager, rival, staff = map(offered, (people.dana, people.manager, people.rival, people.staff))
    assert dana['status'] is manager['status']
    assert (dana['status'].label, offered(english)['status'].label) == ('סטטוס', 'Status')
    assert dana['status'].drawn(('new',))['choices'][0].items() >= {**status_look('new')._asdict(), 'on': True}.items()
    assert people.dana.name in dict(dana['agent'].choices).values()
    assert people.dana.name not in dict(rival['agent'].choices).values()
    assert ('office' in dana, 'office' in staff) == (False, True)
    with open_session(people.admin) as admin:
        admin.get_one(ClaimStatus, 'new').label = 'נפתחה'
    assert dict(offered(people.dana)['status'].choices)['new'] == 'נפתחה'


async def test_a_filter_that_only_reports_lead_to_is_shown_while_it_is_on(portal: FastAPI, people: People) -> None:
    usual, led = await desk(portal, 'manager'), await desk(portal, 'manager', '/?sent_back=yes&agent=0')
    chosen, plain = (
        {chip['name']: chip['chosen'] for chip in shown_by(page.one(ClaimsBar), 'filters')} for page in (led, usual)
    )
    assert (chosen['sent_back'], chosen['agent']) == ('כן', 'ללא')
    assert chosen.keys() - plain.keys() == {'sent_back'}
    assert not any(plain.values())
