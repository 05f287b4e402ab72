"""Money by heads of damage: the totals follow, nobody's number is lost, VAT goes by its date."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.base import now
from db.changes import history_of
from db.claims import Claim, ClaimConflict, save_fields
from db.money import (
    HeadAmount,
    OfferNote,
    answer_offer,
    heads_of,
    log_offer,
    net_of_vat,
    offers_of,
    rate_on,
    save_amounts,
    take_head_off,
    take_vat_off,
    totals_of,
    vat_rates,
)
from db.scope import Actor
from db.session import fetch, open_session
from db.texts import ClaimError, Told
from tests.conftest import People, made_once
from tests.factories import SYSTEM, make_claim


@made_once
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, agent=people.dana.user_id)


def save(actor: Actor, claim: Claim, head: str, **sums: int | str | None) -> None:
    with open_session(actor) as session:
        save_amounts(session, claim.id, head, {name: (None, wanted) for name, wanted in sums.items()}, now())


def as_it_is(claim: Claim) -> Claim:
    with open_session(SYSTEM, reading=True) as session:
        return session.get_one(Claim, claim.id)


def test_the_totals_of_the_claim_follow_from_its_heads(people, claim):
    save(people.staff, claim, 'repair_cost', demanded=31_200_00, approved=18_500_00)
    save(people.staff, claim, 'depreciation', demanded=4_350_00)
    after = as_it_is(claim)
    assert (after.demand_amount, after.approved_amount, after.received_amount) == (35_550_00, 18_500_00, None)
    assert (after.money, after.balance) == ('approved', 35_550_00)


def test_the_moving_total_is_the_news_and_the_head_stands_in_the_history(people, claim):
    save(people.staff, claim, 'repair_cost', demanded=31_200_00)
    with open_session(people.dana, reading=True) as session:
        told = {change.kind: change for change in fetch(session, history_of(claim.id))}
    assert told['money'].quiet
    assert told['money'].fields == {'head': [None, 'repair_cost'], 'demanded': [None, 31_200_00]}
    assert not told['updated'].quiet
    assert told['updated'].fields == {'demand_amount': [None, 31_200_00]}


def test_a_total_typed_before_stays_until_a_head_says_otherwise(people, claim):
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'demand_amount': (None, 40_000_00)}, now())
    save(people.staff, claim, 'towing_cost', received=500_00)
    assert as_it_is(claim).demand_amount == 40_000_00
    save(people.staff, claim, 'towing_cost', demanded=650_00)
    assert as_it_is(claim).demand_amount == 650_00


def test_a_total_that_contradicts_the_heads_is_refused(people, claim):
    save(people.staff, claim, 'repair_cost', demanded=31_200_00)
    with pytest.raises(ClaimError, match='follows from the heads'), open_session(people.staff) as session:
        save_fields(session, claim.id, {'demand_amount': (31_200_00, 1_00)}, now())
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'received_amount': (None, 100_00)}, now())
    assert as_it_is(claim).received_amount == 100_00


def test_a_sum_that_is_taken_back_leaves_the_total_too(people, claim):
    save(people.staff, claim, 'repair_cost', demanded=31_200_00)
    with open_session(people.staff) as session:
        save_amounts(session, claim.id, 'repair_cost', {'demanded': (31_200_00, None)}, now())
    assert as_it_is(claim).demand_amount is None


def test_a_head_that_is_taken_off_leaves_the_list_and_the_total(people, claim):
    save(people.staff, claim, 'repair_cost', demanded=31_200_00, approved=18_500_00, reason='wear')
    save(people.staff, claim, 'towing_cost', demanded=650_00)
    with pytest.raises(ClaimConflict), open_session(people.staff2) as session:
        take_head_off(session, claim.id, 'repair_cost', {'demanded': 31_200_00}, now())
    with open_session(people.staff) as session:
        take_head_off(session, claim.id, 'repair_cost', {'demanded': 31_200_00, 'approved': 18_500_00}, now())
    with open_session(people.dana, reading=True) as session:
        assert [row.head for row in fetch(session, heads_of(claim.id))] == ['towing_cost']
        told = fetch(session, history_of(claim.id))
    assert (as_it_is(claim).demand_amount, as_it_is(claim).approved_amount) == (650_00, None)
    assert any(change.fields.get('demanded') == [31_200_00, None] for change in told)


def test_of_two_people_the_second_is_told(people, claim):
    save(people.staff, claim, 'repair_cost', demanded=31_200_00)
    with pytest.raises(ClaimError, match='Somebody else'):
        save(people.staff2, claim, 'repair_cost', demanded=1_00)
    save(people.staff2, claim, 'repair_cost', approved=1_00)
    assert as_it_is(claim).demand_amount == 31_200_00


def test_the_gap_has_a_reason_from_the_list(people, claim):
    save(people.staff, claim, 'repair_cost', demanded=31_200_00, approved=18_500_00, reason='price_list')
    with open_session(people.dana, reading=True) as session:
        row = fetch(session, heads_of(claim.id))[0]
        assert (row.gap, row.balance, row.reason) == (12_700_00, 31_200_00, 'price_list')
    for bad in ({'reason': 'x'}, {'id': 7}, {'demanded': -1}):
        with pytest.raises(Told):
            save(people.staff, claim, 'depreciation', **bad)
    with pytest.raises(ClaimError, match='from the list'):
        save(people.staff, claim, 'no such head', demanded=1)


def test_the_bureau_writes_and_the_office_reads(people, claim):
    with pytest.raises(ClaimError, match='not allowed'):
        save(people.dana, claim, 'repair_cost', demanded=1)
    with pytest.raises(ClaimError, match='not found'):
        save(people.staff, Claim(id=claim.id + 99), 'repair_cost', demanded=1)


def test_a_business_claims_without_vat_once(people, claim):
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'submitted_at': (None, date(2026, 11, 1))}, now())
    save(people.staff, claim, 'repair_cost', demanded=11_800_00)
    with open_session(people.staff) as session:
        take_vat_off(session, claim.id, 'repair_cost', now())
    assert as_it_is(claim).demand_amount == 10_000_00
    with pytest.raises(ClaimError, match='no VAT'), open_session(people.staff) as session:
        take_vat_off(session, claim.id, 'repair_cost', now())


def test_a_demand_typed_anew_has_its_vat_in_it_again(people, claim):
    save(people.staff, claim, 'repair_cost', demanded=1_180_00)
    with open_session(people.staff) as session:
        net = take_vat_off(session, claim.id, 'repair_cost', now()).demanded
        save_amounts(session, claim.id, 'repair_cost', {'demanded': (net, net), 'offered': (None, 900_00)}, now())
        assert fetch(session, heads_of(claim.id))[0].net_of_vat
        save_amounts(session, claim.id, 'repair_cost', {'demanded': (net, 2_360_00)}, now())
        assert not fetch(session, heads_of(claim.id))[0].net_of_vat
        assert take_vat_off(session, claim.id, 'repair_cost', now()).demanded == 2_000_00


def test_the_rate_of_vat_goes_by_its_date(database):
    with open_session(SYSTEM, reading=True) as session:
        rates = fetch(session, vat_rates())
    rate = {day: rate_on(rates, date.fromisoformat(day)) for day in ('2015-10-01', '2024-12-31', '2025-01-01')}
    assert rate == {'2015-10-01': 17, '2024-12-31': 17, '2025-01-01': 18}
    assert rate_on(rates, date(2001, 1, 1)) == 0


@given(st.integers(0, 10**11), st.integers(0, 30))
def test_a_sum_without_vat_and_its_vat_make_the_sum_again(gross, percent):
    net = net_of_vat(gross, percent)
    assert 0 <= net <= gross
    assert abs(net * (100 + percent) - gross * 100) <= (100 + percent) / 2


@given(st.lists(st.builds(HeadAmount, demanded=st.none() | st.integers(0, 10**9)), max_size=12))
def test_a_total_is_the_sum_of_what_is_known(heads):
    known = [head.demanded for head in heads if head.demanded is not None]
    assert totals_of(heads).demanded == (sum(known) if known else None)


def test_an_offer_is_answered_once(people, claim):
    with open_session(people.staff) as session:
        offer = log_offer(session, claim.id, OfferNote('undisputed', 18_500_00, date(2026, 11, 2), 'בטלפון'), now())
    with open_session(people.staff) as session:
        answer_offer(session, offer.id, 'accepted', now())
    with pytest.raises(ClaimError, match='already'), open_session(people.staff2) as session:
        answer_offer(session, offer.id, 'refused', now())
    with open_session(people.dana, reading=True) as session:
        assert [(known.amount, known.answer) for known in fetch(session, offers_of(claim.id))] == [
            (18_500_00, 'accepted')
        ]
        kinds = [change.kind for change in fetch(session, history_of(claim.id))]
    assert kinds[:2] == ['offer.answered', 'offer']


@pytest.mark.parametrize(
    'heard',
    [
        OfferNote('gift', 1, date(2026, 11, 2)),
        OfferNote('full', 0, date(2026, 11, 2)),
        OfferNote('full', 1, date(2099, 11, 2)),
    ],
)
def test_an_offer_that_cannot_be_is_refused(people, claim, heard):
    with pytest.raises(ClaimError), open_session(people.staff) as session:
        log_offer(session, claim.id, heard, now())


def test_an_answer_that_cannot_be_is_refused(people, claim):
    with open_session(people.staff) as session:
        offer = log_offer(session, claim.id, OfferNote('full', 1, date(2026, 11, 2)), now())
    for offer_id, answer in ((offer.id, 'open'), (offer.id, 'x'), (offer.id + 9, 'accepted')):
        with pytest.raises(ClaimError), open_session(people.staff) as session:
            answer_offer(session, offer_id, answer, now())
