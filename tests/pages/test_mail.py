"""Mail on the screen: what a person chooses of it, and what an admin sees and does when it fails."""

from datetime import timedelta

from fastapi import FastAPI
from nicegui import ui
from nicegui.element import Element

from components.health_panel import MAIL_ERRORS, mail_html
from db import identity
from db.base import now
from db.mail import DIGEST, FAILED, WAITING, FailedMail, Mail, MailHealth
from db.offices import User as Someone
from db.session import open_session
from db.settings import load
from jobs import mail
from tests.conftest import People
from tests.factories import PASSWORD, SYSTEM
from tests.pages.conftest import Open
from tests.portal import signed_in
from tests.waiting import soon


async def test_a_person_chooses_his_mail_and_nobody_elses(portal: FastAPI, people: People) -> None:
    user = await signed_in(portal, 'dana@levi.demo')
    page = Open(user, await user.open('/account'))
    shown = ' '.join(element.content for element in page.of(ui.html))
    assert 'name="digest" value="yes" checked' in shown
    assert 'name="any_time" value="yes">' in shown
    assert 'כרגע לא נשלח דוא״ל' in shown
    answer = await user.http_client.post('/account/mail', data={'any_time': 'yes', 'user_id': '1'})
    assert (answer.status_code, answer.headers['location']) == (303, '/account')
    with open_session(SYSTEM, reading=True) as session:
        mine, other = (session.get_one(Someone, who.user_id) for who in (people.dana, people.manager))
    assert (mine.digest, mine.mail_any_time, other.digest, other.mail_any_time) == (False, True, True, False)
    await user.http_client.aclose()


async def test_the_admin_sees_what_was_given_up_and_sends_it_again(portal: FastAPI, people: People) -> None:
    with open_session(SYSTEM) as session:
        identity.set_password(session, people.admin.user_id or 0, PASSWORD, now())
        lost = Mail(user_id=people.dana.user_id, kind=DIGEST, key='x', made_at=now(), due_at=now(), state=FAILED)
        lost.error, lost.ended_at = 'refused 550', now()
        session.add(lost)
    given = {'smtp_url': 'smtp://127.0.0.1:1', 'mail_from': 'a@b.example'}
    admin = await signed_in(portal, 'admin@bureau.demo')
    mail.use(load(None, **given))
    try:
        page = Open(admin, await admin.open('/admin/health'))
    finally:
        mail.use(load(None))
    shown = ' '.join(element.content for element in page.of(ui.html))
    assert all(part in shown for part in ('דנה ארז', 'סיכום הבוקר', 'השרת סירב לכתובת', '550', 'דורש בדיקה'))
    (again,) = (one for one in page.of(Element) if one.props.get('data-testid') == 'mail-again')
    page.send(again, 'click')

    def tried_again() -> bool:
        with open_session(SYSTEM, reading=True) as session:
            return session.get_one(Mail, lost.id).state == WAITING

    await soon(tried_again)
    await soon(lambda: not any('דנה ארז' in element.content for element in page.of(ui.html)))
    await admin.http_client.aclose()


async def test_each_state_of_the_mail_is_told(portal: FastAPI, people: People, monkeypatch) -> None:
    monkeypatch.setattr('components.words.language', lambda: 'he')
    moment = now()
    assert 'SMTP_URL' in mail_html(None, moment, 'he')
    assert 'תקין<' in mail_html(MailHealth(0, None, 4, ()), moment, 'he')
    assert 'דורש בדיקה' in mail_html(MailHealth(1, moment - timedelta(hours=1), 0, ()), moment, 'he')
    for error in [*(f'{word} 450' for word in MAIL_ERRORS), '<b>new']:
        told = mail_html(MailHealth(0, None, 0, (FailedMail('<b>דן', 'alerts', moment, error),)), moment, 'he')
        assert '<b>דן' not in told
        assert '<b>new' not in told
