"""Two names for a status on the screens: each side reads its own wherever the status is named, and never the other's; both at once."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from fastapi import FastAPI
from nicegui.testing import User

from components.bell import Bell
from components.claims_list import ClaimsBar
from db.base import now
from db.claims import Claim, change_status
from db.reference import ClaimStatus
from db.session import open_session
from tests.conftest import People
from tests.factories import alert_everybody, make_claim
from tests.pages.conftest import EMAILS, Open, shown_by
from tests.pages.test_admin import form_of, opened
from tests.pages.test_claims import Desk, desk
from tests.portal import signed_in
from tests.waiting import soon

STATUS, OURS, THEIRS, LATER = (
    'under_insurer_review',
    'ממתין לאישור מנהל מחלקה',
    'בבדיקה שוטפת אצל המבטח',
    'המבטח עוד בודק',
)


async def pages_of(portal: FastAPI, who: str, claim: Claim) -> list[Open]:
    """Wherever a status is named, open."""
    user: User = await signed_in(portal, EMAILS[who])
    addresses = ('/', f'/?view=all&status={STATUS}', '/alerts', '/help', f'/claims/{claim.claim_no}')
    pages = [Open(user, await user.open(address)) for address in addresses]
    await pages[-1].open_tabs()
    below_the_bell = Open(user, await user.open('/messages'))
    below_the_bell.send(below_the_bell.of(Bell)[0], 'open')
    return [*pages, below_the_bell]


def says(page: Open, name: str, no_more: str = '') -> bool:
    shown = page.everything()
    return name in shown and not (no_more and no_more in shown)


def stands_in(name: str, listed: Desk) -> bool:
    return bool(listed.rows[0]['status']['label'] == name)


def told(pages: Sequence[Open]) -> str:
    return ' '.join(page.everything() for page in pages)


async def test_each_side_reads_its_own_name_everywhere_and_at_once(
    portal: FastAPI, admin: User, people: People
) -> None:
    with open_session(people.admin) as session:
        session.get_one(ClaimStatus, STATUS).label = OURS
        session.get_one(ClaimStatus, STATUS).label_office = THEIRS
    claim = make_claim(people.levi, people.staff, agent=people.dana.user_id, handler=people.staff2.user_id)
    hers, his = await desk(portal, 'dana'), await desk(portal, 'staff2')
    before = await pages_of(portal, 'dana', claim)
    with open_session(people.staff) as session:
        change_status(session, claim.id, STATUS, '', 'new', now())
    # what is pushed to the pages that are open already: the row with its news, the claim, the bell
    for pushed, own, others in ((hers, THEIRS, OURS), (his, OURS, THEIRS)):
        await soon(partial(stands_in, own, pushed))
        assert own in str(pushed.rows[0]['hint']), 'and so do the news of the row'
        assert others not in str(pushed.rows[0])
    await soon(lambda: THEIRS in before[-2].everything())
    alert_everybody()
    dana, staff = await pages_of(portal, 'dana', claim), await pages_of(portal, 'staff2', claim)
    for page in staff:
        await soon(partial(says, page, OURS))
    for page in dana:
        await soon(partial(says, page, THEIRS))
    assert OURS not in told([*before, *dana])
    assert THEIRS not in told(staff)

    live = [*dana[:3], dana[-2]]  # the help is a page to read, and the bell is asked anew each time it opens
    administration, screen = await opened(admin, 'statuses')
    form = await form_of(administration, screen, STATUS)
    administration.send(screen, 'save', {**form['values'], 'label_office': LATER})
    for page in live:
        await soon(partial(says, page, LATER, no_more=THEIRS))
    administration.send(
        screen, 'save', {**(await form_of(administration, screen, STATUS))['values'], 'label_office': ''}
    )
    for page in live:
        await soon(partial(says, page, OURS, no_more=LATER))
    for user in (hers.user, his.user, before[0].user, dana[0].user, staff[0].user):
        await user.http_client.aclose()


async def test_two_statuses_that_agents_call_the_same_are_one_choice_and_no_news_of_one_another(
    portal: FastAPI, people: People
) -> None:
    with open_session(people.admin) as session:
        for key in (STATUS, 'submitted'):
            session.get_one(ClaimStatus, key).label_office = THEIRS
            session.get_one(ClaimStatus, key).explanation = 'המבטח בודק את הדרישה.'
    sent, read, _ = (make_claim(people.levi, people.staff, status=status) for status in ('submitted', STATUS, 'new'))
    both, one_of_them = [read.claim_no, sent.claim_no], f'/?status={STATUS}'
    hers, his = await desk(portal, 'dana', one_of_them), await desk(portal, 'staff', one_of_them)
    assert (hers.numbers, his.numbers) == (both, [read.claim_no])
    [choice] = [choice for choice in _statuses(hers) if choice['label'] == THEIRS]
    assert (choice['on'], _chosen(hers), len(_statuses(his)) - len(_statuses(hers))) == (True, THEIRS, 1)
    hers.send(ClaimsBar, 'menu', 'status')
    await soon(lambda: (hers.one(ClaimsBar).props.get('counts') or {}).get('choices', {}).get(choice['key']) == '2')
    hers.send(ClaimsBar, 'filter', ['status', ['new'], 1])
    await soon(lambda: hers.numbers not in (both, []))
    hers.send(ClaimsBar, 'filter', ['status', ['new', choice['key']], 2])
    await soon(lambda: len(hers.numbers) == 3)
    hers.send(ClaimsBar, 'restore', ['status=submitted', 3])
    await soon(lambda: hers.numbers == both and _chosen(hers) == THEIRS)

    with open_session(people.staff) as session:
        change_status(session, sent.id, STATUS, '', 'submitted', now())
    await soon(lambda: hers.numbers == both[::-1])
    hint = hers.rows[0]['hint']
    assert (hint['label'], hint['before'], hint['after']) == ('סטטוס', '', THEIRS)
    guide = Open(hers.user, await hers.user.open('/help')).html()
    assert (guide.count(THEIRS), guide.count('המבטח בודק את הדרישה.')) == (1, 1)
    for user in (hers.user, his.user):
        await user.http_client.aclose()


def _statuses(listed: Desk) -> list[dict[str, Any]]:
    return [choice for one in _filters(listed) if one['name'] == 'status' for choice in one['choices']]


def _chosen(listed: Desk) -> str:
    return next(str(one['chosen']) for one in _filters(listed) if one['name'] == 'status')


def _filters(listed: Desk) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = shown_by(listed.one(ClaimsBar), 'filters')
    return shown
