"""Looking as an agent: who may, as whom, until when; nothing is written meanwhile, and the log of access tells it of who really looks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from db import accounts, documents, identity, looking, messages
from db.access_log import LOOK, LOOK_OVER, Access, access_of, own_looks, own_sign_ins
from db.base import now
from db.claims import Claim
from db.doorbell import Notice, on_notice
from db.identity import Browser, SignedIn, WebSession
from db.offices import AgentOffice, User
from db.scope import ONLY_LOOKING, Actor, Role
from db.session import fetch, open_session
from db.texts import ClaimError
from tests.conftest import People
from tests.factories import PASSWORD, SYSTEM, make_claim, make_user

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
WHY = 'הסוכנת אינה רואה תביעה'


def id_of(actor: Actor) -> int:
    assert actor.user_id is not None
    return actor.user_id


def signed_in_as(actor: Actor) -> str:
    with open_session(SYSTEM) as session:
        return identity.hash_of(identity.start_session(session, id_of(actor), Browser(), NOON))


def begun(looker: Actor, shown: Actor, at: datetime = NOON, reason: str = WHY) -> str:
    token_hash = signed_in_as(looker)
    with open_session(looker) as session:
        looking.begin_look(session, token_hash, id_of(shown), reason, at)
    return token_hash


def found(token_hash: str, at: datetime = NOON) -> SignedIn:
    with open_session(SYSTEM, reading=True) as session:
        present = identity.session_of(session, token_hash, at)
    assert present is not None
    return present


def told(*kinds: str) -> list[tuple[str, int | None, str, int | None, str, str, datetime]]:
    with open_session(SYSTEM, reading=True) as session:
        lines = fetch(session, select(Access).where(Access.what.in_(kinds)).order_by(Access.id))
    return [(line.what, line.user_id, line.by, line.as_user_id, line.as_name, line.told, line.at) for line in lines]


def test_who_looks_reads_as_the_agent_and_is_himself_again_when_he_ends_it(people: People) -> None:
    hers = make_claim(people.levi, people.staff, agent=people.dana.user_id)
    make_claim(people.cohen, people.staff, agent=people.rival.user_id)
    token_hash = begun(people.staff, people.dana)
    present = found(token_hash)
    assert present.actor == replace(people.dana, looker=people.staff)
    assert (present.actor.can, present.actor.really) == (people.dana.can, people.staff)
    assert present.looks_until == NOON + looking.LASTS
    with open_session(present.actor, reading=True) as session:
        assert [claim.id for claim in fetch(session, select(Claim))] == [hers.id]
    with open_session(people.staff) as session:
        looking.end_look(session, token_hash, NOON + timedelta(minutes=4))
    assert found(token_hash).actor == people.staff
    who = people.staff.user_id, people.staff.name, people.dana.user_id, people.dana.name
    assert told(LOOK, LOOK_OVER) == [
        (LOOK, *who, WHY, NOON),
        (LOOK_OVER, *who, '', NOON + timedelta(minutes=4)),
    ]


def test_only_of_the_bureau_and_none_of_its_teams_looks_and_only_as_somebody_of_an_office(people: People) -> None:
    team = make_user('אורן שגב', Role.REPAIR_TEAM)
    for looker in (people.dana, people.manager, team, make_user('תמר אלון', Role.SUBMISSION_TEAM)):
        with pytest.raises(ClaimError):
            begun(looker, people.rival)
    for shown in (people.admin, people.staff2, team):
        with pytest.raises(ClaimError):
            begun(people.admin, shown)
    with pytest.raises(ClaimError, match='why'):
        begun(people.admin, people.dana, reason=' \u200f ')
    assert told(LOOK) == []
    for shown in (people.manager, people.dana, make_user('צפי', Role.READ_ONLY, people.levi)):
        assert found(begun(people.admin, shown)).actor.user_id == shown.user_id


def test_nobody_looks_through_another_or_in_the_browser_of_another(people: People) -> None:
    token_hash, seen = signed_in_as(people.staff2), replace(people.dana, looker=people.staff)
    with pytest.raises(ClaimError), open_session(people.staff) as session:
        looking.begin_look(session, token_hash, id_of(people.dana), WHY, NOON)
    with pytest.raises(ClaimError, match='nothing can be changed'), open_session(seen) as session:
        looking.begin_look(session, token_hash, id_of(people.rival), WHY, NOON)
    for looker, shown in ((people.staff, people.staff2), (people.dana, people.rival)):
        with pytest.raises(ValueError, match='does not look'):
            replace(shown, looker=looker)
    with pytest.raises(ValueError, match='does not look'):
        replace(Actor.system('x'), looker=people.admin)


def test_it_ends_by_itself_after_half_an_hour_and_the_log_says_when(people: People) -> None:
    token_hash = begun(people.staff, people.dana)
    ends = NOON + looking.LASTS
    assert found(token_hash, ends - timedelta(seconds=1)).actor.looker == people.staff
    assert found(token_hash, ends).actor == people.staff
    with open_session(SYSTEM) as session:
        assert looking.end_looks_run_out(session, ends - timedelta(seconds=1)) == 0
    with open_session(SYSTEM) as session:
        assert looking.end_looks_run_out(session, ends + timedelta(minutes=2)) == 1
    assert told(LOOK_OVER)[0][-1] == ends
    with open_session(SYSTEM) as session:
        assert looking.end_looks_run_out(session, ends + timedelta(minutes=2)) == 0
        assert not looking.anybody_looks(session)


@pytest.mark.parametrize('how', ['person', 'office', 'right', 'role'])
def test_it_ends_when_either_of_the_two_may_no_longer(people: People, how: str) -> None:
    token_hash = begun(people.staff, people.dana)
    with open_session(SYSTEM) as session:
        if how == 'person':
            accounts.disable(session, id_of(people.dana))
        elif how == 'office':
            session.get_one(AgentOffice, people.levi).active = False
        else:
            person = people.staff if how == 'right' else people.dana
            user = session.get_one(User, person.user_id)
            user.role = Role.REPAIR_TEAM
            user.office_id = None
    assert found(token_hash).actor.looker is None
    assert found(token_hash).actor.user_id == people.staff.user_id
    with open_session(SYSTEM) as session:
        assert looking.end_looks_run_out(session, NOON) == 1
    assert [line[:4] for line in told(LOOK_OVER)] == [
        (LOOK_OVER, people.staff.user_id, people.staff.name, people.dana.user_id)
    ]


@pytest.mark.parametrize('how', ['signs out', 'is disabled', 'is swept away'])
def test_with_the_session_it_ends_too(people: People, how: str) -> None:
    token_hash = begun(people.staff, people.dana)
    with open_session(SYSTEM, at=NOON) as session:
        if how == 'signs out':
            identity.end_session(session, token_hash)
        elif how == 'is disabled':
            accounts.disable(session, id_of(people.staff))
        else:
            identity.sweep_identity(session, NOON + timedelta(days=60))
    with open_session(SYSTEM, reading=True) as session:
        assert session.get(WebSession, token_hash) is None
    assert [line[1] for line in told(LOOK_OVER)] == [people.staff.user_id]
    assert told(LOOK_OVER)[0][-1] <= NOON + looking.LASTS


def test_pages_of_before_no_longer_stand_and_the_bell_rings_for_who_looks(people: People) -> None:
    token_hash = signed_in_as(people.staff)
    before, rung = found(token_hash), list[Notice]()
    stop = on_notice(rung.append)
    with open_session(people.staff) as session:
        looking.begin_look(session, token_hash, id_of(people.dana), WHY, NOON)
    during = found(token_hash)
    assert not before.still(during)
    assert not during.still(before)
    assert during.still(found(token_hash, NOON + timedelta(minutes=29)))
    assert set(during.people) == {people.staff.user_id, people.dana.user_id}
    with open_session(people.staff) as session:
        looking.end_look(session, token_hash, NOON)
    with open_session(SYSTEM) as session:
        identity.touch_sessions(session, [token_hash], NOON + timedelta(minutes=1))
    stop()
    assert rung == [Notice('access', user_id=people.staff.user_id)] * 2


def test_what_is_seen_meanwhile_stands_in_the_log_under_who_looks(people: People) -> None:
    seen = replace(people.dana, looker=people.staff)
    line = access_of(seen, 'claim', NOON, claim_no='1')
    assert (line.user_id, line.by) == (people.staff.user_id, people.staff.name)
    assert (line.as_user_id, line.as_name) == (people.dana.user_id, people.dana.name)
    begun(people.staff, people.dana)
    with open_session(people.dana, reading=True) as session:
        assert [(line.by, line.at) for line in own_looks(session)] == [(people.staff.name, NOON)]
        assert own_sign_ins(session) == []
    for other in (people.staff, people.rival):
        with open_session(other, reading=True) as session:
            assert own_looks(session) == []


def test_a_document_is_seen_by_who_looks_as_the_agent(people: People) -> None:
    claim = make_claim(people.levi, people.staff, agent=people.dana.user_id)
    seen = replace(people.dana, looker=people.staff)
    with open_session(people.dana) as session:
        scan = documents.Arrived('סריקה.pdf', 'scan.pdf', 'application/pdf', 1, 'cd' * 32, 1, 'cd' * 32, pages=1)
        paper = documents.attach(session, claim.id, scan, documents.Slot('police_report'), now()).document
    with open_session(seen.really) as session:
        documents.note_views(session, [paper], 'downloaded', NOON, seen)
    with open_session(SYSTEM, reading=True) as session:
        view = session.scalars(select(documents.DocumentView)).one()
    assert (view.user_id, view.by) == (people.staff.user_id, people.staff.name)
    assert told('document.downloaded')[0][1:5] == (
        people.staff.user_id,
        people.staff.name,
        people.dana.user_id,
        people.dana.name,
    )


def test_there_are_the_people_who_may_sign_in_under_their_offices(people: People) -> None:
    with open_session(SYSTEM) as session:
        accounts.disable(session, id_of(people.yossi))
    with open_session(people.staff, reading=True) as session:
        offered = {office: {user.id for user in users} for office, users in looking.people_to_look_as(session)}
    assert sorted(map(sorted, offered.values())) == sorted(
        [sorted([id_of(people.dana), id_of(people.manager)]), [id_of(people.rival)]]
    )
    with pytest.raises(ClaimError), open_session(people.manager, reading=True) as session:
        looking.people_to_look_as(session)


def test_the_door_is_shut_to_whatever_writes(people: People) -> None:
    with pytest.raises(ClaimError) as refusal, open_session(replace(people.dana, looker=people.admin)):
        raise AssertionError('it opened')
    assert str(refusal.value) == ONLY_LOOKING


def test_whoever_has_to_choose_another_password_is_himself_to_do_so(people: People) -> None:
    token_hash = begun(people.staff, people.dana)
    with open_session(SYSTEM) as session:
        identity.set_password(session, id_of(people.staff), PASSWORD, NOON)
    with open_session(people.admin) as session:
        accounts.demand_new_password(session, id_of(people.staff))
    present = found(token_hash)
    assert (present.actor, present.must_change) == (people.staff, True)


def test_what_the_agent_has_not_sent_is_not_read_by_who_looks(people: People) -> None:
    claim = make_claim(people.levi, people.staff, agent=people.dana.user_id)
    key = messages.ThreadKey(claim.office_id, claim.id)
    with open_session(people.dana) as session:
        messages.save_draft(session, key, 'טרם נשלח')
    present = found(begun(people.staff, people.dana))
    for actor, draft in ((people.dana, 'טרם נשלח'), (present.actor, '')):
        with open_session(actor, reading=True) as session:
            assert messages.conversation(session, key).draft == draft
