"""API keys: what a key opens is what its person may see now, and only while he may."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from db import accounts, admin_rows, api_keys, identity, two_factor
from db.admin_changes import admin_history
from db.admin_tables import TABLES
from db.api_keys import ApiKey, Holder, Wish
from db.bureau import bureau_settings
from db.offices import AgentOffice, User
from db.scope import Actor, Can, Role
from db.session import fetch, open_session
from db.texts import ClaimError, FieldsRefused
from tests.conftest import People
from tests.factories import PASSWORD, SYSTEM, make_office, make_user, turn_on_two_factor

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)


@pytest.fixture(autouse=True)
def passwords(people: People) -> None:
    for person in (people.manager, people.dana, people.staff):
        give_password(person)


def give_password(person: Actor, at: datetime = NOON - timedelta(days=9)) -> None:
    with open_session(SYSTEM) as session:
        identity.keep_password(session, person.user_id or 0, identity.hash_of(PASSWORD), at)


def make(person: Actor, name: str = 'CRM', days: int = 365, at: datetime = NOON, code: str = '') -> str:
    with open_session(person) as session:
        token = api_keys.make_key(session, Wish(name, days), code, at)
    assert token is not None
    return token


def holder(token: str, at: datetime = LATER) -> Holder | None:
    with open_session(SYSTEM, reading=True) as session:
        return api_keys.holder_of(session, token, at)


def opens(token: str, at: datetime = LATER) -> bool:
    return holder(token, at) is not None


def id_in(token: str) -> str:
    return token[len('maakav_') :].partition('.')[0]


def own(person: Actor, at: datetime = LATER) -> list[tuple[str, str]]:
    with open_session(person, reading=True) as session:
        return [(one.key.name, one.over) for one in api_keys.own_keys(session, at)]


def test_whoever_brings_a_key_acts_as_its_person(people: People) -> None:
    token = make(people.manager)
    found = holder(token)
    assert found is not None
    assert found.actor.can == people.manager.can
    assert (found.actor.user_id, found.actor.office_id) == (people.manager.user_id, people.levi)
    assert 'CRM' in found.actor.name
    assert people.manager.name in found.actor.name


def test_the_secret_is_told_once_and_only_its_hash_is_kept(people: People, database_url: str) -> None:
    token = make(people.manager)
    secret = token.partition('.')[2]
    with open_session(SYSTEM, reading=True) as session:
        (kept,) = session.scalars(select(ApiKey))
        assert secret not in repr(vars(kept))
        assert kept.token_hash == identity.hash_of(secret)
        assert secret not in kept.told
        assert token.startswith(kept.beginning.rstrip('…'))


@pytest.mark.parametrize(
    'wrong',
    [
        *(
            '',
            'maakav_',
            'maakav_1',
            f'maakav_{"0" * 12}',
            f'maakav_{"0" * 12}.',
            '1.x',
            f'maakav_{"0" * 12}.{"x" * 43}',
        ),
        *(f'maakav_{"0" * 99}.{"x" * 43}', f'maakav_{"0" * 12}.\x00', f'maakav_{"١" * 12}.{"x" * 43}', '٣'),
    ],
)
def test_nothing_else_opens(people: People, wrong: str) -> None:
    make(people.manager)
    assert not opens(wrong)


def test_a_key_of_one_does_not_open_with_the_secret_of_another(people: People) -> None:
    mine, theirs = make(people.manager), make(people.staff)
    assert not opens(f'{mine.partition(".")[0]}.{theirs.partition(".")[2]}')
    assert not opens(f'{mine} ')
    assert not opens(mine.upper())


def test_a_key_ends_by_itself(people: People) -> None:
    token = make(people.manager, days=30)
    assert opens(token, NOON + timedelta(days=30, seconds=-1))
    assert not opens(token, NOON + timedelta(days=30))
    assert own(people.manager, NOON + timedelta(days=30)) == [('CRM', 'Expired')]


def test_a_revoked_key_opens_nothing_and_only_its_person_revokes_it(people: People) -> None:
    token = make(people.manager)
    key_id = id_in(token)
    for other in (people.staff, people.admin):
        with pytest.raises(ClaimError), open_session(other) as session:
            api_keys.revoke_key(session, key_id, LATER)
    assert opens(token)
    with open_session(people.manager) as session:
        api_keys.revoke_key(session, key_id, LATER)
    assert not opens(token)
    assert own(people.manager) == []
    with pytest.raises(ClaimError), open_session(people.manager) as session:
        api_keys.revoke_key(session, key_id, LATER)


def test_whoever_is_disabled_has_no_key_from_that_moment_and_none_when_he_is_back(people: People) -> None:
    token = make(people.manager)
    with open_session(SYSTEM) as session:
        session.get_one(User, people.manager.user_id).active = False
    assert not opens(token)
    with open_session(SYSTEM) as session:
        session.get_one(User, people.manager.user_id).active = True
    assert opens(token)
    with open_session(people.admin) as session:
        accounts.disable(session, people.manager.user_id or 0)
    with open_session(people.admin) as session:
        accounts.enable(session, people.manager.user_id or 0)
    assert not opens(token)


def test_the_keys_of_a_closed_office_open_nothing(people: People) -> None:
    token, of_bureau = make(people.manager), make(people.staff)
    with open_session(SYSTEM) as session:
        session.get_one(AgentOffice, people.levi).active = False
    assert not opens(token)
    assert opens(of_bureau)
    for active in (False, True):
        with open_session(SYSTEM) as session:
            session.get_one(AgentOffice, people.levi).active = not active
        with open_session(people.admin) as session:
            admin_rows.retire(session, TABLES['offices'], str(people.levi), active=active)
    assert not opens(token)


def test_a_key_does_not_go_along_to_another_office_or_role(people: People) -> None:
    # the program that has it belongs to where its person worked
    token = make(people.manager)
    with open_session(SYSTEM) as session:
        session.get_one(User, people.manager.user_id).office_id = people.cohen
    assert not opens(token)
    with open_session(SYSTEM) as session:
        session.get_one(User, people.manager.user_id).office_id = people.levi
    assert opens(token)
    with open_session(people.admin) as session:
        user = session.get_one(User, people.manager.user_id)
        seen = accounts.Person.of(user)
        accounts.save_person(session, user.id, seen, accounts.Person(seen.name, seen.email, 'handler', ''))
    assert not opens(token)
    assert own(people.manager) == []


def test_whoever_lost_the_right_has_a_key_that_opens_nothing(people: People) -> None:
    token = make(people.manager)
    with open_session(SYSTEM) as session:
        session.get_one(User, people.manager.user_id).role = Role.AGENT
    assert not opens(token)


def test_a_new_password_ends_every_key(people: People) -> None:
    # whoever knew the old one may have made it
    token = make(people.manager)
    give_password(people.manager, LATER)
    assert not opens(token, LATER)
    assert own(people.manager) == [('CRM', 'Ended by a new password')]
    assert opens(make(people.manager, at=LATER), LATER)


def test_whoever_has_something_to_do_before_anything_else_reads_nothing_by_a_key(people: People) -> None:
    token = make(people.staff)
    with open_session(people.admin) as session:
        accounts.demand_new_password(session, people.staff.user_id or 0)
    assert not opens(token)
    with open_session(SYSTEM) as session:
        session.get_one(identity.Credential, people.staff.user_id).must_change = False
    assert opens(token)
    with open_session(people.admin) as session:
        bureau_settings(session).two_factor_roles = [Role.HANDLER]
    assert not opens(token)
    turn_on_two_factor(people.staff, LATER)
    assert opens(token)


def test_a_key_sees_what_its_person_would_see_now(people: People) -> None:
    team = make_user('אורן שגב', Role.REPAIR_TEAM)
    give_password(team)
    found = holder(make(team))
    assert found is not None
    assert not found.actor.may(Can.SEE_ID_NUMBERS)
    assert found.actor.can == team.can


def test_five_keys_at_most_and_one_that_is_over_counts_no_more(people: People) -> None:
    tokens = [make(people.manager, days=30 if number else 90) for number in range(5)]
    assert all(map(opens, tokens))
    with pytest.raises(ClaimError) as refusal:
        make(people.manager)
    assert '5' in refusal.value.told('he')
    assert make(people.staff)
    assert make(people.manager, at=NOON + timedelta(days=31))


@pytest.mark.parametrize(
    'wish', [Wish('', 30), Wish('  ', 30), Wish('x' * 61, 30), Wish('CRM', 31), Wish('CRM', 0), Wish('CRM', 3650)]
)
def test_a_key_has_a_name_and_one_of_the_terms(people: People, wish: Wish) -> None:
    with pytest.raises(FieldsRefused), open_session(people.manager) as session:
        api_keys.make_key(session, wish, '', NOON)
    assert own(people.manager) == []


def test_whoever_signs_in_in_two_steps_makes_a_key_with_a_code(people: People) -> None:
    app, _ = turn_on_two_factor(people.manager, NOON)
    at = NOON + timedelta(minutes=5)
    with open_session(people.manager) as session:
        assert api_keys.make_key(session, Wish('CRM', 30), '000000', at) is None
    assert own(people.manager) == []
    assert opens(make(people.manager, code=app.at(at), at=at))
    with open_session(people.manager, reading=True) as session:
        assert two_factor.takes_code(session)


def test_making_and_revoking_stand_in_the_record_without_the_secret(people: People) -> None:
    token = make(people.manager)
    with open_session(people.manager) as session:
        api_keys.revoke_key(session, id_in(token), LATER)
    with open_session(people.admin, reading=True) as session:
        made, revoked = reversed(fetch(session, admin_history(['users'], str(people.manager.user_id)).limit(2)))
    called = f'CRM · maakav_{id_in(token)}…'
    assert (made.kind, made.by, made.fields) == ('key_made', people.manager.name, {'api_key': [None, called]})
    assert (revoked.kind, revoked.fields) == ('key_revoked', {'api_key': [called, None]})
    assert token.partition('.')[2] not in repr((made.fields, revoked.fields))


def test_the_last_use_is_kept(people: People) -> None:
    key_id = id_in(make(people.manager))
    with open_session(SYSTEM) as session:
        api_keys.note_key_use(session, [key_id, 'gone'], LATER)
    with open_session(people.manager, reading=True) as session:
        assert api_keys.own_keys(session, LATER)[0].key.used_at == LATER


def test_nobody_sees_the_keys_of_another(people: People) -> None:
    make(people.manager)
    boss = make_user('מיכל כהן', Role.OFFICE_MANAGER, make_office('סוכנות שלישית'))
    assert [own(other) for other in (boss, people.dana, people.staff, people.admin)] == [[], [], [], []]
