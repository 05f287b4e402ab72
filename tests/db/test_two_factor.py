"""Two-step verification: no code counts twice, half a sign-in opens nothing, and who lost his phone gets in another way."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from pyotp import TOTP
from sqlalchemy import select

from db import accounts, identity, sealing, two_factor
from db.admin_changes import admin_history
from db.bureau import bureau_settings
from db.identity import HALF, Browser
from db.scope import Actor, Role
from db.session import fetch, open_session
from db.settings import load
from db.texts import ClaimError
from db.two_factor import TwoFactor
from tests.conftest import People
from tests.factories import turn_on_two_factor

SIGN_IN = Actor.system('sign-in')
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
STEP = timedelta(seconds=30)
LATER = NOON + 10 * STEP


@pytest.fixture
def dana(people: People) -> Actor:
    with open_session(SIGN_IN) as session:
        identity.keep_password(session, people.dana.user_id or 0, 'hash', NOON - timedelta(days=1))
    return people.dana


@pytest.fixture
def phone(dana: Actor) -> TOTP:
    """It has been on since noon."""
    return turn_on_two_factor(dana, NOON)[0]


def half(actor: Actor, moment: datetime = LATER) -> str:
    with open_session(SIGN_IN) as session:
        return identity.make_link(session, HALF, actor.user_id, moment, hours=1)


def who(token: str, typed: str, moment: datetime = LATER) -> int | None:
    with open_session(SIGN_IN) as session:
        return two_factor.second_step(session, token, typed, moment)


def standing(actor: Actor, moment: datetime = LATER) -> two_factor.Standing:
    with open_session(actor, reading=True) as session:
        return two_factor.own_standing(session, moment)


def record(people: People) -> list[tuple[str, str]]:
    with open_session(people.admin, reading=True) as session:
        lines = fetch(session, admin_history(['users'], str(people.dana.user_id)))
    return [(line.kind, line.by) for line in lines]


def require(people: People, *roles: Role) -> None:
    with open_session(people.admin) as session:
        bureau_settings(session).two_factor_roles = list(roles)


# ---- turning it on and off --------------------------------------------------------------------------------------------------


def test_the_first_code_turns_it_on_and_nothing_readable_is_kept(dana: Actor, people: People):
    with open_session(SIGN_IN) as session:
        identity.start_session(session, dana.user_id or 0, Browser(), NOON)
    phone, codes = turn_on_two_factor(dana, NOON)
    assert len(set(codes)) == 10
    assert standing(dana).since == NOON
    assert standing(dana).secret == '', 'nobody sees it again'
    with open_session(SIGN_IN, reading=True) as session:
        kept = session.scalars(select(TwoFactor)).one()
        assert fetch(session, identity.sessions_of(dana.user_id or 0)) == [], (
            'who was signed in with the password alone'
        )
        written = str([(line.fields, line.label, line.kind) for line in fetch(session, admin_history())])
    assert phone.secret not in str(vars(kept))
    assert not any(code in str(kept.recovery) or code.replace('-', '') in str(kept.recovery) for code in codes)
    assert phone.secret not in written
    assert kept.sealed not in written
    assert record(people)[0] == ('two_factor_on', dana.name)


def test_a_browser_known_from_before_is_a_stranger_to_the_codes(dana: Actor):
    def knows(token: str, moment: datetime) -> bool:
        with open_session(SIGN_IN, reading=True) as session:
            return identity.knows_browser(session, token, dana.user_id, moment)

    with open_session(SIGN_IN) as session:
        token = identity.make_link(session, identity.KNOWN_BROWSER, dana.user_id, NOON, hours=9000)
    assert knows(token, NOON)
    turn_on_two_factor(dana, NOON)
    assert not knows(token, LATER)


def test_a_wrong_first_code_turns_nothing_on_and_the_right_one_still_does(dana: Actor):
    with open_session(dana) as session:
        two_factor.begin_two_factor(session, NOON)
    phone = TOTP(standing(dana, NOON).secret)
    with open_session(dana) as session:
        assert two_factor.confirm_two_factor(session, '000000' if phone.at(NOON) != '000000' else '1', NOON) is None
    with open_session(SIGN_IN, reading=True) as session:
        assert not two_factor.is_on(session, dana.user_id or 0)
    with open_session(dana) as session:
        assert two_factor.confirm_two_factor(session, f' {phone.at(NOON)[:3]} {phone.at(NOON)[3:]} ', NOON)
    with open_session(SIGN_IN, reading=True) as session:
        assert two_factor.is_on(session, dana.user_id or 0)


def test_a_secret_waits_a_quarter_of_an_hour_for_its_first_code(dana: Actor):
    with open_session(dana) as session:
        two_factor.begin_two_factor(session, NOON)
    late = NOON + timedelta(minutes=16)
    phone = TOTP(standing(dana, NOON).secret)
    assert standing(dana, late).secret == ''
    with pytest.raises(ClaimError), open_session(dana) as session:
        two_factor.confirm_two_factor(session, phone.at(late), late)


def test_what_is_on_is_not_begun_anew(dana: Actor, phone: TOTP):
    with pytest.raises(ClaimError), open_session(dana) as session:
        two_factor.begin_two_factor(session, LATER)
    with pytest.raises(ClaimError), open_session(dana) as session:
        two_factor.confirm_two_factor(session, phone.at(LATER), LATER)


def test_turning_it_off_takes_a_code_and_stands_in_the_record(dana: Actor, phone: TOTP, people: People):
    with open_session(dana) as session:
        assert not two_factor.turn_off_two_factor(session, phone.at(NOON), LATER)
    assert standing(dana).since
    with open_session(dana) as session:
        assert two_factor.turn_off_two_factor(session, phone.at(LATER), LATER)
    assert standing(dana).since is None
    assert record(people)[0] == ('two_factor_off', dana.name)


def test_new_recovery_codes_void_the_earlier_ones(dana: Actor, people: People):
    phone, earlier = turn_on_two_factor(dana, NOON)
    with open_session(dana) as session:
        assert two_factor.renew_recovery_codes(session, '123', LATER) is None
    with open_session(dana) as session:
        fresh = two_factor.renew_recovery_codes(session, phone.at(LATER), LATER)
    assert fresh
    assert record(people)[0] == ('codes_renewed', dana.name)
    assert who(half(dana), earlier[0]) is None
    assert who(half(dana), fresh[0]) == dana.user_id


# ---- the codes --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(('steps', 'right'), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_phone_may_be_a_step_early_or_late(dana: Actor, phone: TOTP, steps: int, right: bool):
    typed = phone.at(LATER + steps * STEP)
    assert (who(half(dana), typed) == dana.user_id) is right


def test_no_code_counts_twice_nor_one_before_it(dana: Actor, phone: TOTP):
    assert who(half(dana, NOON), phone.at(NOON), NOON) is None, 'it was spent by turning it on'
    typed = phone.at(LATER)
    assert who(half(dana), typed) == dana.user_id
    assert who(half(dana), typed) is None
    assert who(half(dana), phone.at(LATER - STEP)) is None
    assert who(half(dana), phone.at(LATER + STEP)) == dana.user_id


@pytest.mark.parametrize('typed', ['', '0', 'abcdef', '１２３４５６', '123456' * 20, '\x00', '٣٤٥٦٧٨'])
def test_what_is_no_code_is_refused_quietly(dana: Actor, phone: TOTP, typed: str):
    assert who(half(dana), typed) is None


def test_of_many_who_type_the_same_code_at_once_one_gets_in(dana: Actor, phone: TOTP):
    halves, start = [half(dana) for _ in range(6)], Barrier(6)

    def try_in(token: str) -> int | None:
        start.wait()
        return who(token, phone.at(LATER))

    with ThreadPoolExecutor(6) as together:
        assert sorted(map(str, together.map(try_in, halves))) == [str(dana.user_id), *['None'] * 5]


def test_a_recovery_code_lets_in_once_however_it_is_typed(dana: Actor):
    _, codes = turn_on_two_factor(dana, NOON)
    assert who(half(dana), f' {codes[0].upper().replace("-", " ")} ') == dana.user_id
    assert who(half(dana), codes[0]) is None
    assert standing(dana).codes_left == 9
    assert who(half(dana), codes[1][:-1]) is None


def test_nobody_gets_in_by_somebody_elses_codes(dana: Actor, people: People):
    with open_session(SIGN_IN) as session:
        identity.keep_password(session, people.yossi.user_id or 0, 'hash', NOON)
    _, codes = turn_on_two_factor(people.yossi, NOON)
    turn_on_two_factor(dana, NOON)
    assert who(half(dana), codes[0]) is None
    assert who(half(people.yossi), codes[0]) == people.yossi.user_id


def test_with_another_key_only_the_recovery_codes_are_left(dana: Actor, people: People):
    phone, codes = turn_on_two_factor(dana, NOON)
    sealing.use(load(None, two_factor_key='another key than the one before it was'))
    assert who(half(dana), phone.at(LATER)) is None
    assert who(half(dana), codes[0]) == dana.user_id
    with open_session(people.admin, reading=True) as session:
        assert two_factor.spread(session).sealed_otherwise == 1


# ---- half a sign-in ---------------------------------------------------------------------------------------------------------


def test_half_a_sign_in_lasts_five_minutes_and_counts_once(dana: Actor, phone: TOTP):
    at_the_end = LATER + timedelta(minutes=5)
    assert who(half(dana), phone.at(at_the_end), at_the_end) is None
    token, in_time = half(dana), at_the_end - 2 * STEP
    assert who(token, phone.at(in_time), in_time) == dana.user_id
    assert who(token, phone.at(in_time + STEP), in_time + STEP) is None


def test_a_wrong_code_does_not_spend_it(dana: Actor, phone: TOTP):
    token = half(dana)
    assert who(token, '1') is None
    assert who(token, phone.at(LATER)) == dana.user_id


def test_two_browsers_may_sign_in_at_once(dana: Actor, phone: TOTP):
    first, second = half(dana), half(dana)
    assert who(first, phone.at(LATER)) == dana.user_id
    assert who(second, phone.at(LATER + STEP)) == dana.user_id


def test_a_changed_password_voids_it(dana: Actor, phone: TOTP):
    token = half(dana)
    with open_session(SIGN_IN) as session:
        identity.keep_password(session, dana.user_id or 0, 'other', LATER + timedelta(seconds=1))
    assert who(token, phone.at(LATER + STEP), LATER + STEP) is None


def test_a_disabled_account_voids_it(dana: Actor, phone: TOTP, people: People):
    token = half(dana)
    with open_session(people.admin) as session:
        accounts.disable(session, dana.user_id or 0)
    with open_session(people.admin) as session:
        accounts.enable(session, dana.user_id or 0)
    assert who(token, phone.at(LATER)) is None


@pytest.mark.parametrize('purpose', [identity.PASSWORD, identity.KNOWN_BROWSER, identity.PROOF])
def test_no_other_token_is_half_a_sign_in_and_this_is_no_other(dana: Actor, phone: TOTP, purpose: str):
    with open_session(SIGN_IN) as session:
        other = identity.make_link(session, purpose, dana.user_id, LATER, hours=1)
    assert who(other, phone.at(LATER)) is None
    token = half(dana)
    with open_session(SIGN_IN) as session:
        assert identity.link_of(session, token, LATER) is None
        assert not identity.knows_browser(session, token, dana.user_id, LATER)
    with open_session(dana) as session:
        assert not identity.use_proof(session, token, LATER)


# ---- proving it again -------------------------------------------------------------------------------------------------------


def proof(actor: Actor, code: str, moment: datetime = LATER) -> str | None:
    with open_session(actor) as session:
        return two_factor.make_proof(session, code, moment)


def test_a_code_of_the_app_proves_it_once(dana: Actor, phone: TOTP):
    code = phone.at(LATER)
    assert [proof(dana, typed) for typed in ('', '123456x', phone.at(NOON))] == [None] * 3
    token = proof(dana, code)
    assert proof(dana, code) is None
    assert who(half(dana), code) is None, 'it opens no sign-in after it was used'
    with open_session(dana) as session:
        assert [identity.use_proof(session, token or '', LATER) for _ in range(2)] == [True, False]


def test_the_code_that_let_somebody_in_proves_nothing_more(dana: Actor, phone: TOTP):
    code = phone.at(LATER)
    assert who(half(dana), code) == dana.user_id
    assert proof(dana, code) is None
    assert proof(dana, phone.at(LATER + STEP), LATER + STEP)


def test_a_recovery_code_proves_it_once_and_is_used_up(dana: Actor, people: People):
    _, codes = turn_on_two_factor(dana, NOON)
    _, others = turn_on_two_factor(people.yossi, NOON)
    assert proof(dana, others[0]) is None
    assert proof(dana, codes[0].upper())
    assert proof(dana, codes[0]) is None
    assert standing(dana).codes_left == 9


def test_who_has_not_finished_setting_it_up_proves_it_without_a_code(dana: Actor, people: People):
    with open_session(dana) as session:
        two_factor.begin_two_factor(session, NOON)
        assert not two_factor.takes_code(session)
    assert proof(dana, '')
    turn_on_two_factor(people.yossi, NOON)
    with open_session(people.yossi, reading=True) as session:
        assert two_factor.takes_code(session)


# ---- the brake --------------------------------------------------------------------------------------------------------------


def tries(actor: Actor, address: str, moment: datetime, browser: str | None = None) -> int:
    with open_session(SIGN_IN) as session:
        return identity.take_try(session, identity.code_tries_of(address, actor.user_id or 0, browser), moment)


def test_three_codes_a_minute_and_ten_an_hour_wherever_they_come_from(dana: Actor):
    moment = NOON
    for number in range(10):
        assert tries(dana, f'10.0.0.{number}', moment) == 0
        if number % 3 == 2:
            assert tries(dana, f'10.0.1.{number}', moment) == 1
            moment += timedelta(minutes=1)
    assert tries(dana, '10.0.2.1', moment) == 57
    assert tries(dana, '10.0.2.1', NOON + timedelta(minutes=60)) == 0


def test_guessing_from_elsewhere_does_not_lock_the_owner_out(dana: Actor):
    for number in range(4):
        tries(dana, f'6.6.6.{number}', NOON)
    assert tries(dana, '10.0.0.1', NOON) == 1
    assert tries(dana, '10.0.0.1', NOON, 'the browser he always uses') == 0


def test_a_try_is_remembered_for_as_long_as_it_counts(dana: Actor):
    for number in range(10):
        tries(dana, f'10.0.0.{number}', NOON + timedelta(minutes=number))
    with open_session(SIGN_IN) as session:
        identity.sweep_identity(session, NOON + timedelta(minutes=50))
    assert tries(dana, '10.0.1.1', NOON + timedelta(minutes=50)) > 0


# ---- who has to -------------------------------------------------------------------------------------------------------------


def asked(actor: Actor) -> bool:
    with open_session(SIGN_IN, reading=True) as session:
        return two_factor.must_set_up(session, actor.user_id or 0)


def test_it_is_required_of_nobody_until_an_admin_says_so(people: People, dana: Actor):
    everybody = (people.admin, people.staff, people.manager, dana)
    assert not any(asked(actor) for actor in everybody)
    require(people, Role.ADMIN, Role.HANDLER)
    assert [asked(actor) for actor in everybody] == [True, True, False, False]
    turn_on_two_factor(people.staff, NOON)
    assert not asked(people.staff)
    with open_session(people.admin, reading=True) as session:
        assert [line.kind for line in fetch(session, admin_history(['bureau_settings']))] == ['changed']


@pytest.mark.parametrize('roles', [['system'], ['garage'], ['x']])
def test_it_is_required_of_people_only(people: People, roles: list[str]):
    with pytest.raises(ClaimError), open_session(people.admin) as session:
        bureau_settings(session).two_factor_roles = roles


def test_what_is_required_is_not_turned_off(people: People, dana: Actor, phone: TOTP):
    require(people, Role.AGENT)
    with pytest.raises(ClaimError), open_session(dana) as session:
        two_factor.turn_off_two_factor(session, phone.at(LATER), LATER)
    assert standing(dana).since


def test_an_admin_resets_it_for_who_lost_his_phone(people: People, dana: Actor, phone: TOTP):
    with open_session(SIGN_IN) as session:
        identity.start_session(session, dana.user_id or 0, Browser(), LATER)
    token = half(dana)
    with open_session(people.admin) as session:
        accounts.reset_two_factor(session, dana.user_id or 0)
    assert standing(dana).since is None
    assert record(people)[0] == ('two_factor_reset', people.admin.name)
    with open_session(SIGN_IN, reading=True) as session:
        assert fetch(session, identity.sessions_of(dana.user_id or 0)) == []
    assert who(token, phone.at(LATER)) is None
    with pytest.raises(ClaimError), open_session(people.admin) as session:
        accounts.reset_two_factor(session, dana.user_id or 0)


def test_an_admin_sees_who_has_it(people: People, dana: Actor, phone: TOTP):
    with open_session(people.staff) as session:
        two_factor.begin_two_factor(session, NOON)
    turn_on_two_factor(people.staff2, NOON)
    with open_session(people.admin, reading=True) as session:
        found, _ = accounts.accounts(session, accounts.Wanted(), NOON)
        without, _ = accounts.accounts(session, accounts.Wanted(standing='one_step'), NOON)
        spread = two_factor.spread(session)
    assert {one.user.id for one in found if one.has_two_factor} == {dana.user_id, people.staff2.user_id}
    assert {one.user.id for one in without} == {one.user.id for one in found if not one.has_two_factor}
    assert (spread.bureau, spread.bureau_with, spread.roles) == (3, 1, ())
