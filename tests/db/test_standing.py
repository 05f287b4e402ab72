"""What the frame of every page says of its person: the same as each question by itself, for everybody who may ask."""

import pytest

from db import alerts, messages
from db.base import now
from db.claims import Claim
from db.messages import Letter, ThreadKey, write_message
from db.scope import Actor, Role
from db.session import open_session
from db.standing import Standing, standing_of
from tests.conftest import People
from tests.factories import alert_everybody, make_claim, make_user


@pytest.fixture
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, agent=people.dana.user_id, handler=people.staff.user_id)


def standing(actor: Actor) -> Standing:
    with open_session(actor, reading=True) as session:
        found = standing_of(session)
        apart = alerts.unread_groups(session), messages.unread_messages(session), bool(messages.undelivered(session))
        assert found[1:] == apart
        return found


def write(actor: Actor, key: ThreadKey, body: str) -> None:
    with open_session(actor) as session:
        write_message(session, key, Letter(body), now())


def test_one_question_says_where_one_works_and_how_much_waits(people, claim):
    key = ThreadKey(claim.office_id, claim.id)
    write(people.staff, key, 'השמאי יגיע ביום חמישי')
    write(people.staff, key, 'בשעה תשע')
    write(people.dana, key, 'תודה רבה')
    alert_everybody()
    assert standing(people.dana)[0] == standing(people.manager).office == 'סוכנות לוי'
    assert standing(people.manager)[2:] == (2, True)
    assert standing(people.staff).office == ''
    assert standing(people.staff)[2:] == (1, True)
    assert standing(people.dana).alerts == 1
    # nothing of it is another office's
    assert standing(people.rival) == ('סוכנות כהן', 0, 0, False)


def test_what_has_reached_a_page_is_still_to_be_read(people, claim):
    write(people.staff, ThreadKey(claim.office_id, claim.id), 'השמאי יגיע ביום חמישי')
    with open_session(people.dana) as session:
        messages.mark_messages_delivered(session)
    assert standing(people.dana)[2:] == (1, False)


def test_what_was_said_before_somebody_came_does_not_wait_for_him(people, claim):
    write(people.staff, ThreadKey(claim.office_id, claim.id), 'השמאי יגיע ביום חמישי')
    newcomer = make_user('דנה', Role.AGENT, people.levi)
    assert standing(newcomer) == ('סוכנות לוי', 0, 0, False)
