"""The call log: evidence that is only ever added to, counted per party, scoped, and news like every change."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from db import calls, changes, list_rows, list_state, lists
from db.alerts import alert_groups, visit
from db.base import now
from db.calls import Call, CallNote, Contact, correct_call, log_call
from db.claims import Claim, save_fields
from db.offices import AgentOffice
from db.reference import Garage, reference
from db.scope import Actor, Can, Role, Unscoped
from db.session import fetch, open_session
from db.texts import ClaimError
from db.values import Malformed, israel
from tests.conftest import People
from tests.factories import SYSTEM, alert_everybody, make_claim, make_user

SECRET = 'סוד של הלשכה'


def note(outcome: str = 'spoke', party: str = 'insured', **over) -> CallNote:
    given = {'direction': 'outbound', 'summary': 'הכול נמסר ללקוח' if outcome == 'spoke' else ''}
    return CallNote(party=party, outcome=outcome, **{**given, **over})


def logged(actor: Actor, claim_id: int, *args, **over) -> Call:
    with open_session(actor) as session:
        call = log_call(session, claim_id, note(*args, **over), now())
        session.flush()
        return call


def read_by(actor: Actor, claim_id: int, party: str | None = None) -> list[Call]:
    with open_session(actor, reading=True) as session:
        return fetch(session, calls.calls_of(claim_id, party))


def row_for(actor: Actor) -> list_rows.Row:
    with open_session(actor, reading=True) as session:
        return lists.page_of(session, list_state.ListState(view='all')).rows[0]


def last_change(actor: Actor, claim_id: int) -> changes.Change:
    with open_session(actor, reading=True) as session:
        return fetch(session, changes.history_of(claim_id))[0]


def test_a_call_by_staff_is_news_to_the_office(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    alert_everybody()
    with open_session(people.dana) as session:
        visit(session, claim.id, now())
    logged(people.staff, claim.id, party='garage', person='סמיר חורי', phone='054-5550178', minutes=4)
    row = row_for(people.dana)
    assert row.unread
    assert row.change is not None
    assert row.change.kind == 'call'
    assert row.change.fields['party'] == [None, 'garage']
    assert row.change.fields['phone'] == [None, '0545550178']
    assert not row_for(people.staff).unread, "one's own call is no news"
    alert_everybody()
    with open_session(people.dana, reading=True) as session:
        assert [(group.kind, group.unread) for group in alert_groups(session)] == [('claim.call', 1)]
    call = read_by(people.dana, claim.id)[0]
    assert (call.person, call.minutes, call.by, call.user_id) == ('סמיר חורי', 4, 'שירה לביא', people.staff.user_id)


def test_an_agent_logs_his_own_call_with_the_client_and_the_claim_moves_up(people: People, notices) -> None:
    claim = make_claim(people.levi, people.staff, handler=people.staff.user_id)
    other = make_claim(people.levi, people.staff)
    assert not people.dana.may(Can.EDIT_CLAIM)
    before = {row.claim_id: row for row in lists_of(people.staff)}
    notices.clear()
    logged(people.dana, claim.id)
    rows = lists_of(people.staff)
    assert [row.claim_id for row in rows] == [claim.id, other.id]
    assert rows[0].seq > before[claim.id].seq
    assert rows[0].updated_at > before[claim.id].updated_at
    assert rows[0].unread
    assert [(heard.kind, heard.claim_id) for heard in notices if heard.kind == 'claim'] == [('claim', claim.id)]
    assert [row.unread for row in lists_of(people.dana) if row.claim_id == claim.id] == [True], 'never opened by her'
    with open_session(people.dana) as session:
        visit(session, claim.id, now())
    logged(people.dana, claim.id)
    assert [row.unread for row in lists_of(people.dana) if row.claim_id == claim.id] == [False]
    alert_everybody()
    with open_session(people.staff, reading=True) as session:
        assert [group.kind for group in alert_groups(session)] == ['claim.call']


def lists_of(actor: Actor) -> list[list_rows.Row]:
    with open_session(actor, reading=True) as session:
        return list(lists.page_of(session, list_state.ListState(view='all')).rows)


def test_a_call_lets_an_agent_change_nothing_else_of_the_claim(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    with pytest.raises(ClaimError, match='not allowed'), open_session(people.dana) as session:
        log_call(session, claim.id, note(), now())
        save_fields(session, claim.id, {'tp_driver': ('', 'עידו')}, now())
    with pytest.raises(ClaimError, match='not allowed'), open_session(people.dana) as session:
        log_call(session, claim.id, note(), now())
        session.get_one(Claim, claim.id).tp_driver = 'עידו'
    with pytest.raises(ClaimError, match='not allowed'), open_session(people.dana) as session:
        session.get_one(Claim, claim.id).seq = 10**6
    assert read_by(people.staff, claim.id) == []


@pytest.mark.parametrize(
    ('who', 'over'),
    [
        ('dana', {'party': 'garage'}),
        ('dana', {'internal': True}),
        ('manager', {'party': 'insurer'}),
        ('manager', {'internal': True}),
        ('rival', {}),
        ('reader', {}),
    ],
)
def test_who_may_log_what(people: People, who, over) -> None:
    claim = make_claim(people.levi, people.staff)
    reader = make_user('עמית צופה', Role.READ_ONLY, people.levi)
    actor = reader if who == 'reader' else getattr(people, who)
    with pytest.raises(ClaimError), open_session(actor) as session:
        log_call(session, claim.id, note(**over), now())
    assert read_by(people.staff, claim.id) == []


def test_people_of_another_office_see_and_write_nothing(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    call = logged(people.staff, claim.id, follow_up=date(2026, 1, 1), at=now() - timedelta(days=900))
    assert read_by(people.rival, claim.id) == []
    with open_session(people.rival, reading=True) as session:
        assert calls.attempts_since_spoke(session, claim.id) == {}
        assert fetch(session, calls.follow_ups_due(date(2030, 1, 1))) == []
    with pytest.raises(ClaimError, match='not found'), open_session(people.rival) as session:
        correct_call(session, call.id, note(), now())
    with pytest.raises(Unscoped, match='another office'), open_session(people.rival) as session:
        session.add(copy_of(call, 'insured'))


def copy_of(call: Call, party: str) -> Call:
    names = ('claim_id', 'office_id', 'direction', 'at', 'outcome', 'user_id', 'by', 'logged_at')
    return Call(party=party, **{name: getattr(call, name) for name in names})


def test_an_agent_who_sees_only_his_own_claims_logs_on_those_only(people: People) -> None:
    with open_session(people.admin) as session:
        session.get_one(AgentOffice, people.levi).agents_see_own_only = True
    own, colleagues = (
        make_claim(people.levi, people.staff, agent=agent.user_id) for agent in (people.dana, people.yossi)
    )
    dana = Actor(people.dana.user_id, 'דנה ארז', Role.AGENT, people.levi, sees_own_only=True)
    logged(people.staff, colleagues.id)
    logged(dana, own.id)
    assert len(read_by(dana, own.id)) == 1
    assert read_by(dana, colleagues.id) == []
    with pytest.raises(ClaimError, match='not found'), open_session(dana) as session:
        log_call(session, colleagues.id, note(), now())


def test_an_internal_call_reaches_no_agent(people: People) -> None:
    claim = make_claim(people.levi, people.staff, handler=people.staff2.user_id)
    alert_everybody()
    with open_session(people.dana) as session:
        visit(session, claim.id, now())
    before = row_for(people.dana)
    then = now() - timedelta(days=3)
    call = logged(
        people.staff,
        claim.id,
        'no_answer',
        summary=SECRET,
        internal=True,
        follow_up=israel(then).date(),
        at=then,
        person='פלוני',
    )
    alert_everybody()
    after = row_for(people.dana)
    assert (after.seq, after.updated_at, after.unread) == (before.seq, before.updated_at, False)
    for actor in (people.dana, people.manager):
        assert read_by(actor, claim.id) == []
        with open_session(actor, reading=True) as session:
            assert calls.attempts_since_spoke(session, claim.id) == {}
            assert calls.calls_per_party(session, claim.id) == {}
            assert fetch(session, calls.follow_ups_due(date(2030, 1, 1))) == []
            assert {change.kind for change in fetch(session, changes.history_of(claim.id))} == {'opened'}
            assert session.get(Call, call.id) is None
            assert 'claim.call' not in {group.kind for group in alert_groups(session)}
    assert [call.summary for call in read_by(people.staff2, claim.id)] == [SECRET]
    assert last_change(people.staff2, claim.id).internal


def test_nothing_of_a_call_is_changed_or_taken_away(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    call_id = logged(people.staff, claim.id).id
    for actor in (people.staff, people.admin, SYSTEM):
        with pytest.raises(Unscoped, match='only added'), open_session(actor) as session:
            session.get_one(Call, call_id).summary = 'לא זה מה שנאמר'
        with pytest.raises(Unscoped, match='only added'), open_session(actor) as session:
            session.delete(session.get_one(Call, call_id))
    assert [call.summary for call in read_by(people.dana, claim.id)] == ['הכול נמסר ללקוח']


def test_a_correction_stands_beside_what_it_corrects(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    wrong = logged(people.staff, claim.id, summary='ההמחאה על 18,500', minutes=4)
    with open_session(people.staff2) as session:
        correct_call(session, wrong.id, note(summary='ההמחאה על 15,800', minutes=4), now())
    newest, oldest = read_by(people.dana, claim.id)
    assert (newest.corrects, newest.summary, newest.at) == (wrong.id, 'ההמחאה על 15,800', wrong.at)
    assert (oldest.id, oldest.summary, oldest.by) == (wrong.id, 'ההמחאה על 18,500', 'שירה לביא')
    assert calls.standing([newest, oldest]) == [newest]
    with open_session(people.dana, reading=True) as session:
        assert calls.calls_per_party(session, claim.id) == {'insured': 1}
    change = last_change(people.dana, claim.id)
    assert change.kind == 'call_corrected'
    assert change.fields['summary'] == ['ההמחאה על 18,500', 'ההמחאה על 15,800']
    assert 'minutes' not in change.fields, 'what stayed is not told again'


def test_a_call_is_corrected_once_and_then_the_newer_one(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    wrong = logged(people.staff, claim.id)
    with open_session(people.staff) as session:
        newer = correct_call(session, wrong.id, note(summary='פעם שנייה'), now())
    with pytest.raises(ClaimError, match='already'), open_session(people.staff) as session:
        correct_call(session, wrong.id, note(summary='פעם שלישית'), now())
    with open_session(people.staff) as session:
        correct_call(session, newer.id, note(summary='פעם שלישית'), now())
    assert [call.summary for call in calls.standing(read_by(people.dana, claim.id))] == ['פעם שלישית']


def test_people_of_an_office_correct_their_own_calls_only(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    hers, bureaus = logged(people.dana, claim.id), logged(people.staff, claim.id)
    for actor, call in ((people.yossi, hers), (people.dana, bureaus)):
        with pytest.raises(ClaimError, match='own calls'), open_session(actor) as session:
            correct_call(session, call.id, note(summary='אחרת'), now())
    with open_session(people.dana) as session:
        correct_call(session, hers.id, note(summary='אחרת'), now())
    assert len(read_by(people.staff, claim.id)) == 3


def test_a_correction_hides_nothing_and_gives_nothing_internal_away(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    visible = logged(people.staff, claim.id)
    with pytest.raises(ClaimError, match='cannot hide'), open_session(people.staff) as session:
        correct_call(session, visible.id, note(internal=True), now())
    secret = logged(people.staff, claim.id, summary=SECRET, internal=True)
    with open_session(people.staff) as session:
        correct_call(session, secret.id, note(summary='ללא הפתעות'), now())
    change = last_change(people.dana, claim.id)
    assert (change.kind, change.fields['summary']) == ('call', [None, 'ללא הפתעות'])
    assert SECRET not in str(change.fields)
    assert [call.summary for call in read_by(people.dana, claim.id)] == ['ללא הפתעות', 'הכול נמסר ללקוח']


def test_attempts_in_vain_are_counted_until_somebody_is_reached(people: People) -> None:
    claim = make_claim(people.levi, people.staff)

    def attempts() -> dict[str, int]:
        with open_session(people.dana, reading=True) as session:
            return calls.attempts_since_spoke(session, claim.id)

    for outcome in ('spoke', 'no_answer', 'voicemail', 'wrong_number', 'no_answer'):
        logged(people.staff, claim.id, outcome)
    logged(people.staff, claim.id, 'no_answer', party='garage')
    logged(people.staff, claim.id, 'no_answer', party='appraiser', direction='inbound')
    assert attempts() == {'insured': 3, 'garage': 1}
    slip = read_by(people.staff, claim.id, 'garage')[0]
    with open_session(people.staff) as session:
        correct_call(session, slip.id, note('spoke', party='garage'), now())
    assert attempts() == {'insured': 3}
    logged(people.dana, claim.id, 'callback', summary='ביקשה לשוחח מחר')
    assert attempts() == {}


def test_calls_are_read_newest_first_and_by_party(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    logged(people.staff, claim.id, party='garage')
    logged(people.staff, claim.id, at=now() - timedelta(days=2))
    logged(people.staff, claim.id, party='insurer')
    assert [call.party for call in read_by(people.dana, claim.id)] == ['insurer', 'garage', 'insured']
    assert [call.party for call in read_by(people.dana, claim.id, 'garage')] == ['garage']
    with open_session(people.dana, reading=True) as session:
        assert calls.calls_per_party(session, claim.id) == {'insurer': 1, 'garage': 1, 'insured': 1}


def test_a_follow_up_is_due_until_somebody_is_reached(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    yesterday = now() - timedelta(days=1)
    today = israel(now()).date()

    def due() -> list[str]:
        with open_session(people.staff, reading=True) as session:
            return [call.party for call in fetch(session, calls.follow_ups_due(today))]

    for party in ('insured', 'garage'):
        logged(people.staff, claim.id, 'no_answer', party=party, at=yesterday, follow_up=today)
    logged(people.staff, claim.id, 'no_answer', party='appraiser', follow_up=today + timedelta(days=7))
    assert due() == ['insured', 'garage']
    logged(people.staff, claim.id, 'voicemail')
    logged(people.staff, claim.id, party='garage')
    assert due() == ['insured']
    with open_session(people.staff, reading=True) as session:
        outcomes = reference(session).call_outcomes
    found = read_by(people.staff, claim.id)
    done = calls.follow_ups_among(found, outcomes)
    assert {call.party: done[call.id] for call in found if call.id in done} == {
        'insured': False,
        'garage': True,
        'appraiser': False,
    }


@pytest.mark.parametrize(
    ('over', 'reason'),
    [
        ({'party': 'nobody'}, 'with whom'),
        ({'outcome': 'sang'}, 'how the call ended'),
        ({'direction': 'sideways'}, 'who called whom'),
        ({'summary': ' \n '}, 'few words'),
        ({'party': 'other'}, 'who it was'),
        ({'phone': '12'}, 'phone number'),
        ({'minutes': 601}, 'up to 600 minutes'),
        ({'minutes': -1}, 'up to 600 minutes'),
        ({'at': now() + timedelta(days=1)}, 'in the future'),
        ({'follow_up': date(2020, 1, 1)}, 'before the call'),
        ({'summary': 'א' * 4001}, 'at most 4000'),
    ],
)
def test_what_cannot_be_right_is_refused_in_words(people: People, over, reason) -> None:
    claim = make_claim(people.levi, people.staff)
    with pytest.raises((ClaimError, Malformed), match=reason), open_session(people.staff) as session:
        log_call(session, claim.id, CallNote(**{**vars(note()), **over}), now())
    assert read_by(people.staff, claim.id) == []


def test_an_attempt_needs_no_summary(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    assert logged(people.staff, claim.id, 'no_answer').summary == ''


def test_a_call_starts_from_what_the_claim_says(people: People) -> None:
    with open_session(people.staff) as session:
        garage = Garage(name='מוסך גלבוע', contact='סמיר חורי', phone='045550178')
        session.add(garage)
        session.flush()
        garage_id = garage.id
    claim = make_claim(
        people.levi, people.staff, garage=garage_id, tp_policy_holder='משה לוי', agent=people.dana.user_id
    )
    with open_session(people.staff, reading=True) as session:
        contacts = calls.contacts_of(session, claim)
    assert contacts['insured'] == Contact("רונית ברקוביץ'", '0525550134')
    assert contacts['garage'] == Contact('סמיר חורי', '045550178')
    assert contacts['third_party'].person == 'משה לוי'
    assert contacts['agent'].person == 'דנה ארז'
    assert contacts['appraiser'] == contacts['tp_agent'] == Contact()


def test_whom_one_may_choose_follows_the_role(people: People) -> None:
    with open_session(people.dana, reading=True) as session:
        parties = list(reference(session).call_parties.values())
    assert len(calls.parties_for(people.staff, parties)) == 8
    assert [party.id for party in calls.parties_for(people.dana, parties)] == ['insured']
    assert calls.parties_for(make_user('צופה', Role.READ_ONLY, people.levi), parties) == []


def test_calls_and_edits_at_once_lose_nothing(people: People) -> None:
    claim = make_claim(people.levi, people.staff)

    def edit(number: int) -> None:
        with open_session(people.staff) as session:
            seen = session.get_one(Claim, claim.id).make_model
            log_call(session, claim.id, note('no_answer'), now())
            save_fields(session, claim.id, {'make_model': (seen, f'יונדאי {number}')}, now())

    with ThreadPoolExecutor(4) as threads:
        logging = [threads.submit(logged, people.dana, claim.id) for _ in range(6)]
        editing = [threads.submit(edit, number) for number in range(2)]
    conflicts = [error for jobs in (logging, editing) for job in jobs if (error := job.exception())]
    assert all(isinstance(error, ClaimError) for error in conflicts), conflicts
    assert len(read_by(people.dana, claim.id)) == 8 - len(conflicts)


def test_a_call_saved_again_with_its_key_is_one_call(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    first = logged(people.staff, claim.id, key='k1')
    assert logged(people.staff, claim.id, key='k1').id == first.id
    assert logged(people.dana, claim.id, key='k1').id != first.id, 'a key is its own browser’s'
    assert logged(people.staff, claim.id).id != logged(people.staff, claim.id).id, 'without one every call is another'
    with ThreadPoolExecutor(2) as two:
        both = [two.submit(logged, people.staff, claim.id, key='k2') for _ in range(2)]
    assert len({call.result().id for call in both}) == 1
    corrected = [_corrected(people.staff, first.id, note(summary='אחרת', key='k3')) for _ in range(2)]
    assert corrected[0].id == corrected[1].id
    assert len(read_by(people.staff, claim.id)) == 6


def _corrected(actor: Actor, call_id: int, better: CallNote) -> Call:
    with open_session(actor) as session:
        call = correct_call(session, call_id, better, now())
        session.flush()
        return call
