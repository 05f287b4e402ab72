"""Mail on its way: a real server takes it, refuses it, is silent or gone; and what it says gives nobody away."""

import email.policy
import re
import socket
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from itertools import product
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from db import values
from db.alert_choices import choose
from db.alert_kinds import EVENTS, KINDS, MAIL
from db.alerts import Alert, mark_read
from db.claims import Claim
from db.identity import link_of, set_password
from db.mail import (
    ALERTS,
    DIGEST,
    DROPPED,
    FAILED,
    RESET,
    SENT,
    WAITING,
    Mail,
    News,
    Tidings,
    prefer_mail,
    queue_reset,
)
from db.offices import User
from db.session import connect, fetch, open_session
from db.settings import load
from jobs import mail
from jobs.mail import send_mails
from jobs.mail_words import Sender, written
from tests.conftest import People, made_once
from tests.factories import SYSTEM, alert_of_date, make_claim
from tests.processes import PROCESSES

MONDAY = datetime(2026, 11, 23, 12, 0, tzinfo=values.ISRAEL)
MORNING = MONDAY.replace(hour=7, minute=30)
READY = MONDAY + timedelta(minutes=6)
HANGS_UP = 'nothing'
FROM, BASE = 'Maakav <claims@bureau.example>', 'https://claims.bureau.example'


class Inbox:
    """What the server does with a recipient, and what it took."""

    def __init__(self) -> None:
        self.took: list[tuple[str, EmailMessage]] = []
        self.answers: dict[str, str] = {}

    async def handle_RCPT(  # noqa: N802 - its name in aiosmtpd
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        answer = self.answers.get(address) or self.answers.get('*')
        if answer == HANGS_UP:
            server.transport.close()
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return '250 OK'

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - likewise
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.took += [(str(to), message) for to in envelope.rcpt_tos]
        return '250 OK'

    def to(self, address: str) -> list[EmailMessage]:
        return [message for to, message in self.took if to == address]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return int(one.getsockname()[1])


def use(url: str) -> None:
    mail.use(
        load(None, database_url='sqlite:///x.db', smtp_url=url, mail_from=FROM, base_url=BASE, secure_cookies=True)
    )


@pytest.fixture(autouse=True)
def no_post() -> Iterator[None]:
    yield
    mail._post = None


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    inbox, port = Inbox(), free_port()
    server = Controller(inbox, hostname='127.0.0.1', port=port)
    server.start()
    use(f'smtp://127.0.0.1:{port}')
    yield inbox
    server.stop()


@made_once
def claim(people: People) -> Claim:
    with open_session(SYSTEM) as session:
        for user in session.scalars(select(User)):
            user.digest = False
    return make_claim(people.levi, people.staff, agent=people.dana.user_id, handler=people.staff.user_id)


def rows() -> list[Mail]:
    with open_session(SYSTEM, reading=True) as session:
        return fetch(session, select(Mail).order_by(Mail.id))


def states() -> list[tuple[str, str]]:
    return [(row.state, row.error) for row in rows()]


# ---- it arrives -------------------------------------------------------------------------------------------------------------


def test_an_alert_nobody_read_arrives_once_with_a_link(people, claim, inbox):
    alert_of_date(claim, MONDAY, people.dana)
    assert [send_mails(MONDAY), send_mails(READY), send_mails(READY), send_mails(READY)] == [0, 1, 0, 0]
    (message,) = inbox.to('dana@levi.demo')
    assert str(message['Subject']) == f'עדכון בתביעה {claim.claim_no}'
    assert str(message['From']) == FROM
    assert message['List-Unsubscribe'] == f'<{BASE}/account>'
    assert message['Auto-Submitted'] == 'auto-generated'
    for part in ('plain', 'html'):
        body = message.get_body((part,))
        assert body is not None
        assert f'{BASE}/claims/{claim.claim_no}' in body.get_content()
        assert f'{BASE}/account' in body.get_content()
        assert 'המחאות' in body.get_content()
    html = message.get_body(('html',))
    assert html is not None
    assert '<html lang="he" dir="rtl">' in html.get_content()
    assert states() == [(SENT, '')]


def test_reading_cancels_the_mail(people, claim, inbox):
    alert_of_date(claim, MONDAY, people.dana)
    send_mails(MONDAY)
    with open_session(people.dana) as session:
        mark_read(session, MONDAY, claim.id)
    assert send_mails(READY) == 0
    assert inbox.took == []
    assert states() == [(DROPPED, '')]


def test_who_left_meanwhile_or_changed_his_mind_gets_nothing(people, claim, inbox):
    with open_session(people.manager) as session:
        choose(session, 'deadlines', MAIL, True)
    alert_of_date(claim, MONDAY, people.dana)
    alert_of_date(claim, MONDAY, people.manager, kind='deadline.near')
    send_mails(MONDAY)
    with open_session(SYSTEM) as session:
        session.get_one(User, people.dana.user_id).active = False
    with open_session(people.manager) as session:
        choose(session, 'deadlines', MAIL, False)
    assert send_mails(READY) == 0
    assert states() == [(DROPPED, '')] * 2


def test_what_became_due_in_the_quiet_is_held_until_the_morning(people, claim, inbox):
    alert_of_date(claim, MONDAY, people.dana)
    send_mails(MONDAY)
    assert send_mails(MONDAY.replace(hour=22)) == 0, 'nothing ran in the afternoon'
    assert send_mails(MORNING + timedelta(hours=23)) == 0
    assert send_mails(MORNING + timedelta(days=1)) == 1


def test_each_in_his_own_language(people, claim, inbox):
    with open_session(SYSTEM) as session:
        session.get_one(User, people.dana.user_id).language = 'en'
    alert_of_date(claim, MONDAY, people.dana)
    send_mails(MONDAY)
    send_mails(READY)
    assert str(inbox.took[0][1]['Subject']) == f'News of claim {claim.claim_no}'


def test_without_a_server_nothing_is_even_queued(people, claim):
    mail.use(load(None, database_url='sqlite:///x.db'))
    assert not mail.is_on()
    alert_of_date(claim, MONDAY, people.dana)
    assert send_mails(MONDAY) == send_mails(MORNING) == 0
    assert rows() == []


# ---- the morning ------------------------------------------------------------------------------------------------------------


def test_the_summary_tells_what_is_new_and_is_never_empty(people, claim, inbox):
    for person in (people.dana, people.yossi):
        with open_session(person) as session:
            prefer_mail(session, digest=True, any_time=False)
    alert_of_date(claim, MORNING - timedelta(hours=10), people.dana, kind='task.due')
    assert send_mails(MORNING) == 1
    (message,) = inbox.to('dana@levi.demo')
    assert str(message['Subject']) == 'סיכום הבוקר: עדכון בתביעה אחת'
    assert inbox.to('yossi@levi.demo') == []
    assert Counter(states()) == {(SENT, ''): 1, (DROPPED, ''): 1}
    assert send_mails(MORNING + timedelta(minutes=1)) == 0


def post_as_another_process(url: str, smtp: str, moment: datetime) -> None:
    connect(url)
    use(smtp)
    for _ in range(3):
        send_mails(moment)


@pytest.mark.slow
def test_two_processes_send_one_summary_and_one_mail(people, claim, inbox, database_url):
    with open_session(people.dana) as session:
        prefer_mail(session, digest=True, any_time=False)
        choose(session, 'tasks', MAIL, True)
    alert_of_date(claim, MORNING - timedelta(hours=10), people.dana, kind='task.due')
    alert_of_date(claim, MORNING - timedelta(hours=9), people.yossi)
    server = mail._post
    assert server is not None
    smtp = f'smtp://127.0.0.1:{server.server.port}'
    running = [PROCESSES.Process(target=post_as_another_process, args=(database_url, smtp, MORNING)) for _ in range(2)]
    for one in running:
        one.start()
    for one in running:
        one.join(timeout=180)
    assert [one.exitcode for one in running] == [0] * 2
    send_mails(MORNING + timedelta(minutes=10))
    told = Counter((to, str(message['Subject']).split(':')[0]) for to, message in inbox.took)
    assert told[('dana@levi.demo', 'סיכום הבוקר')] == 1
    assert max(told.values()) == 1
    assert len(inbox.to('yossi@levi.demo')) == 1


# ---- the server fails -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('answer', 'state'),
    [('550 no such user', (FAILED, 'refused 550')), ('451 greylisted, come back', (WAITING, 'refused 451'))],
)
def test_one_refused_address_keeps_nobody_elses_mail_back(people, claim, inbox, answer, state):
    inbox.answers['dana@levi.demo'] = answer
    alert_of_date(claim, MONDAY, people.dana, people.yossi)
    send_mails(MONDAY)
    assert send_mails(READY) == 1
    assert len(inbox.to('yossi@levi.demo')) == 1
    assert states() == [state, (SENT, '')]
    inbox.answers.clear()
    assert send_mails(READY + timedelta(minutes=2)) == (state[0] == WAITING)


@pytest.mark.parametrize('answer', ['421 come back later', HANGS_UP])
def test_a_mail_at_which_the_server_hangs_up_keeps_nobody_elses_back(people, claim, inbox, answer):
    inbox.answers['dana@levi.demo'] = answer
    alert_of_date(claim, MONDAY, people.dana, people.yossi, people.manager)
    send_mails(MONDAY)
    for minutes in range(3):
        send_mails(READY + timedelta(minutes=minutes))
    assert [len(inbox.to(f'{name}@levi.demo')) for name in ('dana', 'yossi', 'manager')] == [0, 1, 1]
    assert [(row.state, row.tries) for row in rows()] == [(WAITING, 2), (SENT, 1), (SENT, 1)]


def test_a_server_that_is_gone_is_tried_again_until_it_is_back(people, claim, inbox):
    alert_of_date(claim, MONDAY, people.dana, people.yossi)
    send_mails(MONDAY)
    there = mail._post
    use(f'smtp://127.0.0.1:{free_port()}')
    assert send_mails(READY) == 0
    assert states() == [(WAITING, 'unreachable')] * 2
    mail._post = there
    assert send_mails(READY) == 0, 'it waits for its next try'
    assert send_mails(READY + timedelta(minutes=1)) == 2


def test_a_server_that_says_nothing_is_left_alone_after_a_while(people, claim, monkeypatch):
    monkeypatch.setattr(mail, 'PATIENCE_SECONDS', 0.3)
    alert_of_date(claim, MONDAY, people.dana)
    with socket.socket() as silent:
        silent.bind(('127.0.0.1', 0))
        silent.listen()
        use(f'smtp://127.0.0.1:{silent.getsockname()[1]}')
        send_mails(MONDAY)
        begun = time.monotonic()
        assert send_mails(READY) == 0
        assert time.monotonic() - begun < 10
    assert states() == [(WAITING, 'timeout')]


def test_a_server_that_is_gone_is_not_asked_for_every_mail(people, claim, monkeypatch):
    monkeypatch.setattr(mail, 'BATCH', 1)
    alert_of_date(claim, MONDAY, people.dana, people.yossi, people.manager)
    use(f'smtp://127.0.0.1:{free_port()}')
    send_mails(MONDAY)
    send_mails(READY)
    assert states() == [(WAITING, 'unreachable'), (WAITING, ''), (WAITING, '')]


def test_a_password_never_goes_out_in_the_clear(people, claim, inbox):
    assert mail._post is not None
    server = mail.Server('mail.example.org', 587, False, 'user', 'p/w')
    assert server.client()._start_tls_on_connect is True
    assert mail.Server('127.0.0.1', 587, False, 'user', 'p/w').client()._start_tls_on_connect is None
    given = mail.Server.of('smtps://us%40er:p%2Fw@mail.example.org')
    assert given == mail.Server('mail.example.org', 465, True, 'us@er', 'p/w')
    alert_of_date(claim, MONDAY, people.dana)
    send_mails(MONDAY)
    port = mail._post.server.port
    use(f'smtp://user:password@127.0.0.1:{port}')  # this one knows no sign-in
    assert send_mails(READY) == 0
    assert inbox.took == []
    assert states()[0][0] == WAITING


def test_a_mail_that_cannot_be_written_is_given_up_and_the_others_go_out(people, claim, inbox, monkeypatch):
    def broken(sender: Sender, row: Mail, to: str, *rest: Any) -> EmailMessage:
        if to.startswith('dana'):
            raise ValueError('as wanted')
        return written(sender, row, to, *rest)

    monkeypatch.setattr(mail, 'written', broken)
    alert_of_date(claim, MONDAY, people.dana, people.yossi)
    send_mails(MONDAY)
    for minutes in range(3):
        send_mails(READY + timedelta(days=minutes))
    assert len(inbox.took) == 1
    assert rows()[1].state == SENT
    assert rows()[0].error == 'unwritten'


def test_records_of_a_month_ago_are_cleared(people, claim, inbox):
    alert_of_date(claim, MONDAY, people.dana)
    send_mails(MONDAY)
    send_mails(READY)
    assert mail.clear_mails(READY + timedelta(days=29)) == 0
    assert mail.clear_mails(READY + timedelta(days=31)) == 1


# ---- what it says -----------------------------------------------------------------------------------------------------------

SENDER = Sender(FROM, BASE)
CANARIES = {
    'insured_name': 'קנריתמבוטח',
    'plate': '99988877',
    'insured_phone': '0529998887',
    'insured_id_no': '123456782',
    'insured_address': 'רחובהקנרית 17',
    'policy_no': 'POLCANARY',
    'tp_plate': '66655544',
}
CHANGES = ('claim.opened', 'claim.updated', 'claim.call', 'claim.document', 'claim.message', 'claim.mention', 'claim.x')


def test_no_alert_gives_anything_away_but_the_number_of_the_claim(people, inbox):
    claim = make_claim(people.levi, people.staff, {**CANARIES, 'agent': people.dana.user_id})
    with open_session(SYSTEM) as session:
        user = session.get_one(User, people.dana.user_id)
        user.digest = user.mail_any_time = True
        for other in session.scalars(select(User).where(User.id != user.id)):
            other.digest = False
    secret = {
        'amount': 98765432,
        'due': '2027-01-17',
        'label': 'תוויתקנרית',
        'title': 'כותרתקנרית',
        'day': '2027-01-17',
    }
    with open_session(SYSTEM) as session:
        common = {'user_id': people.dana.user_id, 'claim_id': claim.id, 'office_id': claim.office_id, 'values': secret}
        for kind, event in product([*KINDS, *CHANGES], EVENTS):
            session.add(Alert(**common, kind=kind, event=event, key=f'{kind} {event}', at=MORNING))
    with open_session(people.dana) as session:
        for event in EVENTS:
            choose(session, event, MAIL, True)
    assert send_mails(MORNING + timedelta(minutes=1)) == 1, 'the summary'
    assert send_mails(MORNING + timedelta(minutes=7)) == 1, 'and what is urgent'
    everything = ''
    for _, message in inbox.took:
        parts = [part.get_content() for part in message.walk() if not part.is_multipart()]
        # numbers by chance: what parts two parts, and the moment in the mail's own number, which tells nothing else
        message.set_boundary('boundary')
        assert re.fullmatch(r'<maakav-\d+-\d{14}@[a-z.]+>', message['Message-ID'])
        del message['Message-ID']
        everything += ' '.join([*(str(value) for value in message.values()), *parts])
    assert claim.claim_no in everything
    hidden = [*CANARIES.values(), 'קנרית', 'דנה', 'ארז', 'לוי', '98765432', '987,654', '2027', '17/01']
    assert [word for word in hidden if word in everything.replace('dana@levi.demo', '')] == []


def of(kind: str) -> Mail:
    return Mail(id=7, user_id=1, kind=kind, key='x', made_at=MONDAY, due_at=MONDAY)


TEXT = st.text(max_size=60)
TIDINGS = st.builds(
    Tidings,
    news=st.lists(st.builds(News, TEXT, st.tuples(TEXT)), min_size=1, max_size=3).map(tuple),
    due=st.lists(st.builds(News, TEXT, st.tuples(st.sampled_from(sorted(EVENTS)))), max_size=2).map(tuple),
)


@given(tidings=TIDINGS, kind=st.sampled_from([ALERTS, DIGEST]), reader=st.sampled_from(['he', 'en']))
def test_nothing_a_claim_is_called_adds_a_header_or_markup(tidings, kind, reader):
    try:
        message = written(SENDER, of(kind), 'dana@levi.demo', tidings, reader, MONDAY)
        raw = message.as_bytes()
    except (ValueError, UnicodeError):
        return  # refused: nothing goes out
    head = email.message_from_bytes(raw, policy=email.policy.default)
    assert sorted(head.keys()) == sorted(
        [
            'From',
            'To',
            'Subject',
            'Date',
            'Message-ID',
            'Auto-Submitted',
            'List-Unsubscribe',
            'Content-Language',
            'MIME-Version',
            'Content-Type',
        ]
    )
    html = message.get_body(('html',))
    assert html is not None
    tags = set(re.findall(r'<(/?[a-z!][a-z0-9]*)', html.get_content()))
    assert {tag.strip('/') for tag in tags} <= {
        '!doctype',
        *['html', 'head', 'meta', 'body', 'p', 'h3', 'a', 'br', 'bdi', 'hr'],
    }


@pytest.mark.parametrize('evil', ['2026-1\r\nBcc: all@example.org', '2026-1\nBcc: x', '2026\r-1'])
def test_a_header_cannot_be_smuggled_in(evil):
    try:
        message = written(SENDER, of(ALERTS), 'dana@levi.demo', Tidings((News(evil, ('status',)),)), 'he', MONDAY)
    except ValueError:
        return
    assert message['Bcc'] is None
    assert email.message_from_bytes(message.as_bytes())['Bcc'] is None
    with pytest.raises(ValueError, match=r'.'):
        written(SENDER, of(ALERTS), f'x@y.z{evil}', Tidings((News('1', ()),)), 'he', MONDAY)


def test_the_same_mail_has_the_same_number_each_time():
    numbers = {
        str(written(SENDER, of(ALERTS), 'a@b.example', Tidings((News('1', ()),)), 'he', moment)['Message-ID'])
        for moment in (MONDAY, READY)
    }
    assert len(numbers) == 1
    assert numbers.pop().endswith('@bureau.example>')


def forgets(people: People, moment: datetime, *, chose: bool = True) -> str:
    """Dana forgot her password; returns her address."""
    with open_session(SYSTEM) as session:
        if chose:
            set_password(session, people.dana.user_id or 0, 'a sentence of mine', moment)
        address = session.get_one(User, people.dana.user_id).email or ''
        queue_reset(session, address, moment)
        queue_reset(session, address.upper(), moment)
    return address


def test_who_forgot_his_password_gets_one_link_at_any_hour_that_opens_it(people: People, inbox: Inbox) -> None:
    night = MONDAY.replace(hour=2)
    address = forgets(people, night)
    assert send_mails(night) == 1
    (message,) = inbox.to(address)
    found = re.search(rf'{BASE}/setup/(\S+)', message.get_content())
    assert found
    with open_session(SYSTEM, reading=True) as session:
        link = link_of(session, found[1], night + timedelta(minutes=59))
        assert link is not None
        assert link.user_id == people.dana.user_id
        assert link_of(session, found[1], night + timedelta(minutes=61)) is None
        assert [mail.state for mail in fetch(session, select(Mail).where(Mail.kind == RESET))] == [SENT]


def test_a_link_that_is_sent_again_comes_in_a_mail_of_its_own_and_works_alone(people: People, inbox: Inbox) -> None:
    address = forgets(people, MONDAY)
    send_mails(MONDAY)
    with open_session(SYSTEM) as session:  # the process died before it could note that it was out
        session.scalars(select(Mail).where(Mail.kind == RESET)).one().state = WAITING
    again = MONDAY + timedelta(minutes=6)
    assert send_mails(again) == 1
    first, second = inbox.to(address)
    assert first['Message-ID'] != second['Message-ID'], 'or the mailbox shows the one whose link is void'
    with open_session(SYSTEM, reading=True) as session:
        works = [link_of(session, re.search(r'/setup/(\S+)', one.get_content())[1], again) for one in (first, second)]  # type: ignore[index]
        assert [link is not None for link in works] == [False, True]


@pytest.mark.parametrize('why', ['disabled', 'late', 'invited', 'without an address'])
def test_no_link_goes_to_whom_it_would_let_in_against_the_rules(people: People, inbox: Inbox, why: str) -> None:
    address = forgets(people, MONDAY, chose=why != 'invited')
    if why == 'disabled':
        with open_session(SYSTEM) as session:
            session.get_one(User, people.dana.user_id).active = False
    if why == 'without an address':
        with open_session(SYSTEM) as session:
            session.get_one(User, people.dana.user_id).email = None
    assert send_mails(MONDAY + timedelta(hours=2 if why == 'late' else 0)) == 0
    assert not inbox.to(address)
    with open_session(SYSTEM, reading=True) as session:
        states = [mail.state for mail in fetch(session, select(Mail).where(Mail.kind == RESET))]
    assert states == ([] if why == 'invited' else [DROPPED])
