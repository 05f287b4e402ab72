"""Signing in: passwords are slow hashes, guessing is braked, sessions end when they should, links work once."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import select

from db import identity
from db.doorbell import Notice
from db.identity import Browser, Credential, NewAdmin, SignedIn, SignInAttempt, WebSession
from db.offices import AgentOffice, User, actor_of
from db.scope import Actor, Role
from db.session import fetch, open_session
from db.texts import ClaimError
from tests.conftest import People

SIGN_IN = Actor.system('sign-in')
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
GOOD = 'חתול כחול על הגג'


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, '_HASHES', identity._HASHES.copy(argon2__memory_cost=64, argon2__time_cost=1))


def id_of(actor: Actor) -> int:
    assert actor.user_id is not None
    return actor.user_id


def signed_in_as(actor: Actor, now: datetime = NOON, browser: Browser | None = None) -> str:
    with open_session(SIGN_IN) as session:
        return identity.hash_of(identity.start_session(session, id_of(actor), browser or Browser(), now))


def found(token_hash: str, now: datetime = NOON) -> SignedIn | None:
    with open_session(SIGN_IN, reading=True) as session:
        return identity.session_of(session, token_hash, now)


# ---- passwords --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'password', ['קצר', 'a' * 9, 'x' * 257, 'maakav-demo', 'MAAKAV-DEMO', 'qwertyuiop', 'a' * 20, 'dana@levi.demo']
)
def test_passwords_that_are_easy_to_guess_are_refused_with_a_reason(password: str) -> None:
    with pytest.raises(ClaimError) as refused:
        identity.check_password(password, 'dana@levi.demo')
    assert 'password' in str(refused.value)


@pytest.mark.parametrize('password', [GOOD, 'correct horse battery staple', 'ארבע מילים', '🐈' * 3 + 'חתולים גדולים'])
def test_any_signs_will_do_when_it_is_long_and_its_own(password: str) -> None:
    identity.check_password(password, 'dana@levi.demo')


def test_only_a_slow_hash_is_kept(people: People) -> None:
    with open_session(SIGN_IN) as session:
        identity.set_password(session, id_of(people.dana), GOOD, NOON)
    with open_session(SIGN_IN, reading=True) as session:
        user_id, password_hash = identity.account_of(session, ' Dana@Levi.demo ')
    assert user_id == id_of(people.dana)
    assert password_hash is not None
    assert password_hash.startswith('$argon2id$')
    assert GOOD not in password_hash
    assert identity.verify_password(GOOD, password_hash) == (True, None)
    assert identity.verify_password(GOOD + ' ', password_hash) == (False, None)
    assert identity.verify_password(GOOD, None) == (False, None)
    assert identity.verify_password('x' * 100_000, password_hash) == (False, None)


def test_a_hash_of_older_make_is_made_anew_at_the_next_sign_in() -> None:
    older = identity._HASHES.copy(argon2__time_cost=2).hash(GOOD)
    right, fresh = identity.verify_password(GOOD, older)
    assert right
    assert fresh is not None
    assert identity.verify_password(GOOD, fresh) == (True, None)


def test_an_unknown_account_costs_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the real hashes
    password_hash = identity.hash_password(GOOD)
    spent: dict[str | None, list[float]] = {password_hash: [], None: []}
    for _ in range(4):
        for kept, times in spent.items():
            before = time.thread_time()
            identity.verify_password('wrong horse battery', kept)
            times.append(time.thread_time() - before)
    known, unknown = (min(times) for times in spent.values())
    assert unknown == pytest.approx(known, rel=0.3)


def test_who_may_not_sign_in_looks_like_nobody(people: People) -> None:
    with open_session(SIGN_IN) as session:
        for person in (people.dana, people.yossi, people.rival):
            identity.set_password(session, id_of(person), GOOD, NOON)
        session.get_one(User, id_of(people.yossi)).active = False
        session.get_one(AgentOffice, people.cohen).active = False
    with open_session(SIGN_IN, reading=True) as session:
        assert identity.account_of(session, 'dana@levi.demo')[0] == id_of(people.dana)
        for email in (
            'yossi@levi.demo',
            'agent@cohen.demo',
            'manager@levi.demo',
            'nobody@levi.demo',
            '',
            '\x00',
            "' OR 1=1",
        ):
            assert identity.account_of(session, email) == (None, None)


def test_the_demo_password_is_for_demo_data_only(people: People) -> None:
    with open_session(SIGN_IN) as session:
        identity.set_password(session, id_of(people.dana), 'maakav-demo', NOON, demo=True)
    with pytest.raises(ClaimError), open_session(SIGN_IN) as session:
        identity.set_password(session, id_of(people.dana), 'maakav-demo', NOON)


def test_persons_see_nothing_of_it(people: People) -> None:
    signed_in_as(people.dana)
    for actor in (people.dana, people.admin):
        with open_session(actor, reading=True) as session:
            assert fetch(session, select(WebSession)) == []
    with pytest.raises(ClaimError), open_session(people.admin) as session:
        identity.start_session(session, id_of(people.dana), Browser(), NOON)


# ---- the brake --------------------------------------------------------------------------------------------------------------


def tries(address: str, email: str, times: int, now: datetime = NOON) -> None:
    with open_session(SIGN_IN) as session:
        for _ in range(times):
            identity.take_try(session, identity.tries_of(address, email), now)


def wait(address: str, email: str, now: datetime = NOON, browser: str | None = None) -> int:
    with open_session(SIGN_IN, reading=True) as session:
        return identity.minutes_to_wait(session, identity.tries_of(address, email, browser), now)


def test_the_eleventh_try_for_an_account_waits_wherever_it_comes_from(people: People) -> None:
    for number in range(10):
        assert wait(f'10.0.0.{number}', 'dana@levi.demo') == 0
        tries(f'10.0.0.{number}', 'dana@levi.demo', 1)
    assert wait('10.9.9.9', 'DANA@levi.demo ') == 10
    for spelling in ('mailto:dana@levi.demo', 'da\u200bna@levi.demo'):
        assert wait('10.9.9.9', spelling) == 10, 'it leads to her account'
    assert wait('10.9.9.9', 'yossi@levi.demo') == 0
    assert wait('10.9.9.9', 'dana@levi.demo', NOON + timedelta(minutes=9, seconds=30)) == 1
    assert wait('10.9.9.9', 'dana@levi.demo', NOON + timedelta(minutes=10)) == 0


def test_the_eleventh_try_from_an_address_waits_whoever_it_is_for(people: People) -> None:
    for number in range(10):
        tries('2001:db8:1:2::1', f'user{number}@levi.demo', 1)
    assert wait('2001:db8:1:2:ffff::9', 'dana@levi.demo') == 1, 'one home is one address'
    assert wait('2001:db8:1:3::1', 'dana@levi.demo') == 0
    assert wait('2001:db8:1:2::1', 'dana@levi.demo', NOON + timedelta(minutes=1)) == 0


def test_of_many_tries_at_once_no_more_get_through_than_one_after_the_other(people: People) -> None:
    start = Barrier(20)

    def one(_: int) -> int:
        start.wait(10)
        with open_session(SIGN_IN) as session:
            return identity.take_try(session, identity.tries_of('10.0.0.1', 'dana@levi.demo'), NOON)

    with ThreadPoolExecutor(20) as threads:
        waits = list(threads.map(one, range(20)))
    assert (waits.count(0), waits.count(10)) == (10, 10)


def test_guessing_does_not_lock_the_owner_out_of_his_own_browser(people: People) -> None:
    tries('6.6.6.6', 'dana@levi.demo', 10)
    with open_session(SIGN_IN) as session:
        token = identity.make_link(session, identity.KNOWN_BROWSER, id_of(people.dana), NOON, hours=24 * 365)
        assert identity.knows_browser(session, token, id_of(people.dana), NOON)
        assert not identity.knows_browser(session, token, id_of(people.yossi), NOON)
        assert not identity.knows_browser(session, token, id_of(people.dana), NOON + timedelta(days=366))
        assert not identity.knows_browser(session, 'made up', None, NOON)
        assert identity.link_of(session, token, NOON) is None, 'it sets no password'
    assert wait('10.0.0.1', 'dana@levi.demo') > 0
    assert wait('10.0.0.1', 'dana@levi.demo', browser=identity.hash_of(token)) == 0


def test_a_right_password_frees_the_account_and_gives_the_address_one_try_back(people: People) -> None:
    tries('10.0.0.1', 'dana@levi.demo', 3)
    tries('10.0.0.1', 'yossi@levi.demo', 3)
    with open_session(SIGN_IN) as session:
        identity.forget_tries(session, identity.tries_of('10.0.0.1', 'dana@levi.demo'))
    with open_session(SIGN_IN, reading=True) as session:
        keys = [attempt.key.partition(':')[0] for attempt in fetch(session, select(SignInAttempt))]
    assert (keys.count('address'), keys.count('account')) == (5, 3)


def test_what_was_typed_is_not_kept(people: People) -> None:
    tries('10.0.0.1', 'my-password-in-the-wrong-field', 1)
    with open_session(SIGN_IN, reading=True) as session:
        assert not any('my-password' in attempt.key for attempt in fetch(session, select(SignInAttempt)))


# ---- sessions ---------------------------------------------------------------------------------------------------------------


def test_a_session_tells_who_acts(people: People) -> None:
    present = found(signed_in_as(people.dana))
    assert present is not None
    assert present.actor == people.dana
    assert present.email == 'dana@levi.demo'
    assert found('0' * 64) is None


def test_the_token_itself_is_not_kept(people: People) -> None:
    with open_session(SIGN_IN) as session:
        token = identity.start_session(session, id_of(people.dana), Browser(), NOON)
        again = identity.start_session(session, id_of(people.dana), Browser(), NOON)
    assert token != again
    assert len(token) >= 43, '32 bytes'
    with open_session(SIGN_IN, reading=True) as session:
        assert token not in [kept.token_hash for kept in fetch(session, identity.sessions_of(id_of(people.dana)))]


@pytest.mark.parametrize(
    ('remember', 'after', 'alive'),
    [
        (False, timedelta(hours=11, minutes=59), True),
        (False, timedelta(hours=12), False),
        (True, timedelta(days=29), True),
        (True, timedelta(days=30), False),
    ],
)
def test_a_session_ends_by_itself(people: People, remember: bool, after: timedelta, alive: bool) -> None:
    token_hash = signed_in_as(people.dana, browser=Browser(remember=remember))
    assert (found(token_hash, NOON + after) is not None) is alive


def test_using_it_keeps_a_session_alive_but_not_for_ever(people: People) -> None:
    token_hash = signed_in_as(people.dana)
    later = NOON
    while later < NOON + timedelta(days=29, hours=14):
        later += timedelta(hours=10)
        with open_session(SIGN_IN) as session:
            identity.touch_sessions(session, [token_hash], later)
        assert found(token_hash, later) is not None
    assert found(token_hash, NOON + timedelta(days=30)) is None


def test_a_disabled_person_and_a_closed_office_are_out_at_once(people: People, notices: list[Notice]) -> None:
    dana, rival = signed_in_as(people.dana), signed_in_as(people.rival)
    with open_session(SIGN_IN) as session:
        session.get_one(User, id_of(people.dana)).active = False
        session.get_one(AgentOffice, people.cohen).active = False
    assert found(dana) is None
    assert found(rival) is None
    assert id_of(people.dana) in [notice.user_id for notice in notices if notice.kind == 'access']


def test_another_role_is_not_the_same_standing_but_another_name_is(people: People) -> None:
    token_hash = signed_in_as(people.dana)
    before = found(token_hash)
    assert before is not None
    with open_session(SIGN_IN) as session:
        session.get_one(User, id_of(people.dana)).name = 'דנה ארז־לוי'
    assert before.still(found(token_hash))
    with open_session(SIGN_IN) as session:
        session.get_one(User, id_of(people.dana)).role = Role.OFFICE_MANAGER
    assert not before.still(found(token_hash))
    assert not before.still(None)


def test_who_looks_at_all_sessions_at_once_sees_who_each_is(people: People) -> None:
    everybody = people.manager, people.dana, people.yossi, people.rival, people.staff, people.admin
    tokens = [signed_in_as(who) for who in everybody]
    with open_session(SIGN_IN) as session:
        session.get_one(AgentOffice, people.levi).agents_see_own_only = True
        session.get_one(User, id_of(people.yossi)).active = False
        session.add(Credential(user_id=id_of(people.staff), password_hash='', changed_at=NOON, must_change=True))
    with open_session(SIGN_IN, reading=True) as session:
        together = identity.signed_in(session, [*tokens, 'x' * 64], NOON)
        assert identity.signed_in(session, tokens, NOON + timedelta(days=1)) == {}, 'idle by then'
        for who, token in zip(everybody, tokens, strict=True):
            if who is not people.yossi:
                assert together[token].actor == actor_of(session, id_of(who))
    assert together.keys() == {token for who, token in zip(everybody, tokens, strict=True) if who is not people.yossi}
    by_person = [together[tokens[n]] for n in (0, 1, 3, 4)]
    assert [one.actor.sees_own_only for one in by_person] == [False, True, False, False], 'agents of that office'
    assert [one.must_change for one in by_person] == [False, False, False, True]


def test_signing_out_rings_so_that_open_pages_are_cut(people: People, notices: list[Notice]) -> None:
    first, second, third = (signed_in_as(people.dana) for _ in range(3))
    assert notices == [], 'signing in cuts nobody'
    with open_session(SIGN_IN) as session:
        identity.touch_sessions(session, [first], NOON + timedelta(minutes=1))
    assert notices == [], 'nor does using it'
    with open_session(SIGN_IN) as session:
        identity.end_session(session, second, id_of(people.yossi))
    assert found(second), 'not his to end'
    with open_session(SIGN_IN) as session:
        identity.end_session(session, second)
    assert notices == [Notice('access', user_id=id_of(people.dana))]
    with open_session(SIGN_IN) as session:
        assert identity.end_all_sessions(session, id_of(people.dana), except_for=first) == 1
    assert [bool(found(token_hash)) for token_hash in (first, second, third)] == [True, False, False]
    with open_session(SIGN_IN) as session:
        identity.end_session(session, 'long gone')


# ---- links ------------------------------------------------------------------------------------------------------------------


def test_the_first_admin_makes_himself_once(database: object) -> None:
    with open_session(SIGN_IN) as session:
        void = identity.first_admin_link(session, NOON)
    with open_session(SIGN_IN) as session:
        token = identity.first_admin_link(session, NOON)
    assert void
    assert token
    with open_session(SIGN_IN, reading=True) as session:
        assert identity.link_of(session, void, NOON) is None, 'each start voids the link before'
        assert identity.link_of(session, token, NOON) is not None
        assert identity.link_of(session, token, NOON + timedelta(hours=25)) is None
    admin = NewAdmin('נעמי בר', 'naomi@bureau.co.il')
    with open_session(SIGN_IN) as session:
        user_id = identity.use_link(session, token, identity.hash_password(GOOD), NOON, admin)
    with pytest.raises(ClaimError), open_session(SIGN_IN) as session:
        identity.use_link(session, token, identity.hash_password(GOOD), NOON, admin)
    with open_session(SIGN_IN) as session:
        assert identity.first_admin_link(session, NOON) is None
        assert identity.account_of(session, 'naomi@bureau.co.il')[0] == user_id
        assert session.get_one(User, user_id).role == Role.ADMIN


def test_a_setup_link_is_worthless_once_somebody_is_admin(database: object) -> None:
    with open_session(SIGN_IN) as session:
        token = identity.first_admin_link(session, NOON) or ''
        session.add(User(name='נעמי בר', email='naomi@bureau.co.il', role=Role.ADMIN, created_at=NOON))
    with pytest.raises(ClaimError), open_session(SIGN_IN) as session:
        identity.use_link(session, token, identity.hash_password(GOOD), NOON, NewAdmin('איב', 'eve@evil.example'))


def test_a_link_sets_a_password_once_and_ends_what_was_open(people: People) -> None:
    open_before = signed_in_as(people.dana)
    with open_session(SIGN_IN) as session:
        token = identity.make_link(session, identity.PASSWORD, id_of(people.dana), NOON, hours=48)
        other = identity.make_link(session, identity.PASSWORD, id_of(people.yossi), NOON, hours=48)
    with open_session(SIGN_IN) as session:
        assert identity.use_link(session, token, identity.hash_password(GOOD), NOON) == id_of(people.dana)
    assert found(open_before) is None
    with pytest.raises(ClaimError), open_session(SIGN_IN) as session:
        identity.use_link(session, token, identity.hash_password(GOOD), NOON)
    with open_session(SIGN_IN) as session:
        session.get_one(User, id_of(people.yossi)).active = False
    with pytest.raises(ClaimError), open_session(SIGN_IN) as session:
        identity.use_link(session, other, identity.hash_password(GOOD), NOON)


def test_what_no_longer_counts_is_thrown_away(people: People) -> None:
    tries('10.0.0.1', 'dana@levi.demo', 1)
    signed_in_as(people.dana)
    kept = signed_in_as(people.yossi, browser=Browser(remember=True))
    with open_session(SIGN_IN) as session:
        identity.make_link(session, identity.PASSWORD, id_of(people.dana), NOON, hours=48)
    with open_session(SIGN_IN) as session:
        assert identity.sweep_identity(session, NOON + timedelta(minutes=1)) == 0
    with open_session(SIGN_IN) as session:
        assert identity.sweep_identity(session, NOON + timedelta(days=3)) == 4
    assert found(kept, NOON + timedelta(days=3))
