"""The silence meter: days since a party was last heard, whatever was written to it, and what is usual for it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from db import links
from db.admin_changes import admin_history
from db.calls import CallNote, correct_call, log_call
from db.claims import Claim, change_status, save_fields
from db.documents import Arrived, Slot, attach
from db.links import create_link, visit_by
from db.messages import Letter, ThreadKey, write_message
from db.money import OfferNote, log_offer
from db.reference import Garage
from db.repairs import advance_repair
from db.scope import Actor
from db.session import fetch, open_session
from db.silence import Silence, measure_usuals, settle_silences, silences_of, silent_parties, told_silence
from tests.conftest import People
from tests.factories import SYSTEM, make_claim

OPENED = datetime(2026, 11, 8, 8, 0, tzinfo=UTC)  # a Sunday
DAY = timedelta(days=1)


@pytest.fixture
def claim(people: People) -> Claim:
    made = make_claim(people.levi, people.staff, handler=people.staff.user_id, tp_insurer=1)
    with open_session(people.staff) as session:
        garage = Garage(name='מוסך גלבוע')
        session.add(garage)
        session.flush()
        save_fields(session, made.id, {'garage': (None, garage.id)}, OPENED)
        change_status(session, made.id, 'in_repair', '', 'new', OPENED)
    return made


def settle(claim: Claim) -> dict[str, Silence]:
    with open_session(SYSTEM) as session:
        settle_silences(session, [claim.id])
    with open_session(SYSTEM) as session:
        assert settle_silences(session, [claim.id]) == 0
    with open_session(SYSTEM, reading=True) as session:
        return {row.party: row for row in fetch(session, silences_of(claim.id))}


def call(claim: Claim, who: Actor, at: datetime, party: str, outcome: str, **more: object) -> int:
    said = {'direction': 'outbound', 'summary': 'דיברנו' if outcome == 'spoke' else '', **more}
    with open_session(who) as session:
        logged = log_call(session, claim.id, CallNote(party, outcome=outcome, at=at, **said), at)  # type: ignore[arg-type]
        session.flush()
        return logged.id


def days(claim: Claim, party: str, today: date) -> int:
    return settle(claim)[party].days(today)


def test_a_garage_that_is_not_heard_is_silent_and_our_tries_are_seen(claim, people):
    call(claim, people.staff, OPENED + DAY, 'garage', 'spoke')
    call(claim, people.staff, OPENED + 4 * DAY, 'garage', 'no_answer')
    call(claim, people.staff, OPENED + 7 * DAY, 'garage', 'voicemail')
    garage = settle(claim)['garage']
    assert garage.over_on == date(2026, 11, 15)  # heard on Monday 9.11; three business days, and one more
    assert told_silence(garage, date(2026, 11, 15), 'he') == 'המוסך שותק 6 ימים – התקשרנו פעמיים (12/11, 15/11)'
    assert told_silence(garage, date(2026, 11, 12), 'he').startswith('המוסך: שמענו לאחרונה לפני 3 ימים')
    with open_session(people.dana, reading=True) as session:  # the office sees that somebody tried
        assert [row.party for row in fetch(session, silent_parties(date(2026, 11, 15)))] == ['garage']
    with open_session(people.rival, reading=True) as session:
        assert fetch(session, silent_parties(date(2026, 11, 15))) == []


def test_only_what_comes_from_them_is_heard(claim, people):
    today = (OPENED + 10 * DAY).date()
    call(claim, people.staff, OPENED + DAY, 'garage', 'spoke')
    call(claim, people.staff, OPENED + 5 * DAY, 'garage', 'no_answer')
    call(claim, people.staff, OPENED + 6 * DAY, 'garage', 'no_answer', direction='inbound')
    call(claim, people.staff, OPENED + 7 * DAY, 'garage', 'spoke', internal=True)
    with open_session(people.staff) as session:
        write_message(session, ThreadKey(claim.office_id, claim.id), Letter('שלום'), OPENED + 9 * DAY)
        advance_repair(session, claim.id, 'bodywork', None, OPENED + 9 * DAY)
    silences = settle(claim)
    assert (silences['garage'].days(today), silences['garage'].tries) == (9, 1)
    assert silences['agent'].heard == ''
    call(claim, people.staff, OPENED + 8 * DAY, 'garage', 'spoke', direction='inbound')
    silences = settle(claim)
    assert (silences['garage'].days(today), silences['garage'].tries) == (2, 0)


def test_who_was_never_heard_is_not_said_to_be_heard(claim, people):
    settled, opened = settle(claim), OPENED.date()
    assert told_silence(settled['insurer'], opened, 'he') == 'חברת הביטוח: עוד לא שמענו'  # and nobody waits for it
    assert told_silence(settled['insurer'], opened + 9 * DAY, 'he') == 'חברת הביטוח: עוד לא שמענו'
    assert told_silence(settled['garage'], opened, 'he') == 'המוסך: ממתינים מהיום'
    assert told_silence(settled['garage'], opened + DAY, 'he') == 'המוסך: ממתינים יום אחד'
    call(claim, people.staff, OPENED, 'garage', 'spoke')
    assert told_silence(settle(claim)['garage'], opened, 'he') == 'המוסך: שמענו היום'


def test_a_call_that_was_a_slip_is_not_heard(claim, people):
    slip = call(claim, people.staff, OPENED + DAY, 'garage', 'spoke')
    assert settle(claim)['garage'].heard == 'call'
    with open_session(people.staff) as session:
        note = CallNote('insured', 'outbound', 'spoke', summary='הלקוח', at=OPENED + DAY)
        correct_call(session, slip, note, OPENED + 2 * DAY)
    silences = settle(claim)
    assert (silences['garage'].heard, silences['insured'].heard) == ('', 'call')


def test_every_way_of_being_heard_counts(claim, people):
    at = OPENED + 3 * DAY
    with open_session(people.staff) as session:
        invoice = Arrived('חשבונית.pdf', 'a.pdf', 'application/pdf', 1, 'ab' * 32, 1, 'ab' * 32, pages=1)
        attach(session, claim.id, invoice, Slot('repair_invoice'), at)
        log_offer(session, claim.id, OfferNote('full', 100, at.date()), at)
        save_fields(session, claim.id, {'appraised_at': (None, at.date())}, at)
    with open_session(people.dana) as session:
        write_message(session, ThreadKey(claim.office_id, claim.id), Letter('מה שלומו?'), at)
    heard = {party: row.heard for party, row in settle(claim).items()}
    assert heard == {'garage': 'document', 'insurer': 'offer', 'agent': 'message', 'insured': ''}
    with open_session(people.staff) as session:
        token = create_link(session, claim.id, links.GARAGE, at + DAY)
    with open_session(SYSTEM) as session:
        visit = visit_by(session, links.hash_of(token), at + DAY)
        assert visit is not None
    with open_session(visit.actor) as session:
        advance_repair(session, claim.id, 'paint', None, at + 2 * DAY)
    garage = settle(claim)['garage']
    assert (garage.heard, garage.since) == ('link', at + 2 * DAY)


def test_only_whom_one_waits_for_can_be_silent(claim, people):
    late = date(2027, 3, 1)
    silences = settle(claim)
    assert {party for party, row in silences.items() if row.is_over(late)} == {'garage'}
    with open_session(people.staff) as session:
        change_status(session, claim.id, 'submitted', '', 'in_repair', OPENED + DAY)
    assert {party for party, row in settle(claim).items() if row.is_over(late)} == {'insurer'}
    with open_session(people.staff) as session:
        change_status(session, claim.id, 'closed', 'closed_cancelled', 'submitted', OPENED + DAY)
    assert settle(claim) == {}


def test_a_firm_is_measured_by_itself(claim, people):
    for number in range(11):
        call(claim, people.staff, OPENED + 2 * number * DAY, 'garage', 'spoke')
    assert settle(claim)['garage'].measured is False
    with open_session(SYSTEM) as session:
        assert measure_usuals(session, OPENED + 30 * DAY) == 1
    garage = settle(claim)['garage']
    assert (garage.measured, garage.usual_days) == (True, 2)
    with open_session(SYSTEM) as session:  # what is too long ago tells nothing any more
        assert measure_usuals(session, OPENED + 400 * DAY) == 0
    assert settle(claim)['garage'].usual_days == 3
    with open_session(people.admin, reading=True) as session:
        assert fetch(session, admin_history(['party_usuals'])) == [], 'what is measured, nobody did'
