"""What statuses, garages and people are called is read once for all pages, and never out of date."""

from fastapi import FastAPI

from components import shared_words
from db.base import now
from db.reference import ClaimStatus, Garage, firm_named
from db.session import open_session
from tests.conftest import People
from tests.factories import SYSTEM, make_claim
from tests.pages.conftest import until
from tests.pages.test_claims import desk


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
    await until(lambda: dana.rows[0]['status']['label'] == 'נפתחה')
    assert rival.numbers == []
    with open_session(people.staff) as session:
        key = firm_named(session, Garage, f'מוסך {now().year}')
        assert key not in shared_words.reference(session).garages
    with open_session(SYSTEM, reading=True) as session:
        assert key in shared_words.reference(session).garages, 'added by a form of the bureau'
