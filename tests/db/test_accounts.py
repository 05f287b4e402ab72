"""An admin keeps the accounts: who comes, moves, loses his way in; and that somebody can always administer."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from db import accounts, identity
from db.accounts import Person, Wanted
from db.admin_changes import admin_history
from db.admin_rows import retire
from db.admin_tables import TABLES
from db.base import now
from db.changes import latest_seq
from db.claims import Claim
from db.identity import PASSWORD, Credential, OneTimeLink, WebSession
from db.offices import AgentOffice, User
from db.scope import Role
from db.session import fetch, open_session
from db.texts import ClaimError, FieldsRefused
from tests.conftest import People
from tests.factories import SYSTEM, make_claim, make_user

NEW = Person('נועה שגב', 'Noa@Levi.demo', 'agent', '1')


@pytest.fixture(autouse=True)
def known(people: People) -> None:
    """Everybody has chosen a password and is signed in on one device."""
    with open_session(SYSTEM) as session:
        for actor in (people.dana, people.rival, people.staff, people.admin):
            identity.keep_password(session, actor.user_id or 0, 'x', now())
            identity.start_session(session, actor.user_id or 0, identity.Browser(), now())


def invited(people: People, person: Person = NEW) -> tuple[User, str]:
    with open_session(people.admin) as session:
        return accounts.invite(session, person, now())


def standing_of(people: People, user_id: int) -> accounts.Account:
    with open_session(people.admin, reading=True) as session:
        found = accounts.account(session, user_id, now())
    assert found is not None
    return found


def test_what_lies_idle_here_is_no_device(people: People):
    for later, longest, devices in ((13, 24, 1), (13, 12, 0), (2, 1, 0)):
        with open_session(people.admin, reading=True) as session:
            at = now() + timedelta(hours=later)
            found = accounts.account(session, people.dana.user_id or 0, at, timedelta(hours=longest))
        assert found is not None
        assert found.devices == devices, (later, longest)


def test_an_invited_person_chooses_a_password_once_and_within_three_days(people: People):
    make_claim(people.levi, people.staff)
    user, token = invited(people)
    assert (user.email, user.office_id, user.role) == ('noa@levi.demo', people.levi, Role.AGENT)
    assert standing_of(people, user.id).standing == 'invited'
    late = now() + timedelta(hours=73)
    with open_session(SYSTEM) as session:
        assert user.baseline_seq == latest_seq(session) > 0  # what happened before she came is old news to her
        assert identity.link_of(session, token, late) is None
        assert identity.use_link(session, token, 'hash', now()) == user.id
    assert standing_of(people, user.id).standing == 'active'
    with pytest.raises(ClaimError), open_session(SYSTEM) as session:
        identity.use_link(session, token, 'again', now())


def test_only_the_hash_of_a_link_is_kept_and_none_of_it_in_the_record(people: People):
    user, token = invited(people)
    with open_session(SYSTEM, reading=True) as session:
        kept = session.scalars(select(OneTimeLink).where(OneTimeLink.user_id == user.id)).one()
        written = str([line.fields for line in fetch(session, admin_history())])
    assert kept.token_hash == identity.hash_of(token) != token
    assert token not in written
    assert kept.token_hash not in written
    assert 'noa@levi.demo' in written


def test_a_second_link_voids_the_first_and_stands_in_the_record(people: People):
    user, first = invited(people)
    with open_session(people.admin) as session:
        second = accounts.new_link(session, user.id, now())
    with open_session(SYSTEM) as session:
        assert identity.link_of(session, first, now()) is None
        assert identity.link_of(session, second, now()) is not None
    with open_session(people.admin, reading=True) as session:
        assert fetch(session, admin_history(['users'], str(user.id)))[0].kind == 'link_made'


@pytest.mark.parametrize(
    ('wrong', 'field'),
    [
        (Person('', 'a@b.co', 'agent', '1'), 'name'),
        (Person('נועה', 'not an address', 'agent', '1'), 'email'),
        (Person('נועה', 'DANA@levi.demo', 'agent', '1'), 'email'),
        (Person('נועה', 'a@b.co', 'agent', ''), 'office'),
        (Person('נועה', 'a@b.co', 'agent', '999'), 'office'),
        (Person('נועה', 'a@b.co', 'system', '1'), 'role'),
    ],
)
def test_a_form_that_is_wrong_says_where(people: People, wrong: Person, field: str):
    with pytest.raises(FieldsRefused) as refusal, open_session(people.admin) as session:
        accounts.invite(session, wrong, now())
    assert list(refusal.value.fields) == [field]


@pytest.mark.parametrize('role', ['handler', 'repair_team', 'submission_team', 'admin'])
def test_whoever_joins_the_bureau_belongs_to_no_office_and_sees_all(people: People, role: str):
    claim = make_claim(people.cohen, people.staff)
    user, _ = invited(people, Person('נועה', 'noa@bureau.demo', role, str(people.levi)))
    assert user.office_id is None
    with open_session(user.as_actor(None)) as session:
        assert session.get(Claim, claim.id)


def test_the_disabled_are_out_on_every_device_and_no_link_lets_them_in(people: People, notices):
    dana = people.dana.user_id or 0
    with open_session(people.admin) as session:
        token = accounts.new_link(session, dana, now())
    notices.clear()
    with open_session(people.admin) as session:
        accounts.disable(session, dana)
    assert ('access', dana) in {(notice.kind, notice.user_id) for notice in notices}
    with open_session(people.admin) as session:
        accounts.enable(session, dana)
    with open_session(SYSTEM) as session:  # also when the account is open again
        assert identity.link_of(session, token, now()) is None
        assert session.scalars(identity.sessions_of(dana)).all() == []
    assert standing_of(people, dana).has_password


def test_whoever_has_another_role_or_place_signs_in_anew(people: People):
    dana = people.dana.user_id or 0
    for change, stays in (
        ({'name': 'דנה כהן'}, True),
        ({'email': 'dana@new.demo'}, True),
        ({'role': 'office_manager'}, False),
        ({'office': str(people.cohen)}, False),
        ({'role': 'admin'}, False),
    ):
        with open_session(SYSTEM) as session:
            token = identity.start_session(session, dana, identity.Browser(), now())
        with open_session(people.admin) as session:
            seen = Person.of(session.get_one(User, dana))
            accounts.save_person(session, dana, seen, replace(seen, **change))
        with open_session(SYSTEM, reading=True) as session:
            present = identity.session_of(session, identity.hash_of(token), now())
        assert (present is not None) is stays, change


def test_an_office_that_opens_again_lets_nobody_in_by_what_he_had_before(people: People, notices):
    dana, rival = people.dana.user_id or 0, people.rival.user_id or 0
    office, key = TABLES['offices'], str(people.levi)

    def devices() -> list[int]:
        with open_session(SYSTEM, reading=True) as session:
            return [len(session.scalars(identity.sessions_of(user_id)).all()) for user_id in (dana, rival)]

    with open_session(people.admin) as session:
        token = accounts.new_link(session, dana, now())
    notices.clear()
    assert devices() == [1, 1]
    with open_session(people.admin) as session:
        retire(session, office, key, active=False)
    assert ('access', people.levi, None) in {(notice.kind, notice.office_id, notice.user_id) for notice in notices}
    assert devices() == [0, 1]
    with pytest.raises(ClaimError, match='office of this person is closed'), open_session(people.admin) as session:
        accounts.new_link(session, dana, now())
    with open_session(SYSTEM) as session:  # he had typed his password when it was closed
        identity.start_session(session, dana, identity.Browser(), now())
        late = identity.make_link(session, PASSWORD, dana, now(), 1)
        assert identity.link_of(session, late, now()) is None
    with open_session(people.admin) as session:
        retire(session, office, key, active=True)
    assert devices() == [0, 1]
    with open_session(SYSTEM) as session:
        assert [identity.link_of(session, one, now()) for one in (token, late)] == [None, None]
        assert identity.account_of(session, 'dana@levi.demo') == (dana, 'x')


def test_what_is_open_already_is_opened_again_without_cutting_anybody_off(people: People):
    dana = people.dana.user_id or 0
    with open_session(SYSTEM) as session:
        token = identity.start_session(session, dana, identity.Browser(), now())
    with open_session(people.admin) as session:  # from a page that shows it as it was
        accounts.enable(session, dana)
        retire(session, TABLES['offices'], str(people.levi), active=True)
    with open_session(SYSTEM, reading=True) as session:
        assert identity.session_of(session, identity.hash_of(token), now())


def test_somebody_who_can_administer_remains(people: People):
    admin = people.admin.user_id or 0
    second = make_user('מנהל שני', Role.ADMIN, email='second@bureau.demo')
    for order in (
        lambda session: accounts.disable(session, admin),
        lambda session: accounts.save_person(
            session, admin, Person.of(session.get_one(User, admin)), Person('נעמי', 'n@b.demo', 'handler', '')
        ),
    ):  # the second one was only invited: he could not sign in
        with pytest.raises(ClaimError, match='last administrator'), open_session(people.admin) as session:
            order(session)
    with open_session(SYSTEM) as session:
        identity.keep_password(session, second.user_id or 0, 'x', now())
    with open_session(people.admin) as session:
        accounts.disable(session, admin)
    with pytest.raises(ClaimError, match='last administrator'), open_session(second) as session:
        accounts.disable(session, second.user_id or 0)


def test_nobody_moves_away_from_open_claims(people: People):
    dana = people.dana.user_id or 0
    make_claim(people.levi, people.staff, agent=dana)
    with open_session(people.admin, reading=True) as session:
        seen = Person.of(session.get_one(User, dana))
        assert accounts.claims_of(session, dana) == 1
    moved = Person(seen.name, seen.email, 'agent', str(people.cohen))
    with pytest.raises(FieldsRefused) as refusal, open_session(people.admin) as session:
        accounts.save_person(session, dana, seen, moved)
    assert list(refusal.value.fields) == ['office']
    yossi = people.yossi.user_id or 0
    with open_session(people.admin) as session:
        seen = Person.of(session.get_one(User, yossi))
        accounts.save_person(session, yossi, seen, Person(seen.name, seen.email, 'office_manager', str(people.cohen)))
    assert standing_of(people, yossi).office == 'סוכנות כהן'


def test_two_admins_at_one_form_overwrite_nothing(people: People):
    dana = people.dana.user_id or 0
    with open_session(people.admin) as session:
        seen = Person.of(session.get_one(User, dana))
        session.get_one(User, dana).name = 'דנה ארז-כהן'
    with open_session(people.admin) as session:  # he changes another field than the other one did
        accounts.save_person(session, dana, seen, Person(seen.name, seen.email, 'read_only', seen.office))
    kept = standing_of(people, dana).user
    assert (kept.name, kept.role) == ('דנה ארז-כהן', 'read_only')
    with pytest.raises(FieldsRefused) as refusal, open_session(people.admin) as session:
        accounts.save_person(session, dana, seen, Person('דנה לוי', seen.email, seen.role, seen.office))
    (found,) = refusal.value.fields.items()
    assert (found[0], '״דנה ארז-כהן״' in found[1].told('he')) == ('name', True), 'he reads what the other one wrote'
    with pytest.raises(FieldsRefused) as refusal, open_session(people.admin) as session:
        accounts.save_person(session, dana, seen, Person(seen.name, seen.email, 'office_manager', seen.office))
    assert '״צפייה בלבד״' in refusal.value.fields['role'].told('he')


def test_a_forced_change_holds_until_another_password_is_kept(people: People, notices):
    dana = people.dana.user_id or 0
    with open_session(people.admin) as session:
        accounts.demand_new_password(session, dana)
    assert ('access', dana) in {(notice.kind, notice.user_id) for notice in notices}
    with open_session(SYSTEM) as session:
        token_hash = session.scalars(select(WebSession.token_hash).where(WebSession.user_id == dana)).one()
        present = identity.session_of(session, token_hash, now())
        assert present is not None
        assert present.must_change
        identity.keep_password(session, dana, 'other', now())
    assert not standing_of(people, dana).must_change
    with pytest.raises(ClaimError), open_session(people.admin) as session:
        accounts.demand_new_password(session, people.yossi.user_id or 0)


def test_signing_a_person_out_everywhere(people: People):
    with open_session(people.admin) as session:
        assert accounts.end_sessions(session, people.dana.user_id or 0) == 1
        assert accounts.end_sessions(session, people.dana.user_id or 0) == 0
    with open_session(people.admin, reading=True) as session:
        kinds = [line.kind for line in fetch(session, admin_history(['users'], str(people.dana.user_id)))]
    assert kinds == ['sessions_ended', 'added']


def test_people_are_found_by_word_office_and_standing(people: People):
    def names(**wanted) -> list[str]:
        with open_session(people.admin, reading=True) as session:
            found, total = accounts.accounts(session, Wanted(**wanted), now())
        assert total == len(found)
        return [line.user.name for line in found]

    assert names(typed='דנה') == names(typed='dana@') == ['דנה ארז']
    assert names(office=people.cohen) == ['אבי כהן']
    assert names(bureau=True) == ['נעמי בר', 'עומר גל', 'שירה לביא']
    assert 'יוסי מזרחי' in names(standing='invited')
    assert names(standing='disabled') == names(typed='%') == []
    with open_session(people.admin, reading=True) as session:
        assert accounts.people_per_office(session) == {people.levi: 3, people.cohen: 1}


def test_these_orders_are_an_admins_alone(people: People):
    dana = people.dana.user_id or 0
    orders = (
        lambda session: accounts.invite(session, NEW, now()),
        lambda session: accounts.new_link(session, dana, now()),
        lambda session: accounts.save_person(session, dana, NEW, NEW),
        lambda session: accounts.disable(session, dana),
        lambda session: accounts.enable(session, dana),
        lambda session: accounts.demand_new_password(session, dana),
        lambda session: accounts.end_sessions(session, dana),
        lambda session: accounts.accounts(session, Wanted(), now()),
        lambda session: accounts.account(session, dana, now()),
    )
    for actor in (people.staff, people.manager, people.dana, people.rival):
        for order in orders:
            with pytest.raises(ClaimError), open_session(actor) as session:
                order(session)


def test_an_office_with_people_cannot_be_taken_away(people: People):
    with pytest.raises(IntegrityError), open_session(people.admin) as session:
        session.delete(session.get_one(AgentOffice, people.levi))
    with open_session(SYSTEM, reading=True) as session:
        assert session.scalar(select(func.count(AgentOffice.id))) == 2
        assert session.scalar(select(func.count(OneTimeLink.token_hash)).where(OneTimeLink.purpose == PASSWORD)) == 0
        assert session.scalar(select(func.count(Credential.user_id))) == 4
