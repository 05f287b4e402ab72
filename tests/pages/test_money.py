"""The money tab: who edits and who reads, what others change comes by itself, both numbers of two people stay, nothing hostile gets in."""

from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from components.cheque_cards import ChequeCards, read_advance
from components.cheque_form import ChequeForm, read_about, read_written
from components.cheque_radar import ChequeRadar, whatsapp_link
from components.claim_head import ClaimHead
from components.ledger_panel import LedgerPanel, read_order, state_of
from db import values
from db.base import now
from db.cheques import Cheque, Slip, cheques_of, enter_cheque, steps_of
from db.claims import Claim, change_status, save_fields
from db.documents import Arrived, Slot, attach, documents_of
from db.habits import ENOUGH
from db.money import HeadAmount, heads_of, save_amounts
from db.scope import Actor
from db.session import fetch, open_session
from db.texts import Told
from db.values import Malformed
from tests.conftest import People, made_once
from tests.factories import SYSTEM, make_claim
from tests.pages.conftest import Open, Opener
from tests.waiting import soon

SCAN = Arrived('המחאה.pdf', 'cheque.pdf', 'application/pdf', 1, 'cd' * 32, 1, 'cd' * 32, pages=1)
FORM = {
    'direction': 'insurer_to_insured',
    'state': 'received',
    'amount': '18,500',
    'chequeNo': '0041882',
    'bank': '12',
    'branch': '648',
    'account': '12-345',
    'drawer': 'הפניקס',
    'payee': 'רונית',
    'head': '',
    'offer': '',
    'image': '',
    'note': '',
    'reason': '',
    'waiver': False,
}


def today() -> date:
    """Asked by each test: a run may cross midnight in Israel."""
    return values.israel(now()).date()


def garage() -> Slip:
    return Slip('insured_to_garage', 9_000_00, today() + timedelta(days=5), payee='מוסך גלבוע')


def filled() -> dict[str, Any]:
    """What the form sends of a cheque that falls due in 14 days."""
    return {**FORM, 'due': values.format_day(today() + timedelta(days=14))}


@pytest.fixture
def tab() -> str:
    return 'money'


@made_once
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, agent=people.dana.user_id, handler=people.staff.user_id)


def enter(actor: Actor, claim: Claim, slip: Slip, state: str = 'handed_over') -> Cheque:
    with open_session(actor) as session:
        return enter_cheque(session, claim.id, slip, state, now())


def cheques(claim: Claim) -> list[Cheque]:
    with open_session(SYSTEM, reading=True) as session:
        return fetch(session, cheques_of(claim.id))


async def ordered(page: Open, **sent: Any) -> str:
    """Give the ledger an order; the reason why it was refused, '' when it was done."""
    return str((await page.answer(page.of(LedgerPanel)[0], 'order', sent))['message'])


NEW = {'what': 'enter', 'id': 0, 'seen': 0, 'key': 'k'}


async def written(page: Open, about: dict[str, Any] = NEW, **over: Any) -> str:
    return str((await page.answer(page.of(ChequeForm)[0], 'save', {**filled(), **about, **over}))['message'])


async def opened(page: Open, what: str) -> dict[str, Any]:
    """What the form was opened with: the draft, and what it is about."""
    form = page.of(ChequeForm)[0]
    await soon(lambda: form.props['opened'] and form.props['opened']['about']['what'] == what)
    told: dict[str, Any] = form.props['opened']
    return told


def cell(page: Open, name: str = 'demanded') -> str:
    heads = page.of(LedgerPanel)[0].props['heads']
    return str(heads[0]['cells'][name]['text']) if heads else ''


def reads(page: Open, told: str) -> bool:
    return cell(page) == told


async def test_a_sum_by_one_person_stands_on_every_open_page(open_page: Opener, claim: Claim) -> None:
    dana, staff = await open_page('dana', claim, '?tab=money'), await open_page('staff', claim, '?tab=money')
    save = {'do': 'save', 'head': 'repair_cost', 'name': 'demanded', 'seen': None, 'raw': '31,200'}
    assert await ordered(staff, **save) == ''
    for page in (dana, staff):
        await soon(partial(reads, page, '₪31,200'))
        assert page.of(LedgerPanel)[0].props['totals']['demanded'] == '₪31,200'
    # the claim's head says how far the money is, and the timeline what happened
    await soon(lambda: any('נדרש' in item['text'] for item in dana.of(ClaimHead)[0].props['meta']))
    await soon(lambda: 'ראש נזק · נזק לרכב' in dana.html())
    assert not dana.of(LedgerPanel)[0].props['staff']
    assert dana.of(ChequeForm) == []


async def test_of_two_people_on_one_sum_nobody_loses_his_number(
    open_page: Opener, people: People, claim: Claim
) -> None:
    page = await open_page('staff', claim, '?tab=money')
    with open_session(people.staff2) as session:
        save_amounts(session, claim.id, 'repair_cost', {'demanded': (None, 30_000_00)}, now())
    save = {'do': 'save', 'head': 'repair_cost', 'name': 'demanded', 'seen': None, 'raw': '31200'}
    assert f'התיק עודכן על ידי {people.staff2.name} בשעה' in await ordered(page, **save)
    assert cell(page) == '₪30,000'
    cells = page.of(LedgerPanel)[0].props['heads'][0]['cells']
    assert people.staff2.name in cells['demanded']['clash'], 'beside what he typed too'
    assert 'clash' not in cells['offered']
    # he saw it now, and insists
    assert await ordered(page, **{**save, 'seen': 30_000_00}) == ''
    assert cell(page) == '₪31,200'
    assert await ordered(page, do='off', head='repair_cost', sums={'demanded': 30_000_00}) != ''
    assert await ordered(page, do='off', head='repair_cost', sums={'demanded': 31_200_00}) == ''
    assert page.of(LedgerPanel)[0].props['heads'] == []


async def test_what_the_reader_sends_changes_nothing(open_page: Opener, claim: Claim, people: People) -> None:
    cheque = enter(people.staff, claim, garage())
    dana = await open_page('dana', claim, '?tab=money')
    save = {'do': 'save', 'head': 'repair_cost', 'name': 'demanded', 'seen': None, 'raw': '1'}
    assert 'אין הרשאה' in await ordered(dana, **save)
    cards = dana.of(ChequeCards)[0]
    assert cards.props['cheques'][0]['orders'] == []
    answer = await dana.answer(cards, 'advance', {'id': cheque.id, 'state': 'cleared', 'reason': ''})
    assert 'אין הרשאה' in answer['message']
    assert cheques(claim)[0].state == 'handed_over'
    dana.send(dana.of(ChequeRadar)[0], 'step', 'warn')
    with open_session(people.staff, reading=True) as session:
        assert (fetch(session, heads_of(claim.id)), fetch(session, steps_of(claim.id))) == ([], [])


async def test_a_cheque_is_written_down_put_right_and_goes_on(open_page: Opener, people: People, claim: Claim) -> None:
    dana, staff = await open_page('dana', claim, '?tab=money'), await open_page('staff', claim, '?tab=money')
    cards = staff.of(ChequeCards)[0]
    assert 'ספרות' in await written(staff, bank='x')
    assert 'מועד' in await written(staff, due=' ')
    assert await written(staff) == ''
    await soon(lambda: len(dana.of(ChequeCards)[0].props['cheques']) == 1)
    shown = dana.of(ChequeCards)[0].props['cheques'][0]
    assert (shown['amount'], shown['daysText'], shown['bank']) == (
        '₪18,500',
        'נותרו 14 יום',
        'בנק הפועלים (12) · סניף 648 · חשבון 12345',
    )
    staff.send(cards, 'wish', {'id': shown['id'], 'do': 'edit'})
    told = await opened(staff, 'edit')
    assert told['draft']['amount'] == '18,500'
    assert await written(staff, told['about'], amount='18000') == ''
    # it is told which cheque it was and its version, so that what was typed on meanwhile puts right this very one
    kept = staff.of(ChequeForm)[0].props['answer']
    assert 'התיק עודכן על ידי' in await written(staff, told['about'], amount='17000')
    assert await written(staff, {**told['about'], 'id': kept['id'], 'seen': kept['seen']}, amount='18000') == ''
    answer = await staff.answer(cards, 'advance', {'id': shown['id'], 'state': 'cancelled', 'reason': ''})
    assert 'מדוע' in answer['message']
    staff.send(cards, 'wish', {'id': shown['id'], 'do': 'replace'})
    assert await written(staff, (await opened(staff, 'replace'))['about'], reason='postponed') == ''
    assert [(cheque.state, cheque.amount) for cheque in cheques(claim)] == [
        ('received', 18_500_00),
        ('replaced', 18_000_00),
    ]


async def test_the_form_tells_of_a_closed_day_before_it_is_saved(open_page: Opener, claim: Claim) -> None:
    page = await open_page('staff', claim, '?tab=money')
    form = page.of(ChequeForm)[0]
    page.send(form, 'day', '26/04/2027')
    await soon(lambda: form.props['told'] is not None)
    assert 'חול המועד' in form.props['told']['closed']
    page.send(form, 'day', 'soon')
    await soon(lambda: form.props['told'] is None)


async def test_the_radar_is_red_and_its_messages_are_noted(open_page: Opener, people: People, claim: Claim) -> None:
    enter(people.staff, claim, garage())
    dana, staff = await open_page('dana', claim, '?tab=money'), await open_page('staff', claim, '?tab=money')
    for page in (dana, staff):
        line = page.of(ChequeRadar)[0].props['line']
        assert (line['red'], [action['kind'] for action in line['actions']]) == (True, ['postpone', 'warn'])
        assert line['list'][1]['red']
        head = page.of(ClaimHead)[0].props
        assert any(item['name'] == 'radar' for item in head['meta'])
        assert [(tab['count'], tab['fresh']) for tab in head['tabs'] if tab['key'] == 'money'] == [('1', True)]
        assert line['actions'][1]['href'].startswith('https://wa.me/972525550134?text=')
    radar = staff.of(ChequeRadar)[0]
    staff.send(radar, 'step', 'press')  # nothing of that kind is offered before the submission
    staff.send(radar, 'step', 'warn')
    await soon(lambda: [step['text'] for step in radar.props['line']['steps']] == ['נמסרה ללקוח אזהרה על מועד ההמחאה'])
    with open_session(SYSTEM, reading=True) as session:
        steps = fetch(session, steps_of(claim.id))
    assert [(step.kind, '₪9,000' in step.wording) for step in steps] == [('warn', True)]
    enter(people.staff, claim, replace(garage(), direction='insurer_to_insured', due_date=today()), 'received')
    await soon(lambda: not radar.props['line']['red'])


async def test_a_form_sent_again_because_the_answer_got_lost_writes_no_second_cheque(
    open_page: Opener, people: People, claim: Claim
) -> None:
    staff = await open_page('staff', claim, '?tab=money')
    assert [await written(staff), await written(staff, note='נשלחה שוב')] == ['', '']
    assert [cheque.note for cheque in cheques(claim)] == ['נשלחה שוב']
    add = next(one for one in staff.client.elements.values() if one.props.get('data-testid') == 'add-cheque')
    staff.send(add, 'click')
    assert await written(staff, (await opened(staff, 'enter'))['about']) == ''
    assert len(cheques(claim)) == 2


async def test_the_bureau_is_asked_gently_whether_the_cheques_are_right(
    open_page: Opener, people: People, claim: Claim
) -> None:
    with open_session(people.staff) as session:
        save_amounts(session, claim.id, 'repair_cost', {'approved': (None, 18_500_00)}, now())
    page = await open_page('staff', claim, '?tab=money')
    assert await written(page, amount='18000') == ''
    await soon(lambda: 'סכום ההמחאות' in page.everything())


async def test_money_of_a_business_is_without_vat(open_page: Opener, people: People, claim: Claim) -> None:
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'business_owner': (None, True)}, now())
        save_amounts(session, claim.id, 'repair_cost', {'demanded': (None, 11_800_00)}, now())
    page = await open_page('staff', claim, '?tab=money')
    assert page.of(LedgerPanel)[0].props['business']
    assert await ordered(page, do='vat', head='repair_cost') == ''
    assert cell(page) == '₪10,000'


# ---- what the browser sends -------------------------------------------------------------------------------------------------

JUNK: tuple[Any, ...] = (
    None,
    7,
    'x',
    [],
    {},
    {'do': 'x'},
    {'do': ['save']},
    {'id': 'x', 'state': 1},
    {'id': 2**70, 'state': 'x'},
    {'what': ['edit'], 'id': 1, 'seen': 1, 'key': ''},
    {'what': 'edit', 'id': True, 'seen': 1, 'key': ''},
    {'what': 'enter', 'id': 0, 'seen': 0, 'key': 'k' * 65},
)


@pytest.mark.parametrize('sent', JUNK)
def test_what_no_page_of_ours_sends_is_refused(sent: Any) -> None:
    for read in (read_order, read_advance, read_written, read_about):
        with pytest.raises(Malformed):
            read(sent)


@pytest.mark.parametrize(
    'over',
    [
        *({'amount': ''}, {'amount': '-1'}, {'amount': 'x'}, {'due': '32/01/2027'}, {'due': 7}, {'offer': 'x'}),
        *({'note': 'א' * 500}, {'waiver': []}, {'drawer': None}),
    ],
)
def test_a_form_that_cannot_be_is_refused_or_cut(over: dict[str, Any]) -> None:
    if 'waiver' in over:
        assert read_written({**filled(), **over}).slip.waiver is False
        return
    with pytest.raises(Told):
        read_written({**filled(), **over})


def test_what_the_ledger_takes_is_cut_to_its_kinds() -> None:
    _, told = read_order(
        {'do': 'off', 'head': 'a' * 500, 'seen': [], 'offer': True, 'sums': {'demanded': 'x', 'approved': 5}}
    )
    assert (told['head'], told['seen'], told['offer']) == ('', None, 0)
    assert told['sums'] == {'demanded': None, 'offered': None, 'approved': 5, 'received': None}


@pytest.mark.parametrize(
    ('sums', 'said'),
    [
        ({'demanded': 100}, 'Demanded'),
        ({'demanded': 100, 'offered': 50}, 'Offered'),
        ({'demanded': 100, 'approved': 0}, 'Not recognised'),
        ({'demanded': 100, 'approved': 60}, 'Approved in part'),
        ({'demanded': 100, 'approved': 100}, 'Approved'),
        ({'demanded': 100, 'approved': 60, 'received': 60}, 'Partly received'),
        ({'demanded': 100, 'approved': 100, 'received': 100}, 'Received'),
    ],
)
def test_how_far_a_head_is(sums: dict[str, int], said: str) -> None:
    assert state_of(HeadAmount(head='other', **sums))[1] == said


def test_whatsapp_goes_to_a_mobile_or_to_whom_one_chooses() -> None:
    assert whatsapp_link('0525550134', 'א ב') == 'https://wa.me/972525550134?text=%D7%90%20%D7%91'
    assert whatsapp_link('035550134', 'x') == whatsapp_link('', 'x') == 'https://wa.me/?text=x'


async def test_the_picture_of_a_cheque_is_a_document_of_its_claim(
    open_page: Opener, people: People, claim: Claim
) -> None:
    other = make_claim(people.levi, people.staff, insured_name='אחר')
    slot = Slot('cheque_image', aside=True)
    with open_session(people.staff) as session:
        mine, theirs = (attach(session, each.id, SCAN, slot, now()).document for each in (claim, other))
    page = await open_page('staff', claim, '?tab=money')
    assert 'לא נמצא' in await written(page, image='no-such-picture')
    assert await written(page, image=theirs.uuid) != ''
    assert await written(page, image=mine.uuid) == ''
    await soon(lambda: page.of(ChequeCards)[0].props['cheques'][0]['image'] == mine.uuid)
    assert cheques(claim)[0].image_id == mine.id
    with open_session(people.dana, reading=True) as session:
        assert [each.uuid for one in (claim, other) for each in fetch(session, documents_of(one.id))] == [mine.uuid]


async def test_what_the_insurer_usually_takes_off_stands_beside_the_head(
    open_page: Opener, people: People, claim: Claim
) -> None:
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'tp_insurer': (None, 2)}, now())
        save_amounts(session, claim.id, 'appraiser_fee', {'demanded': (None, 1_500_00)}, now())
    dana = await open_page('dana', claim, '?tab=money')
    ledger = dana.of(LedgerPanel)[0]
    assert (ledger.props['heads'][0]['habit'], 'אין די נתונים' in ledger.props['unknown']) == ('', True)
    for _ in range(ENOUGH):
        other = make_claim(people.cohen, people.staff, tp_insurer=2, submitted_at=today())
        with open_session(people.staff) as session:
            sums = {'demanded': (None, 1_500_00), 'approved': (None, 1_288_00)}
            save_amounts(session, other.id, 'appraiser_fee', sums, now())
            change_status(session, other.id, 'closed', 'paid_in_full', 'new', now())
    dana = await open_page('dana', claim, '?tab=money')
    ledger = dana.of(LedgerPanel)[0]
    assert ('100%' in ledger.props['heads'][0]['habit'], '₪212' in ledger.props['heads'][0]['habit']) == (True, True)
    assert ledger.props['unknown'] == ''
