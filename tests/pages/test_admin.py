"""The administration as an admin has it open: people, tables, history; nobody else gets in, and everybody sees new words at once."""

import re
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from fastapi import FastAPI
from nicegui.testing import User
from sqlalchemy import select

import pages.admin
from components import accesses, matrix_proposals
from components.admin_list import AdminList
from components.claims_list import ClaimsTable
from components.matrix_proposals import MatrixProposals
from db import accounts, proposals
from db.access_log import CLAIM, EXPORT, FILE, PAGE, SIGN_IN, Asked, keep_accesses
from db.access_log import accesses as log_of
from db.accounts import Person
from db.admin_tables import TABLES
from db.base import now
from db.calendar import CalendarDay
from db.message_templates import VARIABLES
from db.offices import User as Someone
from db.reference import Appraiser, ClaimStatus, Garage, Insurer
from db.requirements import send_back
from db.session import open_session
from tests.conftest import People
from tests.factories import SYSTEM, make_claim, turn_on_two_factor
from tests.pages.conftest import EMAILS, Open, shown_by
from tests.portal import signed_in
from tests.waiting import soon


async def opened(user: User, section: str) -> tuple[Open, AdminList]:
    page = Open(user, await user.open(f'/admin/{section}'))
    return page, page.of(AdminList)[0]


def answered_after(card: MatrixProposals, turn: int) -> bool:
    return bool((card.props['answer'] or {'turn': 0})['turn'] > turn)


async def form_of(page: Open, screen: AdminList, key: str) -> dict[str, Any]:
    before = (screen.props['form'] or {}).get('opened')
    page.send(screen, 'open', key)
    await soon(lambda: screen.props['form'] and screen.props['form']['opened'] != before)
    return dict(screen.props['form'])


async def test_nobody_but_an_admin_gets_in(portal: FastAPI, people: People) -> None:
    for email in ('dana@levi.demo', 'manager@levi.demo', 'staff@bureau.demo'):
        user = await signed_in(portal, email)
        for section in ('', '/people', '/statuses', '/settings', '/history', '/nothing'):
            assert (await user.http_client.get(f'/admin{section}')).status_code == 404, (email, section)
        await user.http_client.aclose()


async def test_every_section_is_drawn_with_its_form(admin: User) -> None:
    with open_session(SYSTEM) as session:
        session.add_all([Garage(name='מוסך אביב'), Appraiser(name='נועם שחר')])
        session.add(CalendarDay(day=date(2026, 12, 24), works=False, note='יום גיבוש'))
    for section in ('people', *TABLES):
        page, screen = await opened(admin, section)
        assert screen.props['rows'], section
        form = await form_of(page, screen, screen.props['rows'][0]['key'])
        assert form['fields'], section
        assert set(form['values']) == {field['name'] for field in form['fields']}, section
    assert (await admin.http_client.get('/admin/nothing')).status_code == 404


async def test_an_invited_person_sets_a_password_and_sees_his_office_only(
    admin: User, portal: FastAPI, people: People
) -> None:
    theirs = make_claim(people.cohen, people.staff)
    page, screen = await opened(admin, 'people')
    await form_of(page, screen, '')
    given = {'name': 'נועה שגב', 'email': 'noa@levi.demo', 'role': 'agent', 'office': '999'}
    page.send(screen, 'save', given)
    await soon(lambda: screen.props['form']['errors'])
    assert list(screen.props['form']['errors']) == ['office']
    page.send(screen, 'save', {**given, 'office': str(people.levi)})
    await soon(lambda: screen.props['form']['link'])
    # he is kept, so it is his own form now: there is nothing in it that was not sent
    await soon(lambda: screen.props['form']['actions'] and screen.props['form']['title'] == 'נועה שגב')
    link = screen.props['form']['link']
    page.send(screen, 'save', {**given, 'office': str(people.levi)})
    await soon(lambda: screen.props['form'] is None)
    assert link.startswith('http://localhost:8080/setup/'), 'where the settings say that the portal is'
    link = link.removeprefix('http://localhost:8080')
    await soon(lambda: 'נועה שגב' in [row['label'] for row in screen.props['rows']])

    stranger = await signed_in(portal, 'dana@levi.demo')
    stranger.http_client.cookies.clear()
    assert 'נועה שגב' in (await stranger.http_client.get(link)).text
    chosen = {'password': 'חתול כחול על הגג', 'password_again': 'חתול כחול על הגג'}
    assert (await stranger.http_client.post(link, data=chosen)).status_code == 303
    assert (await stranger.http_client.post(link, data=chosen)).status_code != 303
    assert (await stranger.http_client.get(f'/claims/{theirs.claim_no}')).status_code == 404
    assert (await stranger.http_client.get('/')).status_code == 200
    await stranger.http_client.aclose()


async def test_an_account_is_disabled_and_another_admin_sees_it_at_once(admin: User, people: People) -> None:
    page, screen = await opened(admin, 'people')
    form = await form_of(page, screen, str(people.dana.user_id))

    def dana() -> dict[str, Any]:
        return next(row for row in screen.props['rows'] if row['label'] == 'דנה ארז')

    assert {'link', 'demand', 'disable'} <= {action['key'] for action in form['actions']}
    page.send(screen, 'act', 'disable')
    await soon(lambda: screen.props['form'] is None)
    await soon(lambda: dana()['muted'])
    with open_session(people.admin) as session:  # in another window
        accounts.enable(session, people.dana.user_id or 0)
    await soon(lambda: not dana()['muted'])


async def test_an_admin_sees_who_has_two_step_verification_and_resets_it(admin: User, people: People) -> None:
    turn_on_two_factor(people.dana, now())
    page, screen = await opened(admin, 'people')

    def has_it() -> list[str]:
        return [row['label'] for row in screen.props['rows'] if 'אימות דו-שלבי' in str(row['cells'])]

    assert has_it() == ['דנה ארז']
    assert 'two_factor' not in {
        action['key'] for action in (await form_of(page, screen, str(people.yossi.user_id)))['actions']
    }
    await form_of(page, screen, str(people.dana.user_id))
    page.send(screen, 'act', 'two_factor')
    await soon(lambda: has_it() == [])
    assert 'אופס האימות הדו-שלבי' in str((await form_of(page, screen, str(people.dana.user_id)))['history'])


async def test_an_admin_requires_it_of_roles_and_health_says_of_whom(admin: User, people: People) -> None:
    health = Open(admin, await admin.open('/admin/health'))
    await soon(lambda: 'עובדי הלשכה רואים את כל המשרדים' in health.everything())
    page, screen = await opened(admin, 'settings')
    form = await form_of(page, screen, screen.props['rows'][0]['key'])
    page.send(screen, 'save', {**form['values'], 'two_factor_roles': 'handler\nadmin'})
    await soon(lambda: 'עובד/ת לשכה, מנהל/ת מערכת' in str(screen.props['rows']))
    health = Open(admin, await admin.open('/admin/health'))
    await soon(lambda: 'עובדי הלשכה רואים את כל המשרדים' in health.everything())  # the teams may still do without
    page, screen = await opened(admin, 'settings')
    form = await form_of(page, screen, screen.props['rows'][0]['key'])
    teams = 'handler\nrepair_team\nsubmission_team\nadmin'
    page.send(screen, 'save', {**form['values'], 'two_factor_roles': teams})
    await soon(lambda: 'צוות תיאום מוסך ושמאי, צוות הגשה ומעקב, מנהל/ת מערכת' in str(screen.props['rows']))
    health = Open(admin, await admin.open('/admin/health'))
    await soon(lambda: 'נדרש מבעלי התפקידים' in health.everything())
    assert 'עובדי הלשכה רואים את כל המשרדים' not in health.everything()


async def test_a_renamed_status_shows_at_once_in_an_open_list(admin: User, portal: FastAPI, people: People) -> None:
    make_claim(people.levi, people.staff)
    dana = await signed_in(portal, 'dana@levi.demo')
    table = Open(dana, await dana.open('/')).of(ClaimsTable)[0]
    page, screen = await opened(admin, 'statuses')
    form = await form_of(page, screen, 'new')
    assert '1' in form['uses']
    page.send(screen, 'save', {**form['values'], 'label': 'זה עתה נפתחה'})
    await soon(lambda: shown_by(table, 'rows')[0]['status']['label'] == 'זה עתה נפתחה')
    with open_session(SYSTEM, reading=True) as session:
        assert session.get_one(ClaimStatus, 'new').label == 'זה עתה נפתחה'
    history = Open(admin, await admin.open('/admin/history'))
    await soon(lambda: 'זה עתה נפתחה' in history.everything())
    await dana.http_client.aclose()


async def test_a_hostile_browser_reaches_nothing(admin: User, people: People) -> None:
    page, screen = await opened(admin, 'people')
    form = await form_of(page, screen, str(people.dana.user_id))
    for kind, sent in (
        ('save', {'active': 'no', 'id': '1', 'name': ['x'], 'email': None}),
        ('save', 'x'),
        ('act', 'delete'),
        ('act', None),
        ('page', -5),
        ('page', 'x'),
        ('find', {'a': 1}),
        ('filter', {'name': 'role', 'value': 'admin'}),
    ):
        page.send(screen, kind, sent)
    await soon(lambda: screen.props['rows'])
    with open_session(SYSTEM, reading=True) as session:
        assert Person.of(session.get_one(Someone, people.dana.user_id)) == Person(**form['values'])


async def test_a_form_that_is_refused_twice_for_the_same_reason_answers_twice(admin: User) -> None:
    page, screen = await opened(admin, 'people')
    await form_of(page, screen, '')
    page.send(screen, 'save', {'name': 'נועה', 'email': 'x', 'role': 'agent', 'office': ''})
    await soon(lambda: screen.props['form']['errors'])
    refused = screen.props['form']
    page.send(screen, 'save', {'name': 'נועה', 'email': 'y', 'role': 'agent', 'office': ''})
    # the browser holds its button until another form comes
    await soon(lambda: screen.props['form'] != refused)
    assert screen.props['form']['errors'] == refused['errors']


async def test_who_comes_second_reads_what_the_other_one_wrote_and_decides(admin: User, people: People) -> None:
    page, screen = await opened(admin, 'garages')
    await form_of(page, screen, '')
    page.send(screen, 'save', {'name': 'מוסך הגל', 'network': 'no', 'contact': 'אבי'})
    await soon(lambda: screen.props['rows'])
    key = screen.props['rows'][0]['key']
    form = await form_of(page, screen, key)
    other, theirs = await opened(admin, 'garages')
    told = await form_of(other, theirs, key)
    other.send(theirs, 'save', {**told['values'], 'contact': 'בני', 'phone': '045553321'})
    await soon(lambda: theirs.props['form'] is None)
    mine = {**form['values'], 'contact': 'גדי', 'address': 'הרצל 1, חיפה'}
    page.send(screen, 'save', mine)
    await soon(lambda: screen.props['form']['errors'])
    assert list(screen.props['form']['errors']) == ['contact']
    assert 'בני' in screen.props['form']['errors']['contact']
    present = screen.props['form']['values']
    assert (present['phone'], present['contact']) == ('045553321', 'בני'), 'what he left alone is what it is now'
    assert (present['address'], screen.props['form']['opened']) == ('', form['opened']), 'what he typed stays his'
    assert '045553321' in str(screen.props['form']['history'])
    mine['phone'] = present['phone']
    page.send(screen, 'save', mine)
    await soon(lambda: screen.props['form'] is None)
    kept = (await form_of(page, screen, key))['values']
    assert (kept['contact'], kept['address'], kept['phone']) == ('גדי', 'הרצל 1, חיפה', '045553321')


async def test_an_order_that_fails_or_is_refused_is_answered_and_shows_what_is_there(
    admin: User, people: People, monkeypatch
) -> None:
    page, screen = await opened(admin, 'people')
    form = await form_of(page, screen, str(people.admin.user_id))
    with open_session(people.admin) as session:  # in another window
        session.get_one(Someone, people.admin.user_id).name = 'נעמי רז'
    page.send(screen, 'act', 'disable')
    await soon(lambda: screen.props['form']['message'])
    assert 'האחרון' in screen.props['form']['message']
    assert screen.props['form']['values'] == {**form['values'], 'name': 'נעמי רז'}

    async def fails(*_: object) -> None:
        raise RuntimeError('the disk is full')

    answered = screen.props['form']['answered']
    monkeypatch.setattr(screen, 'act', fails)
    page.send(screen, 'act', 'disable')
    await soon(lambda: screen.props['form']['answered'] != answered)
    assert screen.props['form']['message'] == 'השינוי לא נשמר. נא לנסות שוב.'


async def test_each_table_says_who_changed_what_in_it(admin: User, people: People) -> None:
    page, screen = await opened(admin, 'garages')
    assert screen.props['record'] == []
    await form_of(page, screen, '')
    page.send(screen, 'save', {'name': 'מוסך הגל', 'network': 'no', 'phone': '045553321'})
    await soon(lambda: screen.props['record'])
    assert '04-5553321' in [cell['text'] for cell in screen.props['rows'][0]['cells']]
    (line,) = screen.props['record']
    assert (line['label'], line['by']) == ('מוסך הגל', people.admin.name)
    _, offices = await opened(admin, 'offices')
    assert {line['label'] for line in offices.props['record']} == {'סוכנות לוי', 'סוכנות כהן'}
    _, everybody = await opened(admin, 'people')
    assert 'דנה ארז' in {line['label'] for line in everybody.props['record']}


async def test_the_record_says_which_line_of_the_matrix_was_changed_and_went(admin: User, people: People) -> None:
    page, screen = await opened(admin, 'requirements')
    row = screen.props['rows'][0]
    form = await form_of(page, screen, row['key'])
    page.send(screen, 'save', {**form['values'], 'track': '', 'blocking': 'yes', 'required': 'yes', 'insurer': '1'})
    await soon(lambda: screen.props['form'] is None)
    await soon(lambda: [line['what'] for line in screen.props['record']] == ['שונה'])
    line = screen.props['record'][0]
    assert line['label'].startswith(row['label'] + ' · '), 'the document, then the insurer'
    await form_of(page, screen, row['key'])
    page.send(screen, 'act', 'remove')
    await soon(lambda: [line['what'] for line in screen.props['record']] == ['נמחק', 'שונה'])
    gone, changed = screen.props['record']
    assert gone['label'] == changed['label'] == line['label'], 'also when it is gone'
    assert not [pair for pair in gone['pairs'] if '←' in pair]
    page, screen = await opened(admin, 'settings')
    form = await form_of(page, screen, screen.props['rows'][0]['key'])
    page.send(screen, 'save', {**form['values'], 'stuck_days': '9'})
    await soon(lambda: screen.props['form'] is None)
    history = Open(admin, await admin.open('/admin/history'))
    assert '<b>שונה · הגדרות הלשכה</b>' in history.everything()
    assert '· </b>' not in history.everything()


async def test_the_record_has_its_title_before_anything_was_changed(admin: User, people: People, monkeypatch) -> None:
    monkeypatch.setattr(pages.admin, 'history_lines', lambda *_: [])
    history = Open(admin, await admin.open('/admin/history'))
    await soon(lambda: 'עדיין לא שונה דבר' in history.everything())
    assert '<h2>היסטוריית שינויים</h2>' in history.everything()


async def test_the_record_goes_on_past_its_first_page(admin: User, people: People, monkeypatch) -> None:
    monkeypatch.setattr(pages.admin, 'HISTORY', 2)
    for name in ('אלף', 'בית', 'גימל'):
        with open_session(people.admin) as session:
            session.add(Garage(name=f'מוסך {name}'))
    newest = Open(admin, await admin.open('/admin/history'))
    await soon(lambda: 'older-changes' in newest.everything())
    assert [name for name in ('אלף', 'בית', 'גימל') if f'מוסך {name}' in newest.everything()] == ['בית', 'גימל']
    older = re.search(r'/admin/history\?before=\d+', newest.everything())
    assert older
    before = Open(admin, await admin.open(older[0]))
    await soon(lambda: 'לשינויים האחרונים' in before.everything())
    assert [name for name in ('אלף', 'בית', 'גימל') if f'מוסך {name}' in before.everything()] == ['אלף']


async def test_the_log_of_access_says_who_looked_at_what_and_is_signed(
    admin: User, people: People, portal: FastAPI
) -> None:
    claim = make_claim(people.levi, people.staff)
    dana = await signed_in(portal, EMAILS['dana'])
    await dana.open(f'/claims/{claim.claim_no}')
    await dana.open('/?q=לוי')
    await dana.open('/?status=new')
    rival = await signed_in(portal, EMAILS['rival'])
    for address in (f'/claims/{claim.claim_no}', '/admin/accesses'):
        assert (await rival.http_client.get(address)).status_code == 404
    accesses.write()

    def lines(page: Open) -> list[str]:
        told = re.findall(r'<tr data-testid="access".*?</tr>', page.everything(), re.DOTALL)
        return [re.sub(r'<[^>]+>', ' ', line) for line in told]

    log = Open(admin, await admin.open('/admin/accesses'))
    await soon(lambda: lines(log))
    told = lines(log)
    for word in ('פתיחת עמוד', 'פתיחת תביעה', 'פתיחת רשימה', 'חיפוש'):
        assert word in ''.join(told)
    assert any(people.dana.name in line and 'סטטוס: ' in line for line in told)
    one = Open(admin, await admin.open(f'/admin/accesses?claim={claim.claim_no}'))
    await soon(lambda: lines(one))
    assert [('נדחה' in line, claim.claim_no in line) for line in lines(one)] == [(True, True), (False, True)]
    none = Open(admin, await admin.open('/admin/accesses?name=%3Cb%3E&what=hacked&who=x'))
    await soon(lambda: 'no-accesses' in none.everything())

    assert 'היומן עוד לא נסקר' in log.everything()
    button = next(one for one in none.client.elements.values() if one.props.get('data-testid') == 'access-reviewed')
    none.send(button, 'click')
    await soon(lambda: f'{people.admin.name} – סקירה אחרונה' in none.everything())


async def test_administration_says_that_the_log_waits_for_its_monthly_look(admin: User, people: People) -> None:
    with open_session(SYSTEM) as session:
        keep_accesses(session, [{'at': now() - timedelta(days=31), 'user_id': people.staff.user_id, 'what': SIGN_IN}])

    def asks(page: Open) -> bool:
        return 'לסקירה' in page.everything()

    first = Open(admin, await admin.open('/admin'))
    await soon(lambda: asks(first))
    log = Open(admin, await admin.open('/admin/accesses'))
    await soon(lambda: asks(log))
    button = next(one for one in log.client.elements.values() if one.props.get('data-testid') == 'access-reviewed')
    log.send(button, 'click')
    await soon(lambda: not asks(log))


async def test_every_page_and_file_of_others_is_in_the_log_of_access(portal: FastAPI, people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    staff = await signed_in(portal, EMAILS['staff'])
    for address in (
        *(f'/messages?claim={claim.claim_no}', '/cheques?q=%D7%9C%D7%95%D7%99', '/work', '/alerts', '/reports'),
        *('/account', '/messages?claim=26-99999', '/import/999', f'/claims/{claim.claim_no}/clocks/none'),
        *('/files/exports/999', '/files/imports/999/refused', '/reports/tables/none.xlsx'),
    ):
        await staff.http_client.get(address)
    accesses.write()
    with open_session(people.admin, reading=True) as session:
        logged = log_of(session, Asked(user_id=people.staff.user_id), 20)[::-1]
    assert [(row.what, row.told or row.claim_no, row.granted) for row in logged if row.what != SIGN_IN] == [
        (PAGE, f'/messages?claim={claim.claim_no}', True),
        (PAGE, '/cheques?q=לוי', True),
        (PAGE, '/work', True),
        (PAGE, '/alerts', True),
        (PAGE, '/reports', True),
        (PAGE, '/messages?claim=26-99999', False),
        (PAGE, '/import/999', False),
        (CLAIM, claim.claim_no, False),
        (FILE, '/files/exports/999', False),
        (FILE, '/files/imports/999/refused', False),
        (EXPORT, '/reports/tables/none.xlsx', False),
    ]
    assert [row.claim_no for row in logged if row.told.startswith('/messages')] == [claim.claim_no, '26-99999']


async def test_from_a_claim_an_admin_reads_who_opened_it(admin: User, people: People, portal: FastAPI) -> None:
    claim = make_claim(people.levi, people.staff)
    way = f'/admin/accesses?claim={claim.claim_no}'
    page = Open(admin, await admin.open(f'/claims/{claim.claim_no}?tab=history'))
    await soon(lambda: way in page.everything())
    staff = await signed_in(portal, EMAILS['staff'])
    shown = Open(staff, await staff.open(f'/claims/{claim.claim_no}?tab=history'))
    await soon(lambda: 'data-testid=history-more' in shown.everything() or 'mk-hist' in shown.everything())
    assert way not in shown.everything()


async def test_a_template_can_be_tried_with_every_variable(admin: User) -> None:
    page, screen = await opened(admin, 'templates')
    form = await form_of(page, screen, screen.props['rows'][0]['key'])
    assert form['samples'].keys() == VARIABLES.keys()
    assert all(sample['text'] and sample['label'] for sample in form['samples'].values())
    page, screen = await opened(admin, 'garages')
    assert (await form_of(page, screen, ''))['samples'] == {}


async def test_what_insurers_keep_asking_for_is_proposed_to_the_admin_who_takes_or_leaves_it(
    admin: User, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[None] = []
    honest = proposals.counted

    def counted(session: Any) -> Any:
        counts.append(None)
        return honest(session)

    monkeypatch.setattr(matrix_proposals, 'counted', counted)
    with open_session(SYSTEM) as session:
        phoenix = session.scalars(select(Insurer.id).where(Insurer.code == 'phoenix')).one()
    numbers = []
    for _ in range(3):
        claim = make_claim(people.levi, people.staff, tp_insurer=phoenix, track='private_report')
        numbers.append(claim.claim_no)
        with open_session(people.staff) as session:
            send_back(session, claim.id, 'new', ['police_report', 'claims_history'], now())
    page, screen = await opened(admin, 'requirements')
    card = page.of(MatrixProposals)[0]
    taken, left = card.props['proposals']
    assert {one['title'] for one in (taken, left)} == {
        'להוסיף ״אישור משטרה״ כברירת מחדל לתיקים מול הפניקס?',
        'להוסיף ״עבר ביטוחי (3 שנים)״ כברירת מחדל לתיקים מול הפניקס?',
    }
    assert (taken['where'], taken['asked']) == (['מסלול: דוח פרטי'], 'התבקש ב-3 תיקים שהוחזרו להשלמה:')
    assert [claim['no'] for claim in taken['claims']] == numbers[::-1]
    for order, one, said in (('approve', taken, 'השורה נוספה למטריצה.'), ('decline', left, 'ההצעה הוסרה לעת עתה.')):
        turn = (card.props['answer'] or {'turn': 0})['turn']
        page.send(card, 'decide', {'order': order, 'key': one['key'], 'number': 1})
        await soon(partial(answered_after, card, turn))
        assert (card.props['answer']['said'], card.props['answer']['message']) == (said, '')
    assert card.props['proposals'] == []
    await soon(lambda: 'הפניקס' in str([row for row in screen.props['record'] if row['what'] == 'נוסף']))
    page.send(card, 'decide', {'order': 'remove', 'key': left['key'], 'number': 2})
    await soon(lambda: card.props['answer']['message'])
    history = Open(admin, await admin.open('/admin/history'))
    assert 'נוסף · הצעות למטריצה שלא התקבלו' in history.everything()
    assert len(counts) == 1, 'what is edited here is nothing an insurer asked for: the claims are not counted again'
