"""The clients of an office: who is one and the same, what his claims came to, and whose claims count for nothing."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from db.changes import date_record
from db.claims import Claim, change_status, save_fields
from db.clients import ALL, MOST, NAME, YEAR, Client, Clients, ClientsState, client_of, clients_of, span_of
from db.documents import Arrived, Slot, accept, attach
from db.habits import ENOUGH, day_of_money
from db.offices import AgentOffice
from db.scope import Actor, Role
from db.session import open_session
from db.texts import ClaimError
from tests.conftest import People
from tests.factories import make_claim, make_user

TODAY = date(2026, 11, 23)
NUMBER = '034862177'
PAPER = Arrived('אישור.pdf', 'אישור.pdf', 'application/pdf', 1, 'cd' * 32, 1, 'cd' * 32, pages=1)


def a_claim(people: People, office: int | None = None, **fields: Any) -> Claim:
    given = {'insured_id_no': NUMBER, 'opened_at': date(2026, 9, 1), **fields}
    return make_claim(office or people.levi, people.staff, given)


def client(actor: Actor, claim: Claim, period: str = YEAR) -> Client:
    with open_session(actor, reading=True) as session:
        return client_of(session, claim.claim_no, period, TODAY)


def clients(actor: Actor, most: int = 50, **asked: Any) -> Clients:
    with open_session(actor, reading=True) as session:
        return clients_of(session, ClientsState(**asked), TODAY, most)


def close(people: People, claim: Claim, reason: str = 'אחר') -> None:
    with open_session(people.staff) as session:
        change_status(session, claim.id, 'closed', reason, claim.status, datetime(2026, 11, 1, tzinfo=UTC))


def receive(people: People, claim: Claim, day: date, amount: int | None, before: int | None = None) -> None:
    """Note what was received, on a day."""
    noon = datetime(day.year, day.month, day.day, 10, tzinfo=UTC)
    with open_session(people.staff) as session:
        date_record(session, noon)
        save_fields(session, claim.id, {'received_amount': (before, amount)}, noon)


# ---- who is one and the same ------------------------------------------------------------------------------------------------


def test_claims_with_one_number_are_one_clients_whatever_he_is_called(people: People) -> None:
    first = a_claim(people, insured_name='רונית ברקוביץ')
    a_claim(people, insured_name='רונית בר', insured_phone='0541112223')
    a_claim(people, insured_id_no='')
    a_claim(people, insured_id_no='200000008')
    told = client(people.manager, first)
    assert (told.known_by, told.claims, told.other_names) == ('id_no', 2, ['רונית בר'])
    assert sorted(line.claims for line in clients(people.manager).lines) == [1, 1, 2]


def test_without_a_number_it_takes_the_same_name_and_the_same_phone(people: People) -> None:
    first = a_claim(people, insured_id_no='')
    a_claim(people, insured_id_no='', insured_name="רונית  ברקוביץ'")
    a_claim(people, insured_id_no='', insured_phone='0541112223')
    a_claim(people, insured_id_no='', insured_name='יואב ברקוביץ')
    a_claim(people)
    told = client(people.manager, first)
    assert (told.known_by, told.claims) == ('name_and_phone', 2)
    assert sorted(line.claims for line in clients(people.manager).lines) == [1, 1, 1, 2]


def test_without_a_phone_either_a_claim_is_by_itself(people: People) -> None:
    first, _ = (a_claim(people, insured_id_no='', insured_phone='') for _ in range(2))
    assert (client(people.manager, first).known_by, client(people.manager, first).claims) == ('claim', 1)
    assert [line.claims for line in clients(people.manager).lines] == [1, 1]


def test_nobody_is_compared_across_offices(people: People) -> None:
    mine = a_claim(people, demand_amount=100_00)
    theirs = a_claim(people, people.cohen, demand_amount=900_00, insured_name='קנרית')
    for actor in (people.manager, people.staff, people.admin):
        told = client(actor, mine)
        assert (told.claims, told.demanded, told.office, told.other_names) == (1, 100_00, 'סוכנות לוי', [])
    assert client(people.staff, theirs).demanded == 900_00
    for actor in (people.manager, people.dana):
        with pytest.raises(ClaimError):
            client(actor, theirs)
        assert [line.demanded for line in clients(actor, office=str(people.cohen)).lines] == []
        assert [line.demanded for line in clients(actor).lines] == [100_00]
    for office, demanded in ((people.levi, 100_00), (people.cohen, 900_00)):
        assert [line.demanded for line in clients(people.staff, office=str(office)).lines] == [demanded]
    assert clients(people.staff) == Clients([], 0), 'of which office, the bureau has to say'


def test_who_sees_his_own_claims_only_has_no_others_counted(people: People) -> None:
    mine = a_claim(people, agent=people.dana.user_id, demand_amount=100_00)
    other = a_claim(people, agent=people.yossi.user_id, demand_amount=900_00)
    with open_session(Actor.system('test')) as session:
        session.get_one(AgentOffice, people.levi).agents_see_own_only = True
    dana = Actor(people.dana.user_id, 'דנה', Role.AGENT, people.levi, sees_own_only=True)
    assert (client(dana, mine).claims, client(dana, mine).demanded) == (1, 100_00)
    assert [(line.claims, line.demanded) for line in clients(dana).lines] == [(1, 100_00)]
    with pytest.raises(ClaimError):
        client(dana, other)
    assert client(people.manager, mine).claims == 2


def test_whoever_reads_masks_has_the_same_clients_and_no_number(people: People) -> None:
    first, _ = a_claim(people), a_claim(people)
    a_claim(people, insured_id_no='200000008')
    for actor, asked in (
        (make_user('צופה', Role.READ_ONLY, people.levi), ''),
        (make_user('אורן', Role.REPAIR_TEAM), str(people.levi)),
    ):
        told = client(actor, first)
        assert (told.claims, told.id_no.endswith('••2177'), NUMBER in repr(told)) == (2, True, False)
        lines = clients(actor, office=asked).lines
        assert (sorted(line.claims for line in lines), NUMBER in repr(lines)) == ([1, 2], False)
    assert client(people.dana, first).id_no == NUMBER


# ---- what is told of him ----------------------------------------------------------------------------------------------------


def test_sums_and_states_are_of_the_claims_opened_in_twelve_months(people: People) -> None:
    first = a_claim(people, demand_amount=8_000_00, opened_at=date(2026, 10, 1))
    paid = a_claim(people, demand_amount=2_000_00, opened_at=date(2025, 11, 24))
    a_claim(people, demand_amount=None)
    a_claim(people, demand_amount=5_000_00, opened_at=date(2025, 11, 23))
    receive(people, paid, date(2026, 3, 1), 1_500_00)
    close(people, paid)
    told = client(people.manager, first)
    assert (told.claims, told.opened, told.before) == (3, 2, 1)
    assert (told.demanded, told.received, told.undemanded) == (10_000_00, 1_500_00, 1)
    assert [claim.opened_at.month for claim in told.shown] == [10, 9, 11], 'the newest first'
    of_all = client(people.manager, first, ALL)
    assert (of_all.claims, of_all.demanded, of_all.before, of_all.span) == (4, 15_000_00, 0, None)
    line = clients(people.manager).lines[0]
    assert (line.claims, line.opened, line.demanded, line.received) == (3, 2, 10_000_00, 1_500_00)
    assert clients(people.manager, period=ALL).lines[0].claims == 4


@pytest.mark.parametrize(
    ('today', 'first'),
    [(date(2026, 11, 23), date(2025, 11, 24)), (date(2028, 2, 29), date(2027, 3, 1))],
)
def test_a_year_goes_back_to_the_same_day(today: date, first: date) -> None:
    span = span_of(YEAR, today)
    assert span is not None
    assert span.days == (first, today)
    assert span_of(ALL, today) is None


def test_what_was_opened_by_mistake_counts_for_nothing(people: People) -> None:
    first = a_claim(people, demand_amount=100_00)
    wrong, other = (a_claim(people, demand_amount=900_00) for _ in range(2))
    close(people, wrong, 'טעות – ביטול')
    close(people, other, 'נסגר ללא גבייה')
    told = client(people.manager, first)
    assert (told.claims, told.mistakes, told.demanded) == (2, 1, 1_000_00)
    assert [(line.claims, line.demanded) for line in clients(people.manager).lines] == [(2, 1_000_00)]
    with open_session(people.staff) as session:
        change_status(session, wrong.id, 'new', 'נפתחה שוב: טעות – ביטול', 'closed', datetime(2026, 11, 2, tzinfo=UTC))
    assert client(people.manager, first).claims == 3


def test_of_the_own_policy_only_what_was_said_is_told(people: People) -> None:
    first = a_claim(people, own_policy_used=False)
    assert client(people.manager, first).policy.untouched
    silent = a_claim(people)
    told = client(people.manager, first)
    assert ((told.policy.used, told.policy.unsaid), told.policy.untouched) == ((0, 1), False)
    with open_session(people.staff) as session:
        save_fields(session, silent.id, {'own_policy_used': (None, True)}, datetime.now(UTC))
    policy = clients(people.manager).lines[0].policy
    assert ((policy.claims, policy.used, policy.unsaid), policy.untouched) == ((2, 1, 0), False)
    assert client(people.manager, first).policy == policy


def test_a_confirmation_of_the_own_insurer_counts_once_it_was_accepted(people: People) -> None:
    first = a_claim(people, own_policy_used=False)
    with open_session(people.dana) as session:
        paper = attach(session, first.id, PAPER, Slot('no_claim_confirmation'), datetime.now(UTC))
    assert client(people.manager, first).confirmed == 0
    with open_session(people.staff) as session:
        accept(session, paper.document.uuid, datetime.now(UTC))
    told = client(people.manager, first)
    assert (told.confirmed, [claim.confirmed for claim in told.shown]) == (1, [True])


def test_of_very_many_claims_the_newest_are_told_and_all_are_summed(people: People) -> None:
    claims = [a_claim(people, demand_amount=100, event_date=date(2026, 1, 1)) for _ in range(MOST + 2)]
    told = client(people.manager, claims[0])
    assert (told.claims, len(told.shown), told.demanded) == (MOST + 2, MOST, (MOST + 2) * 100)


# ---- days to the money ------------------------------------------------------------------------------------------------------

ENTERED = datetime(2026, 9, 1, 7, tzinfo=UTC)


def at(day: int) -> datetime:
    return ENTERED + timedelta(days=day)


@pytest.mark.parametrize(
    ('moves', 'day'),
    [
        ([], None),
        ([(10, 500), (20, 300)], 10),
        ([(10, 500), (12, -500), (30, 700)], 30),
        ([(10, 500), (12, -500)], None),
        ([(10, 500), (12, -200)], 10),
        ([(0, 500), (12, 200)], None),
    ],
)
def test_the_money_came_when_the_first_that_stayed_was_noted(moves: list[tuple[int, int]], day: int | None) -> None:
    came = day_of_money(ENTERED, [(at(n), amount) for n, amount in moves])
    assert came == (None if day is None else at(day).date())


def test_days_are_told_of_each_claim_and_what_is_usual_of_enough_only(people: People) -> None:
    first, waiting = a_claim(people, opened_at=TODAY), a_claim(people)
    for n in range(ENOUGH - 1):
        other = a_claim(people, people.cohen, insured_id_no='', opened_at=date(2026, 12, 1))
        receive(people, other, date(2026, 12, 11) + timedelta(days=n), 100)
        close(people, other)
    receive(people, first, date(2026, 12, 5), 100)
    told = client(people.manager, first)
    assert {claim.claim_no: claim.days for claim in told.shown} == {first.claim_no: 12, waiting.claim_no: None}
    assert (told.days, told.usual.known, told.usual.cases) == ([12], False, ENOUGH - 1)
    close(people, first)
    told = client(people.manager, first)
    assert (told.usual.known, told.usual.number, told.sooner) == (True, 13.5, 1)


# ---- the list ---------------------------------------------------------------------------------------------------------------


def test_the_list_is_sorted_and_cut_into_pages(people: People) -> None:
    for name, number, claims, received in (
        ('גיל', '200000008', 1, 300),
        ('אבי', NUMBER, 3, 100),
        ('בני', '312456783', 2, 200),
    ):
        made = [a_claim(people, insured_name=name, insured_id_no=number) for _ in range(claims)]
        receive(people, made[0], TODAY, received)

    def names(sort: str, page: int = 1, most: int = 50) -> list[str]:
        return [line.name for line in clients(people.manager, most, sort=sort, page=page).lines]

    assert (names('received'), names('claims')) == (['גיל', 'בני', 'אבי'], ['אבי', 'בני', 'גיל'])
    assert names(NAME) == ['אבי', 'בני', 'גיל']
    assert (names(NAME, 2, 2), names(NAME, 9, 2)) == (['גיל'], ['גיל'])
    assert [clients(people.manager, 2, page=page).total for page in (1, 2, 9)] == [3, 3, 3]
    assert clients(people.rival, page=9) == Clients([], 0)


def test_an_address_never_raises_and_says_what_was_not_understood() -> None:
    read = ClientsState.read({'period': 'x', 'sort': "';--", 'office': '٣', 'page': '-1'})
    assert read == ClientsState(unknown=('x', "';--", '٣'))
    asked = ClientsState.read({'period': ALL, 'sort': NAME, 'office': '7', 'page': '3'})
    assert ClientsState.read(dict(part.split('=') for part in asked.address().split('&'))) == asked
    assert ClientsState().address() == ''
