"""What a person has at hand on the list, in one question: it knows where each question by itself would find something, and of nothing of anybody else's."""

import pytest

from db import bulk_orders, exports, list_looks, views
from db.at_hand import at_hand
from db.base import now
from db.bulk_orders import Wish
from db.claims import Claim
from db.exports import Asked
from db.list_looks import Looks
from db.list_state import ListState
from db.scope import Actor
from db.session import fetch, open_session
from tests.conftest import People
from tests.factories import make_claim


@pytest.fixture
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, agent=people.dana.user_id)


def has(actor: Actor) -> set[str]:
    with open_session(actor, reading=True) as session:
        found = at_hand(session)
        assert found.looks == list_looks.looks_of(session)
        apart = {
            'views': views.views_of(session),
            'order': bulk_orders.present_order(session),
            'exports': fetch(session, exports.exports_shown(now())),
        }
    named = {name for name in apart if getattr(found, name)}
    assert named == {name for name, rows in apart.items() if rows}
    return named


def test_most_have_nothing(people: People, claim: Claim) -> None:
    assert has(people.dana) == has(people.staff) == set()


def test_everybody_finds_his_own_and_what_his_house_shares(people: People, claim: Claim) -> None:
    with open_session(people.dana) as session:
        list_looks.prefer_looks(session, ('plate', 'insured_name'), 'dense')
        views.save_view(session, 'שלי', ListState(), now())
        export = exports.start_export(session, Asked(ListState(view='all')), now())
    with open_session(people.manager) as session:
        views.save_view(session, 'של המשרד', ListState(), now(), shared=True)
    assert has(people.dana) == {'views', 'exports'}
    assert has(people.yossi) == {'views'}, "his office's"
    assert has(people.rival) == has(people.staff) == set(), 'and the bureau has views of its own'
    with open_session(people.dana, reading=True) as session:
        assert at_hand(session).looks == Looks(('insured_name', 'plate'), 'dense')
    with open_session(people.dana) as session:
        exports.cancel_export(session, export.id, now())
    assert has(people.dana) == {'views'}


def test_an_order_stays_at_hand_until_its_report_is_put_away(people: People, claim: Claim) -> None:
    with open_session(people.staff) as session:
        plan = bulk_orders.plan_for(session, Wish('checked'), [claim.claim_no], now())
        order = bulk_orders.place_order(session, 'k', plan, now())
    assert has(people.staff) == {'order'}
    assert has(people.staff2) == has(people.dana) == set()
    with open_session(people.staff) as session:
        bulk_orders.finish_order(session, order.id, now())
        bulk_orders.put_away(session, order.id)
    assert has(people.staff) == set()
