"""The call log on the claim page: who gets which form, what others log comes by itself, nothing hostile gets in."""

import asyncio
from functools import partial
from typing import Any

import pytest
from fastapi import FastAPI

from components import live
from components.calls_panel import CallsPanel, read_calls, read_note
from components.claim_head import ClaimHead
from components.claims_list import ClaimsTable
from db.base import now
from db.calls import CallNote, calls_of, log_call
from db.claims import Claim
from db.scope import Actor
from db.session import fetch, open_session
from db.texts import ClaimError
from db.values import Malformed
from tests.conftest import People
from tests.factories import SYSTEM, make_claim
from tests.pages.conftest import EMAILS, Open, Opener, shown_by
from tests.portal import signed_in
from tests.waiting import soon

SENT = {
    'party': 'insured',
    'direction': 'outbound',
    'outcome': 'spoke',
    'person': 'רונית',
    'phone': '052-5550134',
    'minutes': '4',
    'summary': 'עודכנה',
    'followUp': '',
    'at': '',
    'internal': False,
    'corrects': 0,
}


@pytest.fixture
def tab() -> str:
    return 'calls'


@pytest.fixture
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, agent=people.dana.user_id, handler=people.staff.user_id)


def log(actor: Actor, claim: Claim, party: str = 'insured', **over: Any) -> None:
    with open_session(actor) as session:
        log_call(session, claim.id, CallNote(party, 'outbound', 'spoke', summary='נאמר', **over), now())


def panel(page: Open) -> CallsPanel:
    found: CallsPanel = page.of(CallsPanel)[0]
    return found


async def test_a_call_is_shown_with_the_answer_to_its_form_and_not_before(
    open_page: Opener, claim: Claim, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    dana, staff = await open_page('dana', claim, '?tab=calls'), await open_page('staff', claim, '?tab=calls')
    told: list[int] = []

    async def slowly(*args: Any, **kwargs: Any) -> Any:
        done = await live.work(*args, **kwargs)
        await soon(lambda: panel(dana).props['calls'])  # every page was rung
        await asyncio.sleep(0.1)
        told.append(len(panel(staff).props['calls']))
        return done

    monkeypatch.setattr('components.calls_panel.work', slowly)
    assert await sent(staff) == ''
    assert (told, len(panel(staff).props['calls'])) == ([0], 1)
    # and what rings afterwards is heard again
    log(people.staff, claim)
    await soon(lambda: len(panel(staff).props['calls']) == 2)


async def test_what_rang_before_a_form_was_sent_is_asked_about_anew_after_its_answer(
    open_page: Opener, claim: Claim, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff = await open_page('staff', claim, '?tab=calls')
    asks, kept, told = asyncio.Event(), asyncio.Event(), []

    async def slowly_asked(actor: Actor, question: Any, *args: Any) -> Any:
        found = await ask_as(actor, question, *args)
        # the bell of the colleague's call: the panel has read, and does not show it yet; other parts of the page ask other things
        if question is read_calls and not asks.is_set():
            asks.set()
            await kept.wait()
            found = await ask_as(actor, question, *args)
        return found

    async def slowly_kept(*args: Any, **kwargs: Any) -> Any:
        done = await live.work(*args, **kwargs)
        kept.set()
        await asyncio.sleep(0.1)
        told.append(len(panel(staff).props['calls']))
        return done

    ask_as = live.ask_as
    monkeypatch.setattr('components.live.ask_as', slowly_asked)
    monkeypatch.setattr('components.calls_panel.work', slowly_kept)
    log(people.staff, claim)
    await asks.wait()
    assert await sent(staff) == ''
    await soon(lambda: len(panel(staff).props['calls']) == 2)
    assert told == [0]


async def test_what_fails_once_a_call_is_kept_is_no_refusal(
    open_page: Opener, claim: Claim, toasts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    staff = await open_page('staff', claim, '?tab=calls')
    for error in (ClaimError('The claim is gone'), RuntimeError()):

        async def broken(_: CallsPanel, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(CallsPanel, 'refresh', broken)
        assert await sent(staff) == ''
    await soon(lambda: len(toasts) == 2)
    assert toasts[0] == 'The claim is gone'
    assert toasts[1].startswith('אירעה תקלה אצלנו. שגיאה מס׳ '), 'that nothing was changed is not true'


async def test_what_fails_while_its_form_goes_is_told_by_the_page(
    open_page: Opener, claim: Claim, toasts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    staff = await open_page('staff', claim, '?tab=calls')

    async def broken(*_: Any) -> None:
        panel(staff).delete()
        raise RuntimeError

    monkeypatch.setattr('components.calls_panel.work', broken)
    staff.send(panel(staff), 'save', SENT)
    await soon(lambda: len(toasts) == 1)


def badge(page: Open) -> dict[str, Any]:
    tabs: list[dict[str, Any]] = page.of(ClaimHead)[0].props['tabs']
    return next(tab for tab in tabs if tab['key'] == 'calls')


def logged_on(page: Open) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = panel(page).props['calls']
    return found


async def sent(page: Open, **over: Any) -> str:
    """Send the form; the reason why it was refused, '' when it was kept."""
    return str((await page.answer(panel(page), 'save', {**SENT, **over}))['message'])


async def test_a_call_by_one_person_stands_on_every_open_page(open_page: Opener, claim: Claim) -> None:
    dana, staff = await open_page('dana', claim), await open_page('staff', claim, '?tab=calls')
    assert await sent(staff, party='garage', person='סמיר', followUp='31/12/2030') == ''
    for page in (dana, staff):
        await soon(partial(logged_on, page))
        call = panel(page).props['calls'][0]
        assert (call['person'], call['partyLabel'], call['how'], call['length']) == (
            'סמיר',
            'מוסך',
            'שיחה יוצאת',
            '4 דקות',
        )
        assert call['followUp'] == {'done': False, 'due': False, 'text': 'המשך טיפול: 31/12/2030'}
        assert [chip['id'] for chip in panel(page).props['chips']] == ['', 'garage']
    await soon(lambda: [badge(page)['count'] for page in (dana, staff)] == ['1', '1'])
    # the timeline tells it too
    await soon(lambda: 'שיחה חדשה · מוסך' in dana.html())


async def test_who_gets_which_form(open_page: Opener, claim: Claim) -> None:
    staff, dana = await open_page('staff', claim), await open_page('dana', claim, '?tab=calls')
    assert len(panel(staff).props['form']['parties']) == 8
    assert panel(staff).props['form']['internal']
    assert panel(dana).props['form']['parties'] == [
        {'id': 'insured', 'label': 'לקוח', 'person': "רונית ברקוביץ'", 'phone': '052-5550134'}
    ]
    assert not panel(dana).props['form']['internal']


async def test_what_an_agents_browser_may_not_send_is_refused(open_page: Opener, claim: Claim) -> None:
    dana = await open_page('dana', claim, '?tab=calls')
    assert 'עם הלקוח' in await sent(dana, party='garage')
    assert await sent(dana, internal=True)
    assert await sent(dana, corrects=10**6)
    with open_session(SYSTEM, reading=True) as session:
        assert fetch(session, calls_of(claim.id)) == []


async def test_internal_calls_are_nowhere_on_an_agents_page(open_page: Opener, claim: Claim, people: People) -> None:
    log(people.staff, claim, person='סודי', internal=True)
    dana, staff = await open_page('dana', claim, '?tab=calls'), await open_page('staff', claim)
    assert 'סודי' in staff.everything()
    assert 'סודי' not in dana.everything()
    assert 'סודי' not in dana.html()
    log(people.staff, claim, person='סודי ביותר', internal=True)
    log(people.staff, claim, person='גלוי')
    await soon(lambda: 'גלוי' in dana.everything())
    assert 'סודי' not in dana.everything()
    await soon(lambda: (badge(dana).get('count'), badge(staff).get('count')) == ('1', '3'))


async def test_the_list_says_with_whom_the_call_was(portal: FastAPI, claim: Claim, people: People) -> None:
    dana = await signed_in(portal, EMAILS['dana'])
    table = Open(dana, await dana.open('/'))
    log(people.staff, claim, party='insurer')
    await soon(lambda: 'שיחה חדשה · חברת ביטוח' in str(shown_by(table.of(ClaimsTable)[0], 'rows')))


@pytest.mark.parametrize(
    ('over', 'reason'),
    [
        ({'minutes': 'ארבע'}, 'whole number'),
        ({'followUp': 'מחר בערב'}, 'not a date'),
        ({'at': 'אתמול'}, 'not a date'),
    ],
)
def test_what_was_typed_is_read_with_a_reason(over, reason) -> None:
    with pytest.raises(Malformed, match=reason):
        read_note({**SENT, **over})


@pytest.mark.parametrize('bad', [None, [], 'x', 7, {'minutes': '4' * 9000, 'corrects': True, 'internal': 'yes'}])
def test_nothing_hostile_gets_through(bad) -> None:
    try:
        note, corrects = read_note(bad)
    except Malformed:
        return
    assert (note, corrects) == (CallNote('', '', ''), 0)


def test_the_time_typed_is_israels() -> None:
    note, corrects = read_note({**SENT, 'at': '2026-11-23T09:40', 'corrects': 5})
    assert note.at is not None
    assert note.at.isoformat() == '2026-11-23T09:40:00+02:00'
    assert corrects == 5


async def test_a_call_whose_answer_was_lost_is_not_logged_twice(claim: Claim, open_page: Opener) -> None:
    page = await open_page('staff', claim, '?tab=calls')
    for key in ('k1', 'k1', 'k2'):
        assert await sent(page, key=key) == ''
    assert len(logged_on(page)) == 2
