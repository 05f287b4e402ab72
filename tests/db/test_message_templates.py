"""Templates of messages: what is filled in, what is left to be filled in by hand, and who may change them."""

import pytest

from db.claims import Claim
from db.message_templates import BLANK, MessageTemplate, filled_template, templates
from db.messages import ThreadKey
from db.session import open_session
from db.texts import ClaimError
from tests.conftest import People
from tests.factories import make_claim


@pytest.fixture
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, agent=people.dana.user_id, handler=people.staff.user_id)


def test_templates_say_what_is_known_and_leave_a_line_for_the_rest(people, claim):
    with open_session(people.staff, reading=True) as session:
        known = templates(session)
        texts = {item.id: filled_template(session, item.id, ThreadKey(claim.office_id, claim.id)) for item in known}
        general = filled_template(session, 'thanks', ThreadKey(people.levi))
    assert len(known) == 7
    assert not [text for text in texts.values() if '{' in text]
    assert claim.claim_no in texts['request_documents']
    assert '217-34-801' in texts['request_documents']
    assert people.dana.name in texts['request_documents']
    assert BLANK in texts['payment_demand']
    assert BLANK in general


def test_a_template_with_a_variable_nobody_knows_is_refused():
    with pytest.raises(ClaimError, match='password'):
        MessageTemplate(id='x', audience='agent', body='שלום {password}')
    with pytest.raises(ClaimError, match='from the list'):
        MessageTemplate(id='x', audience='press', body='שלום')
    assert MessageTemplate(id='x', audience='agent', body='שלום {agent}').body == 'שלום {agent}'


def test_only_an_admin_changes_templates(people):
    for actor, may in ((people.dana, False), (people.staff, False), (people.admin, True)):
        try:
            with open_session(actor) as session:
                session.get_one(MessageTemplate, 'thanks').body = 'תודה'
            assert may
        except ClaimError:
            assert not may
