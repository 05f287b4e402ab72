"""One order for many claims: what it leaves alone and why, that it does nothing twice, and nothing to what is not its person's."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from db.alerts import Alert, unread_groups
from db.base import now
from db.bulk_orders import (
    BulkLine,
    BulkOrder,
    Plan,
    Report,
    Wish,
    forget_orders,
    place_order,
    plan_for,
    present_order,
    put_away,
)
from db.changes import Change
from db.claims import Claim, change_status, mark_checked, save_fields
from db.doorbell import Notice
from db.list_state import ListState
from db.message_templates import MessageTemplate
from db.messages import Message
from db.offices import User
from db.scope import Actor, Role
from db.session import open_session
from db.texts import ClaimError, Told
from jobs.bulk_orders import carry_out_orders
from tests.conftest import People, made_once
from tests.factories import SYSTEM, alert_everybody, make_claim


def plan(who: Actor, wish: Wish, chosen: Sequence[Claim] | ListState) -> Plan:
    numbers = chosen if isinstance(chosen, ListState) else [claim.claim_no for claim in chosen]
    with open_session(who, reading=True) as session:
        return plan_for(session, wish, numbers, now())


def give(who: Actor, planned: Plan, key: str = 'k') -> int:
    with open_session(who) as session:
        return place_order(session, key, planned, now()).id


def order(who: Actor, wish: Wish, chosen: Sequence[Claim], key: str = 'k') -> Report:
    give(who, plan(who, wish, chosen), key)
    carry_out_orders()
    return report(who)


def report(who: Actor) -> Report:
    with open_session(who, reading=True) as session:
        found = present_order(session)
        assert found is not None
        return found


def told(groups: Sequence[object]) -> dict[str, int]:
    return {group.why.key: group.count for group in groups}  # type: ignore[attr-defined]


def again(claim: Claim) -> Claim:
    with open_session(SYSTEM, reading=True) as session:
        return session.get_one(Claim, claim.id)


@made_once
def three(people: People) -> list[Claim]:
    return [make_claim(people.levi, people.staff, plate=f'2173480{n}') for n in range(3)]


def test_a_status_for_many_is_told_before_and_done_with_its_history(people: People, three: list[Claim]) -> None:
    there, closed, fresh = three
    with open_session(people.staff) as session:
        change_status(session, there.id, 'rejected', 'חריגה מהכיסוי', 'new', now())
        change_status(session, closed.id, 'closed', 'paid_in_full', 'new', now())
    wish = Wish('status', 'rejected', 'אין כיסוי')
    planned = plan(people.staff, wish, three)
    assert list(planned.ready) == [fresh.id]
    assert {group.why.key: list(group.numbers) for group in planned.groups} == {
        'Already in this status': [there.claim_no],
        'The claim is closed': [closed.claim_no],
    }
    assert again(fresh).status == 'new', 'nothing happened yet'

    done = order(people.staff, wish, three)
    assert (done.done, done.waiting, done.order.state) == (1, 0, 'finished')
    assert told(done.groups) == {'Already in this status': 1, 'The claim is closed': 1}
    assert (again(fresh).status, again(fresh).status_reason) == ('rejected', 'אין כיסוי')
    assert again(there).status_reason == 'חריגה מהכיסוי'
    with open_session(people.dana, reading=True) as session:
        change = session.scalars(select(Change).where(Change.claim_id == fresh.id).order_by(Change.id.desc())).first()
        assert change is not None
        assert (change.by, change.fields['status']) == (people.staff.name, ['new', 'rejected'])
    alert_everybody()
    with open_session(people.dana, reading=True) as session:
        of_order = select(func.count(Alert.id)).where(Alert.claim_id == fresh.id, Alert.change_id == change.id)
        assert session.scalar(of_order) == 1


def test_a_status_that_takes_a_reason_is_refused_before_anything_is_looked_at(
    people: People, three: list[Claim]
) -> None:
    with pytest.raises(ClaimError, match='takes a reason'):
        plan(people.staff, Wish('status', 'rejected'), three)
    with pytest.raises(ClaimError, match='not in use'):
        plan(people.staff, Wish('status', 'no_such'), three)
    with pytest.raises(Told, match='Please shorten'):
        plan(people.staff, Wish('status', 'rejected', 'א' * 501), three)


def test_claims_are_given_to_a_colleague(people: People, three: list[Claim]) -> None:
    colleague = str(people.staff2.user_id)
    with open_session(people.staff) as session:
        save_fields(session, three[0].id, {'handler': (None, people.staff2.user_id)}, now())
    done = order(people.staff, Wish('assign', colleague), three)
    assert (done.done, told(done.groups)) == (2, {'Already with this colleague': 1})
    assert {again(claim).handler for claim in three} == {people.staff2.user_id}
    for nobody in (str(people.dana.user_id), '0', 'x', '٣', '9' * 40):
        with pytest.raises(ClaimError, match='Handler'):
            plan(people.staff, Wish('assign', nobody), three)


def test_checked_today_moves_no_row_and_is_said_once(people: People, three: list[Claim]) -> None:
    with open_session(people.staff2) as session:
        mark_checked(session, three[0].id, now())
    done = order(people.staff, Wish('checked'), three)
    assert (done.done, told(done.groups)) == (2, {'Already checked today': 1})
    assert [again(claim).seq for claim in three] == [claim.seq for claim in three]
    assert again(three[1]).checked_by == people.staff.name


def test_a_template_goes_to_each_office_and_never_with_a_gap(people: People, three: list[Claim]) -> None:
    with open_session(people.admin) as session:
        session.add(
            MessageTemplate(
                id='asks',
                position=99,
                label='x',
                label_en='x',
                audience='agent',
                body='{insured_name}: {demand_amount}',
            )
        )
    with open_session(people.staff) as session:
        save_fields(session, three[0].id, {'demand_amount': (None, 1_234_500)}, now())
    done = order(people.staff, Wish('message', 'asks'), three)
    assert done.done == 1
    (left,) = done.groups
    assert (left.why.key, left.why.values, left.count) == (
        '"{name}" is not known of the claim',
        {'name': 'Demanded'},
        2,
    )
    with open_session(people.dana, reading=True) as session:
        (message,) = session.scalars(select(Message))
        assert (message.claim_id, message.by) == (three[0].id, people.staff.name)
        assert '12,345' in message.body
    with pytest.raises(ClaimError, match='not in use'):
        plan(people.staff, Wish('message', 'no_such'), three)
    with pytest.raises(ClaimError, match='filled in by hand'):
        plan(people.staff, Wish('message', 'request_documents'), three)


def test_what_somebody_changed_meanwhile_is_left_alone(people: People, three: list[Claim]) -> None:
    planned = plan(people.staff, Wish('status', 'submitted'), three)
    with open_session(people.staff2) as session:
        change_status(session, three[0].id, 'in_repair', '', 'new', now())
    give(people.staff, planned)
    with open_session(people.staff2) as session:
        change_status(session, three[1].id, 'closed', 'paid_in_full', 'new', now())
    carry_out_orders()
    done = report(people.staff)
    assert (done.done, told(done.groups)) == (1, {'Somebody changed the claim meanwhile': 1, 'The claim is closed': 1})
    assert [again(claim).status for claim in three] == ['in_repair', 'closed', 'submitted']


def test_two_clicks_are_one_order_and_one_runs_at_a_time(people: People, three: list[Claim]) -> None:
    planned = plan(people.staff, Wish('status', 'submitted'), three)
    assert give(people.staff, planned) == give(people.staff, planned)
    with pytest.raises(ClaimError, match='still running'):
        give(people.staff, planned, 'another')
    carry_out_orders()
    assert give(people.staff, planned) == report(people.staff).order.id, 'and after it is done, too'
    assert carry_out_orders() == 0
    with open_session(people.staff, reading=True) as session:
        assert session.scalar(select(func.count(BulkOrder.id))) == 1
        changed = select(func.count(Change.id)).where(Change.claim_id == three[0].id, Change.kind == 'updated')
        assert session.scalar(changed) == 1


def test_another_choice_sent_after_an_order_that_seemed_lost_is_said_not_to_be_taken(
    people: People, three: list[Claim]
) -> None:
    first, other = (plan(people.staff, Wish('status', status), three) for status in ('submitted', 'in_repair'))
    give(people.staff, first)
    for _ in range(2):  # while it runs, and after it is done
        with pytest.raises(ClaimError, match='The other choice was not ordered'):
            give(people.staff, other)
        carry_out_orders()
    assert {again(claim).status for claim in three} == {'submitted'}


def test_an_interrupted_order_goes_on_where_it_was(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    claims = [make_claim(people.levi, people.staff, plate=f'21734{n:03d}') for n in range(7)]
    give(people.staff, plan(people.staff, Wish('status', 'submitted'), claims))
    monkeypatch.setattr('db.bulk_orders.CHUNK', 3)
    real, calls = change_status, []

    def dies(*args: object) -> Claim:
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr('db.bulk_orders.change_status', dies)
    with pytest.raises(KeyboardInterrupt):
        carry_out_orders()
    assert (report(people.staff).done, report(people.staff).waiting) == (3, 4)
    carry_out_orders()
    assert report(people.staff).done == 7
    with open_session(people.staff, reading=True) as session:
        assert session.scalar(select(func.count(Change.id)).where(Change.kind == 'updated')) == 7


def test_one_claim_that_refuses_spoils_nothing(
    people: People, three: list[Claim], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = change_status

    def refuses(session: object, claim_id: int, *rest: object) -> Claim:
        if claim_id == three[1].id:
            raise ClaimError('This status is not in use.')
        if claim_id == three[2].id:
            raise ZeroDivisionError
        return real(session, claim_id, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr('db.bulk_orders.change_status', refuses)
    done = order(people.staff, Wish('status', 'submitted'), three)
    assert (done.done, done.waiting) == (1, 0)
    assert told(done.groups) == {'This status is not in use.': 1, 'Something went wrong on our side': 1}


def test_claims_of_others_are_neither_counted_nor_touched(people: People, three: list[Claim]) -> None:
    foreign = make_claim(people.cohen, people.staff)
    planned = plan(people.dana, Wish('read'), [*three, foreign])
    assert planned.chosen == 3
    hostile = Plan(Wish('read'), {foreign.id: '9999999', three[0].id: '9999999'}, {}, (), 2)
    give(people.dana, hostile)
    carry_out_orders()
    assert report(people.dana).total == 1
    with open_session(people.rival, reading=True) as session:
        assert session.scalar(select(func.count(BulkLine.claim_id))) == 0


def test_an_agent_reads_many_and_does_nothing_else(people: People, three: list[Claim]) -> None:
    alert_everybody()
    done = order(people.dana, Wish('read'), three[:2])
    assert done.done == 2
    with open_session(people.dana, reading=True) as session:
        assert unread_groups(session) == 1
    assert told(plan(people.dana, Wish('read'), three).groups) == {'Nothing unread': 2}
    for wish in (Wish('status', 'submitted'), Wish('assign', '1'), Wish('checked'), Wish('message', 'x'), Wish('x')):
        with pytest.raises(ClaimError):
            plan(people.dana, wish, three)


def test_what_came_after_one_looked_stays_unread(people: People, three: list[Claim]) -> None:
    planned = plan(people.dana, Wish('read'), three)
    with open_session(people.staff) as session:
        change_status(session, three[0].id, 'submitted', '', 'new', now())
    give(people.dana, planned)
    carry_out_orders()
    assert list(plan(people.dana, Wish('read'), three).ready) == [three[0].id]


def test_a_whole_list_is_taken_by_what_it_says(people: People, three: list[Claim]) -> None:
    with open_session(people.staff) as session:
        change_status(session, three[0].id, 'in_repair', '', 'new', now())
    assert plan(people.staff, Wish('checked'), ListState(size=10)).chosen == 3
    assert list(plan(people.staff, Wish('checked'), ListState(status=('in_repair',))).ready) == [three[0].id]
    assert plan(people.rival, Wish('read'), ListState(view='all')).chosen == 0


def test_more_than_can_be_done_at_once_is_said(
    people: People, three: list[Claim], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('db.bulk_orders.AT_MOST', 2)
    planned = plan(people.staff, Wish('checked'), ListState())
    assert (planned.chosen, planned.too_many) == (2, True)


def test_who_was_disabled_or_demoted_meanwhile_changes_nothing_more(people: People, three: list[Claim]) -> None:
    give(people.staff, plan(people.staff, Wish('status', 'submitted'), three))
    give(people.staff2, plan(people.staff2, Wish('checked'), three))
    with open_session(people.admin) as session:
        session.get_one(User, people.staff.user_id).active = False
        demoted = session.get_one(User, people.staff2.user_id)
        demoted.role, demoted.office_id = Role.AGENT, people.cohen
    carry_out_orders()
    assert {again(claim).status for claim in three} == {'new'}
    assert {again(claim).checked_at for claim in three} == {None}
    with open_session(SYSTEM, reading=True) as session:
        assert {order.state for order in session.scalars(select(BulkOrder))} == {'finished'}


def test_a_report_is_found_again_until_it_is_put_away_and_forgotten_in_time(
    people: People, three: list[Claim], notices: list[Notice]
) -> None:
    order_id = order(people.staff, Wish('checked'), three).order.id
    assert Notice('bulk', user_id=people.staff.user_id) in notices
    with open_session(people.staff2) as session:
        put_away(session, order_id)
    assert report(people.staff).order.id == order_id
    with open_session(people.staff) as session:
        put_away(session, order_id)
        assert present_order(session) is None
    with open_session(SYSTEM) as session:
        assert forget_orders(session, now() - timedelta(days=1)) == 0
        assert forget_orders(session, now() + timedelta(days=1)) == 1


def test_all_of_a_search_means_what_the_search_finds(people: People, three: list[Claim]) -> None:
    with open_session(people.staff) as session:
        save_fields(session, three[0].id, {'insured_name': (three[0].insured_name, 'משה אוחיון')}, now())
    for scope in ('all', 'insured_name'):
        assert list(plan(people.staff, Wish('checked'), ListState(q='אוחיון', scope=scope)).ready) == [three[0].id]
    assert plan(people.staff, Wish('checked'), ListState(q='או')).chosen == 1
