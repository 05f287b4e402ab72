"""A day's work with names that nobody else has: none of them is in the log, and each failed request is one line of it."""

import json
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import select

from db import identity
from db.base import now
from db.claims import Claim
from db.session import connect, open_session
from tests import papers
from tests.e2e.conftest import Socket, Visitor, free_port, serving
from tests.factories import PASSWORD, SYSTEM, make_claim, make_people
from tests.waiting import until

pytestmark = pytest.mark.e2e

NAME, LATIN, PERSON_NO, PHONE = 'צפנת פענחית', 'Zaphnath Paaneah', '123456782', '0525550134'
MAIL, SOUGHT, FILE = 'zaphnath@paaneah.example', 'חיפוש-שאין-כמותו', 'תעודה של צפנת zaphnath.jpg'
CANARIES = (*NAME.split(), *LATIN.split(), PERSON_NO, PHONE, MAIL, SOUGHT, *FILE.split(), 'zaphnath', PASSWORD)


def test_the_log_of_a_day_names_nobody(sqlite_url: str, tmp_path: Path) -> None:
    connected = connect(sqlite_url)
    people = make_people()
    with open_session(SYSTEM) as session:
        identity.set_password(session, people.staff.user_id or 0, PASSWORD, now())
    given = {'insured_name': NAME, 'insured_id_no': PERSON_NO, 'insured_phone': PHONE, 'insured_email': MAIL}
    claim = make_claim(people.levi, people.staff, {**given, 'tp_driver': LATIN})
    port = str(free_port())
    with serving('app', tmp_path, anew=True, DATABASE_URL=sqlite_url, METRICS_PORT=port, LOG_LEVEL='DEBUG') as server:
        failed = Visitor(server).http.post('/login', data={'email': MAIL, 'password': NAME})
        staff = Visitor(server).sign_in('staff@bureau.demo', PASSWORD)
        for path in ('/', f'/?q={quote(SOUGHT)}', f'/?q={PERSON_NO}', '/work', '/cheques', '/messages', '/alerts'):
            staff.open(path)
        page = staff.open(f'/claims/{claim.claim_no}')
        socket = Socket(server, page.query, staff.cookie, server.url)
        socket.emit(
            'log', {'client_id': page.client_id, 'level': 'error', 'message': f'TypeError: "{LATIN}" {NAME} {PHONE}'}
        )
        socket.emit('event', {'client_id': page.client_id, 'id': 1, 'listener_id': NAME, 'args': [json.dumps(NAME)]})
        told = {'X-Maakav-Upload': '1', 'X-File-Name': quote(FILE), 'X-Document-Type': 'damage_photos'}
        address = f'/files/claims/{claim.claim_no}'
        kept = staff.http.post(address, content=papers.heavy_photo(1, 20_000), headers=told)
        refused = staff.http.post(address, content=b'<script>' + NAME.encode(), headers=told)
        broken = staff.http.post(address, content=b'\xff\xd8\xff\xe0' + LATIN.encode() * 50, headers=told)
        lost = staff.http.get(f'/files/{quote(NAME)}')
        report = {'csp-report': {'document-uri': f'{server.url}/?q={SOUGHT}', 'effective-directive': 'script-src'}}
        staff.http.post('/csp-report', json=report)
        (tmp_path / 'documents').rename(tmp_path / 'away')  # now files are missing
        gone = staff.http.get(f'/files/{kept.json()["uuid"]}')
        (tmp_path / 'away').rename(tmp_path / 'documents')
        figures = httpx.get(f'http://127.0.0.1:{port}/metrics').text
        until(lambda: 'content policy' in server.written())
        answers = (failed, refused, broken, lost, gone)
        assert [answer.status_code for answer in answers] == [401, 422, 422, 404, 410]
        written = server.written()

    lines = [json.loads(line) for line in written.splitlines() if line.startswith('{')]
    for canary in CANARIES:
        assert canary not in written, canary
        assert canary.encode('unicode_escape').decode() not in written, canary
        assert canary not in figures, canary
    for answer in answers:
        mine = [
            line
            for line in lines
            if line['event'] == 'request failed' and line['request'] == answer.headers['x-request-id']
        ]
        assert len(mine) == 1
        assert mine[0]['status'] == answer.status_code
    assert {line['user'] for line in lines if line['event'] == 'request failed'} == {None, people.staff.user_id}
    assert all(line['at'].endswith('Z') and line['level'] and line['logger'] for line in lines)
    plain = [line for line in written.splitlines() if line and not line.startswith('{')]
    assert plain == [f'Maakav is at {server.url.replace("127.0.0.1", "localhost")}'], 'everything else is JSON'

    for figure in (
        *(
            'maakav_http_seconds_count{kind="files",status="4xx"}',
            'maakav_handler_seconds_count{kind="ask"}',
            'maakav_pages ',
        ),
        *('maakav_database_wait_seconds_count{kind="write"}', 'maakav_loop_lag_seconds_count', 'maakav_sockets 1.0'),
        *('maakav_uploads_total{end="taken"} 1.0', 'maakav_hashes_waiting 0.0', 'maakav_job_late{job="alert_all"} 0.0'),
        *('maakav_guard_refused_total{reason="content policy"} 1.0', 'maakav_alerts_total', 'maakav_changes_wait'),
    ):
        assert figure in figures, figure
    with open_session(SYSTEM, reading=True) as session:
        assert session.scalars(select(Claim.insured_name)).one() == NAME
    connected.close()
