"""A detached claim on somebody's page: its drafts, and how it takes over what others saved."""

from collections.abc import Sequence
from typing import Any

import pytest

from db.base import Base, now
from db.claims import Claim, claim_by_no, save_fields
from db.offices import User
from db.session import Database, fetch_one, open_session
from db.watching import columns_of, drafted, is_older, take_over, twin_of, watch
from tests.conftest import People
from tests.factories import make_claim


@pytest.fixture
def claim_no(people: People) -> str:
    return make_claim(people.levi, people.staff).claim_no


def _loaded(people: People, claim_no: str) -> Claim:
    with open_session(people.dana, reading=True) as session:
        claim = fetch_one(session, claim_by_no(claim_no))
    assert claim is not None
    return claim


def _saved(people: People, claim: Claim, **changes: Any) -> None:
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {name: (getattr(claim, name), value) for name, value in changes.items()}, now())


def test_a_page_takes_over_what_others_saved(people: People, claim_no: str) -> None:
    shown = _loaded(people, claim_no)
    _saved(people, shown, insured_phone='0525550199', policy_no='77-1')
    changed = take_over(shown, _loaded(people, claim_no))
    assert {'insured_phone', 'policy_no', 'seq', 'version', 'updated_at'} <= set(changed)
    assert (shown.insured_phone, shown.policy_no) == ('0525550199', '77-1')
    assert not drafted(shown)
    assert take_over(shown, _loaded(people, claim_no)) == []


def test_an_older_reading_overwrites_nothing(people: People, claim_no: str) -> None:
    shown, old = _loaded(people, claim_no), _loaded(people, claim_no)
    _saved(people, shown, insured_phone='0525550199')
    take_over(shown, _loaded(people, claim_no))
    assert is_older(old, shown)
    assert take_over(shown, old) == []
    assert shown.insured_phone == '0525550199'


def test_a_twin_goes_its_own_way(people: People, claim_no: str) -> None:
    shared = _loaded(people, claim_no)
    twin = twin_of(shared)
    assert all(getattr(twin, name) == getattr(shared, name) for name in columns_of(Claim))
    _saved(people, shared, policy_no='77-1')
    assert 'policy_no' in take_over(twin, _loaded(people, claim_no))
    assert (twin.policy_no, shared.policy_no) == ('77-1', '')
    twin.insured_phone = '0525550199'
    assert drafted(twin) == {'insured_phone': (shared.insured_phone, '0525550199')}
    assert not drafted(shared)


def test_what_counts_no_versions_is_taken_over_as_it_comes(people: People) -> None:
    with open_session(people.dana, reading=True) as session:
        shown = session.get_one(User, people.dana.user_id)
    with open_session(people.dana) as session:
        session.get_one(User, people.dana.user_id).theme = 'dark'
    with open_session(people.dana, reading=True) as session:
        assert take_over(shown, session.get_one(User, people.dana.user_id)) == ['theme']


def test_what_somebody_types_is_not_overwritten(people: People, claim_no: str) -> None:
    shown = _loaded(people, claim_no)
    before = shown.insured_phone
    shown.insured_phone = '0525550111'
    _saved(people, _loaded(people, claim_no), insured_phone='0525550199', policy_no='77-1')
    changed = take_over(shown, _loaded(people, claim_no))
    assert 'policy_no' in changed
    assert 'insured_phone' not in changed
    assert drafted(shown) == {'insured_phone': (before, '0525550111')}


def test_a_watcher_hears_what_is_set_until_it_stops(people: People, claim_no: str, database: Database) -> None:
    heard: list[Sequence[str]] = []

    def hear(_: Base, names: Sequence[str]) -> None:
        heard.append(names)

    shown = _loaded(people, claim_no)
    stop = watch(Claim, hear)
    shown.policy_no = '77-1'
    stop()
    shown.policy_no = '77-2'
    assert heard == [('policy_no',)]
