"""The two teams of the bureau at work: each is offered its own part of a claim, reads the other's, and is refused in words."""

from functools import partial
from typing import Any

import pytest
from fastapi import FastAPI

from components.cheque_board import ChequeBoard
from components.cheque_cards import ChequeCards
from components.cheque_form import ChequeForm
from components.cheque_radar import ChequeRadar
from components.ledger_panel import LedgerPanel
from components.links_panel import LinksPanel
from components.repair_panel import RepairPanel
from components.repair_tracker import RepairTracker
from db import values
from db.base import now
from db.cheques import Cheque, Slip, enter_cheque, steps_of
from db.claims import Claim
from db.offices import User
from db.scope import Role
from db.session import fetch, open_session
from tests.conftest import People
from tests.factories import SYSTEM, make_claim
from tests.pages.conftest import EMAILS, Open, Opener
from tests.portal import signed_in
from tests.waiting import soon

# who of the tests' people is of which team
REPAIRS, SUBMISSION = 'staff', 'staff2'


@pytest.fixture
def claim(people: People) -> Claim:
    its = {'agent': people.dana.user_id, 'handler': people.staff.user_id, 'repair_stage': 'paint'}
    return make_claim(people.levi, people.staff, its)


@pytest.fixture
def cheque(people: People, claim: Claim) -> Cheque:
    due = values.israel(now()).date()
    with open_session(people.staff) as session:
        return enter_cheque(session, claim.id, Slip('insured_to_garage', 9_000_00, due), 'received', now())


@pytest.fixture(autouse=True)
def teams(people: People, cheque: Cheque) -> None:
    with open_session(SYSTEM) as session:
        session.get_one(User, people.staff.user_id).role = Role.REPAIR_TEAM
        session.get_one(User, people.staff2.user_id).role = Role.SUBMISSION_TEAM


def editable(page: Open) -> set[str]:
    return {name for name, row in page.rows().items() if row.get('editable')}


async def test_each_team_edits_the_claim_but_for_what_is_the_others(open_page: Opener, claim: Claim) -> None:
    repairs, submission = await open_page(REPAIRS, claim), await open_page(SUBMISSION, claim)
    sums = {'demand_amount', 'offered_amount', 'approved_amount', 'received_amount'}
    both = {'make_model', 'status', 'handler', 'garage', 'appraisal_amount', 'submitted_at'}
    assert editable(repairs) >= both | {'repair_stage', 'eta'}
    assert editable(submission) >= both | sums
    assert not editable(repairs) & sums
    assert not editable(submission) & {'repair_stage', 'eta'}
    repairs.send(repairs.sections, 'save', {'name': 'offered_amount', 'seen': None, 'raw': '1'})
    assert (await repairs.save('make_model', 'מאזדה'))['state'] == 'saved'
    with open_session(SYSTEM, reading=True) as session:
        assert session.get_one(Claim, claim.id).offered_amount is None


async def test_the_repair_is_moved_by_its_team_alone(open_page: Opener, claim: Claim) -> None:
    repairs, submission = await open_page(REPAIRS, claim), await open_page(SUBMISSION, claim)
    await repairs.open_tabs('repair')
    await submission.open_tabs('repair')
    assert [bool(page.of(RepairTracker)[0].props['moves']) for page in (repairs, submission)] == [True, False]
    assert [bool(page.of(RepairPanel)[0].props['form']) for page in (repairs, submission)] == [True, False]
    links = [[kind['purpose'] for kind in page.of(LinksPanel)[0].props['kinds']] for page in (repairs, submission)]
    assert links == [['garage', 'insured'], ['insured']]
    answer = await submission.answer(submission.of(RepairPanel)[0], 'order', {'do': 'note', 'note': 'x'})
    assert 'צוות תיאום מוסך ושמאי' in answer['message']


async def test_the_money_is_written_by_its_team_alone(open_page: Opener, claim: Claim, cheque: Cheque) -> None:
    repairs, submission = (
        await open_page(REPAIRS, claim, '?tab=money'),
        await open_page(SUBMISSION, claim, '?tab=money'),
    )
    assert [page.of(LedgerPanel)[0].props['staff'] for page in (repairs, submission)] == [False, True]
    assert [len(page.of(ChequeForm)) for page in (repairs, submission)] == [0, 1]
    orders = [page.of(ChequeCards)[0].props['cheques'][0] for page in (repairs, submission)]
    assert [bool(card['orders'] or card['replaces']) for card in orders] == [False, True]
    save: dict[str, Any] = {'do': 'save', 'head': 'repair_cost', 'name': 'demanded', 'seen': None, 'raw': '1'}
    for element, event, sent in (
        (repairs.of(LedgerPanel)[0], 'order', save),
        (repairs.of(ChequeCards)[0], 'advance', {'id': cheque.id, 'state': 'handed_over', 'reason': ''}),
    ):
        assert 'צוות הגשה ומעקב' in (await repairs.answer(element, event, sent))['message']
    ledger = submission.of(LedgerPanel)[0]
    assert (await submission.answer(ledger, 'order', save))['message'] == ''


async def test_a_letter_about_a_cheque_is_noted_whoever_of_the_bureau_sent_it(open_page: Opener, claim: Claim) -> None:
    repairs = await open_page(REPAIRS, claim, '?tab=money')
    radar = repairs.of(ChequeRadar)[0]
    repairs.send(radar, 'step', 'postpone')
    await soon(lambda: radar.props['line']['steps'])
    with open_session(SYSTEM, reading=True) as session:
        assert [step.kind for step in fetch(session, steps_of(claim.id))] == ['postpone']


def rows(board: ChequeBoard) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = board.props['rows']
    return found


async def test_the_board_of_cheques_lets_the_repair_team_look(portal: FastAPI, cheque: Cheque) -> None:
    boards = {}
    for who in (REPAIRS, SUBMISSION):
        user = await signed_in(portal, EMAILS[who])
        page = Open(user, await user.open('/cheques'))
        boards[who] = page, page.of(ChequeBoard)[0]
        await soon(partial(rows, boards[who][1]))
    assert [bool(board.props['rows'][0]['steps']) for _, board in boards.values()] == [False, True]
    assert [board.props['edits'] for _, board in boards.values()] == [False, True]
    page, board = boards[REPAIRS]
    answer = await page.answer(board, 'step', {'id': cheque.id, 'state': 'handed_over'})
    assert 'צוות הגשה ומעקב' in answer['message']


@pytest.mark.parametrize('who', [REPAIRS, SUBMISSION])
async def test_neither_team_imports_or_administers(portal: FastAPI, who: str) -> None:
    user = await signed_in(portal, EMAILS[who])
    page = Open(user, await user.open('/work'))
    assert '/reports' in page.everything()
    assert "'/import'" not in page.everything()
    for address in ('/import', '/admin'):
        assert (await user.http_client.get(address)).status_code == 404
