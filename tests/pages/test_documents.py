"""The documents on the claim page: what each side sees and may order, live for everybody, and who looked only for the bureau."""

import asyncio
import hashlib
from functools import partial
from typing import Any

import pytest

from components import live
from components.attachments import names_of
from components.claim_head import ClaimHead
from components.documents_panel import _KINDS, PACKS_SHOWN, DocumentsPanel
from components.files_taken import ACCEPTED, files_taken
from db import documents, money, packs, values
from db.base import now
from db.claims import Claim
from db.documents import Arrived, Document, Slot, document_types
from db.scope import Actor
from db.session import fetch, open_session
from jobs import decoding, intake
from tests.conftest import People
from tests.factories import SYSTEM, make_claim
from tests.pages.conftest import Open, Opener
from tests.waiting import soon

TAB = '?tab=documents'
UNMARKED = dict.fromkeys(map(ord, '\u2066\u2067\u2068\u2069'))


@pytest.fixture
def tab() -> str:
    return 'documents'


@pytest.fixture
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, agent=people.dana.user_id, handler=people.staff.user_id)


def upload(actor: Actor, claim: Claim, kind: str, name: str = 'scan.pdf', **slot: Any) -> Document:
    digest = hashlib.sha256(name.encode()).hexdigest()
    arrived = Arrived(name, name, 'application/pdf', 2_000_000, digest, 2_000_000, digest, pages=3)
    with open_session(actor) as session:
        return documents.attach(session, claim.id, arrived, Slot(kind, **slot), now()).document


def panel(page: Open) -> DocumentsPanel:
    found: DocumentsPanel = page.of(DocumentsPanel)[0]
    return found


def shown(page: Open, name: str) -> Any:
    return panel(page).props[name]


def item(page: Open, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(item for item in shown(page, 'items') if item['type'] == kind)
    return found


def badge(page: Open) -> dict[str, Any]:
    tabs: list[dict[str, Any]] = page.of(ClaimHead)[0].props['tabs']
    return next(tab for tab in tabs if tab['key'] == 'documents')


async def ordered(page: Open, order: str, **more: Any) -> str:
    """Give an order; the reason why it was refused, '' when it was obeyed."""
    return str((await page.answer(panel(page), 'order', {'order': order, **more}))['message'])


async def test_the_tab_counts_as_its_panel_does_while_nobody_has_checked(open_page: Opener, people: People) -> None:
    imported = make_claim(people.levi, SYSTEM, agent=people.dana.user_id)
    page = await open_page('dana', imported, TAB)
    sums = shown(page, 'sums')
    assert sums['unchecked']
    assert badge(page)['count'] == f'{sums["received"]}/{sums["required"]}' != '0/0'


async def test_what_comes_stands_on_every_open_page(open_page: Opener, claim: Claim, people: People) -> None:
    dana, staff = await open_page('dana', claim, TAB), await open_page('staff', claim)
    missing = shown(dana, 'sums')['missing']
    assert badge(dana)['count'] == f'0/{missing}'
    assert item(dana, 'vehicle_licence') | {'yours': True, 'missing': True, 'blocking': True} == item(
        dana, 'vehicle_licence'
    )
    assert item(dana, 'vehicle_licence')['who'] == 'באחריות הלקוח'
    assert not item(staff, 'vehicle_licence')['yours']
    document = upload(people.dana, claim, 'vehicle_licence')
    for page in (dana, staff):
        await soon(partial(shown, page, 'documents'))
        tile = shown(page, 'documents')[0]
        assert (tile['uuid'], tile['title'], tile['kind'], tile['pagesText'], tile['size']) == (
            *(document.uuid, 'צילום רישיון רכב', 'PDF'),
            *('3 עמ׳', '1.9 MB'),
        )
        assert tile['stateLabel'] == 'התקבל, ממתין לבדיקה'
        assert tile['received'] == 'התקבל בלשכה עכשיו'
        assert tile['mine'] is (page is dana)
    await soon(lambda: [badge(page)['count'] for page in (dana, staff)] == [f'1/{missing}'] * 2)
    await soon(lambda: 'מסמך חדש · צילום רישיון רכב' in staff.html())


async def test_staff_judge_and_the_office_reads_why(open_page: Opener, claim: Claim, people: People) -> None:
    dana, staff = await open_page('dana', claim, TAB), await open_page('staff', claim, TAB)
    document = upload(people.dana, claim, 'vehicle_licence')
    assert 'לבחור' in await ordered(staff, 'reject', document=document.uuid, reason='')
    assert await ordered(staff, 'reject', document=document.uuid, reason='unreadable_scan') == ''
    await soon(lambda: item(dana, 'vehicle_licence')['state'] == 'rejected')
    assert item(dana, 'vehicle_licence')['reason'] == 'לא קריא'
    assert item(dana, 'vehicle_licence')['replaces'] == document.uuid
    newer = upload(people.dana, claim, 'vehicle_licence', 'better.pdf', replaces=document.uuid)
    await soon(lambda: len(shown(staff, 'documents')) == 2)
    tile, older = shown(staff, 'documents')
    assert (tile['uuid'], tile['versionText'], tile['replaces'], tile['current']) == (
        *(newer.uuid, 'גרסה 2'),
        *(document.uuid, True),
    )
    assert not older['current']
    assert not item(staff, 'vehicle_licence')['missing']
    assert await ordered(staff, 'accept', document=newer.uuid) == ''
    assert await ordered(staff, 'retype', document=newer.uuid, type='driving_licence') == ''
    await soon(lambda: item(staff, 'driving_licence')['state'] == 'accepted')


async def test_what_one_decided_is_shown_with_the_answer_to_its_form_and_not_before(
    open_page: Opener, claim: Claim, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Escape would close the form that is still there, and not the document."""
    dana, staff = await open_page('dana', claim, TAB), await open_page('staff', claim, TAB)
    document, told = upload(people.dana, claim, 'vehicle_licence'), []
    await soon(lambda: shown(staff, 'documents'))

    async def slowly(*args: Any, **kwargs: Any) -> Any:
        done = await live.work(*args, **kwargs)
        await soon(lambda: item(dana, 'vehicle_licence')['state'] == 'rejected')  # every page was rung
        await asyncio.sleep(0.1)
        told.append(item(staff, 'vehicle_licence')['state'])
        return done

    monkeypatch.setattr('components.documents_panel.work', slowly)
    assert await ordered(staff, 'reject', document=document.uuid, reason='unreadable_scan') == ''
    assert (told, item(staff, 'vehicle_licence')['state']) == (['received'], 'rejected')


async def test_what_an_agents_browser_may_not_order_is_refused(open_page: Opener, claim: Claim, people: People) -> None:
    dana = await open_page('dana', claim, TAB)
    theirs, own = upload(people.staff, claim, 'demand_letter'), upload(people.dana, claim, 'vehicle_licence', 'own.pdf')
    foreign = upload(people.staff, make_claim(people.cohen, people.staff), 'demand_letter', 'foreign.pdf')
    for order, more in (
        ('accept', {'document': own.uuid}),
        ('reject', {'document': own.uuid, 'reason': 'not_signed'}),
        ('retype', {'document': own.uuid, 'type': 'driving_licence'}),
        ('remove', {'document': theirs.uuid}),
        ('remove', {'document': foreign.uuid}),
        ('remove', {'document': ['no', 'text']}),
        ('waive', {'type': 'vehicle_licence', 'reason': ''}),
        ('require', {'type': 'police_report'}),
        ('ask_for', {'label': 'x'}),
        ('drop_table', {}),
    ):
        assert await ordered(dana, order, **more), order
    assert await ordered(dana, 'remove', document=own.uuid) == ''
    assert [removed['uuid'] for removed in shown(dana, 'trash')] == [own.uuid]
    assert await ordered(dana, 'restore', document=own.uuid) == ''
    assert shown(dana, 'trash') == []


async def test_only_the_bureau_learns_who_looked(open_page: Opener, claim: Claim, people: People) -> None:
    document = upload(people.dana, claim, 'vehicle_licence')
    with open_session(people.dana) as session:
        documents.note_views(session, [document], 'previewed', now())
    dana, staff = await open_page('dana', claim, TAB), await open_page('staff', claim, TAB)
    for page in (dana, staff):
        page.send(panel(page), 'look', document.uuid)
    await soon(lambda: shown(staff, 'views'))
    assert [(line['by'], line['how']) for line in shown(staff, 'views')['lines']] == [(people.dana.name, 'צפייה')]
    assert shown(dana, 'views') is None


async def test_what_is_asked_for_by_name_has_that_name_everywhere(
    open_page: Opener, claim: Claim, people: People
) -> None:
    dana, staff = await open_page('dana', claim, TAB), await open_page('staff', claim, TAB)
    assert await ordered(staff, 'ask_for', label='  ') != ''
    assert await ordered(staff, 'ask_for', label='תצהיר <b>הבעלים</b>', blocking=True) == ''
    await soon(lambda: any(item['need'] for item in shown(dana, 'items')))
    asked = next(item for item in shown(dana, 'items') if item['need'])
    assert (asked['label'], asked['blocking'], asked['missing']) == ('תצהיר <b>הבעלים</b>', True, True)
    upload(people.dana, claim, 'other_required', need_id=asked['need'])
    await soon(lambda: shown(staff, 'documents'))
    assert shown(staff, 'documents')[0]['title'] == 'תצהיר <b>הבעלים</b>'
    assert await ordered(staff, 'withdraw', need=asked['need']) == ''


async def test_the_place_to_drop_files_names_every_kind_that_is_taken(open_page: Opener, claim: Claim) -> None:
    page = await open_page('dana', claim, TAB)
    assert shown(page, 'kinds') == 'PDF, JPG, PNG, WebP, HEIC, TIFF, XLSX, DOCX'
    assert set(_KINDS) == set(decoding.ENDINGS[''])
    assert {f'.{ending}' for ending in decoding.ENDINGS if ending} <= set(ACCEPTED.split(','))
    assert files_taken()['most'] == intake.MOST_BYTES


async def test_an_answer_says_which_form_it_is_for(open_page: Opener, claim: Claim) -> None:
    staff = await open_page('staff', claim, TAB)
    for label, fails in (('', True), ('תצהיר', False)):
        order = {'order': 'ask_for', 'label': label, 'form': 'require'}
        answer = await staff.answer(panel(staff), 'order', order)
        assert (bool(answer['message']), answer['form']) == (fails, 'require')


async def test_one_that_is_missing_is_counted_as_one_says_it(open_page: Opener, claim: Claim) -> None:
    staff = await open_page('staff', claim, TAB)
    told = {group['missing']: group['counted'] for group in shown(staff, 'groups')}
    assert told[1] == 'חסר אחד'


def test_names_say_the_kind_in_both_languages(people: People) -> None:
    with open_session(people.staff, reading=True) as session:
        kinds = {kind.id: names_of(kind) for kind in fetch(session, document_types())}
    assert kinds['damage_photos'] == [['נזק'], ['damage']]
    assert kinds['vehicle_licence'][0] == ['רישיון', 'רכב']
    # a phone calls every photo an image: that says nothing
    assert not any('image' in words for names in kinds.values() for words in names)


async def test_a_new_pack_stands_on_every_open_page_of_the_bureau_and_on_no_other(
    open_page: Opener, claim: Claim, people: People
) -> None:
    dana, staff = await open_page('dana', claim, TAB), await open_page('staff', claim, TAB)
    upload(people.dana, claim, 'vehicle_licence')
    letter = upload(people.dana, claim, 'demand_letter', 'letter.docx')
    with open_session(people.staff2) as session:
        made = packs.submission(session, claim.claim_no)
        kept = packs.keep_pack(session, made, packs.Bound('ab' * 32, 2_000_000, 4, ['kind', (3, 2)]), now())
    await soon(partial(shown, staff, 'packs'))
    [pack] = shown(staff, 'packs')
    assert (pack['uuid'], pack['by'], pack['pages'], pack['size']) == (kept.uuid, people.staff2.name, '4 עמ׳', '1.9 MB')
    assert pack['apart'] == 'מסמך אחד נשלח בנפרד'
    assert [title for title, _, _ in pack['lines']] == ['צילום רישיון רכב', 'מכתב דרישה']
    assert '2–4' in pack['lines'][0][1]
    assert [first for _, _, first in pack['lines']] == [2, 0]
    assert pack['lines'][1][1] == 'נשלח בנפרד'
    with open_session(people.staff) as session:
        documents.reject(session, letter.uuid, 'not_signed', now())
    await soon(lambda: any(tile['state'] == 'rejected' for tile in shown(dana, 'documents')))
    assert shown(dana, 'packs') == []
    assert shown(staff, 'packs') == [pack]


async def test_a_pack_tells_where_its_demand_letter_is_or_why_it_has_none(
    open_page: Opener, claim: Claim, people: People
) -> None:
    upload(people.dana, claim, 'vehicle_licence')
    staff = await open_page('staff', claim, TAB)
    with open_session(people.staff) as session:
        packs.keep_pack(
            session, packs.submission(session, claim.claim_no), packs.Bound('ab' * 32, 9, 2, [(1, 2)]), now()
        )
    await soon(partial(shown, staff, 'packs'))
    lines = shown(staff, 'packs')[0]['lines']
    assert lines[0] == ('ללא מכתב דרישה', 'בתביעה עדיין לא נדרש סכום', 0)
    assert lines[1][0] == 'צילום רישיון רכב'
    with open_session(people.staff) as session:
        money.save_amounts(session, claim.id, 'repair_cost', {'demanded': (None, 11_800_00)}, now())
    with open_session(people.staff) as session:
        made = packs.submission(session, claim.claim_no)
        packs.keep_pack(session, made, packs.Bound('cd' * 32, 9, 4, [(1, 4)], (2, 2)), now())
    await soon(lambda: len(shown(staff, 'packs')) == 2)
    (letter, at, first), (licence, _, _) = shown(staff, 'packs')[0]['lines']
    assert (letter, licence) == ('מכתב דרישה', 'צילום רישיון רכב')
    assert '2–3' in at
    assert first == 2


async def test_staff_say_where_a_pack_went_and_more_of_it_is_another_line(
    open_page: Opener, claim: Claim, people: People
) -> None:
    upload(people.dana, claim, 'vehicle_licence')
    with open_session(people.staff) as session:
        made = packs.submission(session, claim.claim_no)
        pack = packs.keep_pack(session, made, packs.Bound('ab' * 32, 9, 2, [(1, 2)]), now())
    staff, dana = await open_page('staff', claim, TAB), await open_page('dana', claim, TAB)
    today = values.israel(now()).date()
    assert (shown(staff, 'today'), shown(staff, 'packs')[0]['sent']) == (today.isoformat(), [])
    assert [way['label'] for way in shown(staff, 'ways')] == ['דוא״ל', 'פורטל המבטח', 'מסירה ביד', 'פקס']
    form = f'sent {pack.uuid}'
    order = {'order': 'sent', 'document': pack.uuid, 'to': 'הראל', 'on': today.isoformat(), 'form': form}
    refused = await staff.answer(panel(staff), 'order', {**order, 'way': 'owl'})
    assert (refused['message'], refused['form']) == ('נא לבחור איך נשלח תיק ההגשה.', form)
    for way in ('email', 'fax'):
        answer = await staff.answer(panel(staff), 'order', {**order, 'way': way})
        assert (answer['message'], answer['said'], answer['form']) == ('', 'השליחה נרשמה', form)
    day = values.format_day(today)
    lines = [line.translate(UNMARKED) for line in shown(staff, 'packs')[0]['sent']]
    assert lines == [f'נשלח ל-הראל ב-{day} באמצעות {way} · {people.staff.name}' for way in ('דוא״ל', 'פקס')]
    assert (await dana.answer(panel(dana), 'order', {**order, 'way': 'hand'}))['message']
    assert shown(dana, 'packs') == []


async def test_of_many_packs_the_newest_are_sent_and_all_when_asked_for(
    open_page: Opener, claim: Claim, people: People
) -> None:
    upload(people.dana, claim, 'vehicle_licence')
    for number in range(PACKS_SHOWN + 2):
        with open_session(people.staff) as session:
            made = packs.submission(session, claim.claim_no)
            packs.keep_pack(session, made, packs.Bound(f'{number:02}' * 32, 9, 1 + number, [(number, 2)]), now())
    staff = await open_page('staff', claim, TAB)
    assert [pack['pages'] for pack in shown(staff, 'packs')] == [f'{n} עמ׳' for n in (7, 6, 5, 4, 3)]
    assert shown(staff, 'morePacks') is True
    staff.send(panel(staff), 'all_packs')
    await soon(lambda: len(shown(staff, 'packs')) == PACKS_SHOWN + 2)
    assert shown(staff, 'morePacks') is False
