"""The demo: the same every time, believable, as the session itself would have recorded it, and never over real data."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, select
from stdnum.il import idnr

from db import (
    alert_news,
    alerts,
    bulk,
    changes,
    cheque_alerts,
    demo,
    demo_crowd,
    demo_documents,
    demo_papers,
    demo_words,
    files,
    list_counts,
    list_state,
    lists,
    proposals,
    radar,
    requirements,
    values,
)
from db.base import Base
from db.calls import Call, CallNote, log_call, standing
from db.changes import Change
from db.cheques import Cheque, Slip, advance_cheque, enter_cheque
from db.claims import FIELDS, SENT_BACK, Claim, change_status, open_claim, parse_field, save_fields
from db.documents import Document, DocumentNeed
from db.engines import make_engine
from db.messages import Letter, Message, Thread, ThreadKey, ThreadMark, unread_messages, write_message
from db.money import HeadAmount, OfferNote, answer_offer, log_offer, offers_of, totals_of
from db.offices import AgentOffice, User, actor_of
from db.reference import Appraiser, Garage, Insurer
from db.scope import BUREAU_ROLES, Actor, Role
from db.search import ClaimSearch, search_text
from db.seen_marks import SeenMark
from db.session import connect, fetch, open_session
from db.silence import Silence
from db.tasks import Task
from jobs.desk import sweep_desk
from tests.conftest import copy_of
from tests.factories import SYSTEM, make_user

NOW = datetime(2026, 11, 23, 11, 40, tzinfo=UTC)
SMALL = {1: 60, 2: 20}
LATE = ('submitted', 'under_insurer_review', 'approved_for_payment', 'awaiting_payment', 'partially_paid', 'paid')


@pytest.fixture(scope='module')
def small(template_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The stories, loaded once; each test has a copy of its own."""
    with copy_of(template_url, tmp_path_factory.mktemp('small')) as url:
        assert demo.load_demo(url, NOW, SMALL)
        connect(url).close()
        yield url


@pytest.fixture
def loaded(small: str, tmp_path: Path) -> Iterator[str]:
    with copy_of(small, tmp_path) as url:
        connected = connect(url)
        yield url
        connected.close()


def all_rows(model: Any) -> list[Any]:
    with open_session(SYSTEM, reading=True) as session:
        return fetch(session, select(model))


def actor(email: str) -> Actor:
    with open_session(SYSTEM, reading=True) as session:
        user = session.scalars(select(User).where(User.email == email)).one()
        found = actor_of(session, user.id)
    assert found is not None
    return found


def told(change: Change) -> tuple[Any, ...]:
    return (change.id, change.claim_id, change.at, change.by, change.kind, change.quiet, change.internal, change.fields)


@pytest.mark.parametrize('template_url', ['sqlite'], indirect=True)
def test_the_same_moment_gives_the_same_demo(loaded, sqlite_template, tmp_path):
    first = [told(change) for change in all_rows(Change)]
    (tmp_path / 'two.db').write_bytes(sqlite_template.read_bytes())
    demo.load_demo(f'sqlite:///{tmp_path / "two.db"}', NOW, SMALL)
    assert [told(change) for change in all_rows(Change)] == first
    assert len(first) > 800


def test_a_second_time_changes_nothing_and_says_so(loaded):
    before = len(all_rows(Change))
    assert not demo.load_demo(loaded, NOW, SMALL)
    assert len(all_rows(Change)) == before


def test_real_people_are_left_alone(database_url, database):
    make_user('מנהלת אמיתית', Role.ADMIN, email='boss@bureau.co.il')
    with pytest.raises(demo.RealPeople):
        demo.load_demo(database_url, NOW, SMALL)
    assert all_rows(Claim) == []


def test_claims_without_anybody_are_left_alone_too(database_url, database, people):
    with open_session(SYSTEM) as session:
        for user in session.scalars(select(User)):
            user.email = None
    with pytest.raises(demo.RealPeople):
        demo.load_demo(database_url, NOW, SMALL)


def test_rows_are_what_the_record_says(loaded):
    """The claim as it stands follows from its changes: values, seq, times, search text."""
    history: dict[int, list[Change]] = {}
    for change in sorted(all_rows(Change), key=lambda change: change.id):
        history.setdefault(change.claim_id, []).append(change)
    texts = {row.claim_id: row for row in all_rows(ClaimSearch)}
    empty = bulk.blank(Claim)
    with open_session(SYSTEM, reading=True) as session:
        claims = fetch(session, select(Claim))
        for claim in claims:
            replayed: dict[str, Any] = {}
            for change in history[claim.id]:
                for name, (before, after) in change.fields.items():
                    if name in FIELDS and change.kind == 'updated':
                        assert replayed.get(name, empty[name]) == before
                    replayed[name] = after
            shown = {name: changes.plain(getattr(claim, name)) for name in FIELDS}
            assert {name: replayed.get(name, shown[name]) for name in FIELDS} == shown
            news = [change for change in history[claim.id] if not change.quiet and not change.internal]
            assert (claim.seq, claim.updated_at, claim.created_at) == (news[-1].id, news[-1].at, news[0].at)
            assert claim.is_open == (claim.status != 'closed') == (claim.closed_at is None)
            assert (texts[claim.id].seq, texts[claim.id].text) == (claim.seq, search_text(session, claim))
    assert len(claims) == sum(SMALL.values())


DERIVED = ('insured_key', 'claim_no_key', 'is_open', 'closed_at', 'status_since', 'stage_since', 'waiting_since')
STAMPS = ('daily_note_at', 'daily_note_by', 'created_at', 'updated_at')


@pytest.mark.parametrize('template_url', ['sqlite'], indirect=True)
def test_the_verbs_would_have_made_the_same_rows(loaded, tmp_path, sqlite_template):
    """Tell the recorded changes again, as orders through the door: the rows come out the same."""
    recorded = [change for change in sorted(all_rows(Change), key=lambda change: change.id) if not change.internal]
    made = {claim.claim_no: claim for claim in all_rows(Claim)}
    chosen = {claim.id: claim.claim_no for claim in list(made.values())[::4]}
    again = tmp_path / 'again.db'
    again.write_bytes(sqlite_template.read_bytes())
    connect(f'sqlite:///{again}')
    _people_like(loaded, f'sqlite:///{again}')
    ids: dict[int, int] = {}
    for change in recorded:
        if change.claim_id in chosen and not change.quiet:
            _order(change, ids)
    for claim in all_rows(Claim):
        twin = made[claim.claim_no]
        for name in (*FIELDS, *DERIVED, *STAMPS):
            assert getattr(claim, name) == getattr(twin, name), (claim.claim_no, name)
    told_again = [change for change in recorded if change.claim_id in chosen and not change.quiet]
    assert _orders(all_rows(Change)) == _orders(told_again)


def _orders(recorded: list[Change]) -> dict[Any, Any]:
    """What was ordered; of a cheque not which one by number, of which there are fewer the second time."""
    return {
        (change.at, change.kind): {name: pair for name, pair in change.fields.items() if name != 'cheque'}
        for change in recorded
    }


def _people_like(source: str, target: str) -> None:
    """The offices, people and firms of one database in another."""
    old, new = make_engine(source), make_engine(target)
    for name in ('agent_offices', 'users', 'garages', 'appraisers'):
        table = Base.metadata.tables[name]
        with old.connect() as reading, new.begin() as writing:
            writing.execute(table.insert(), [dict(row._mapping) for row in reading.execute(table.select())])
    old.dispose()
    new.dispose()


CALL_TIMES = {'at': datetime.fromisoformat, 'follow_up': date.fromisoformat}


def _order(change: Change, ids: dict[int, int]) -> None:
    kinds = {name: Claim.__mapper__.columns[name].type.python_type for name in FIELDS}
    wanted = {
        name: kinds[name].fromisoformat(after) if hasattr(kinds[name], 'fromisoformat') and after else after
        for name, (_, after) in change.fields.items()
        if name in kinds
    }
    with open_session(Actor.system(change.by), at=change.at) as session:
        if change.kind == 'opened':
            ids[change.claim_id] = open_claim(session, change.office_id, wanted, change.at).id
            return
        claim = session.get_one(Claim, ids[change.claim_id])
        if change.kind == 'message':
            key = ThreadKey(claim.office_id, claim.id)
            write_message(session, key, Letter(change.fields['message'][1]), change.at)
            return
        if change.kind == 'call':
            told = {name: after for name, (_, after) in change.fields.items()}
            told |= {name: read(told[name]) for name, read in CALL_TIMES.items() if name in told}
            log_call(session, claim.id, CallNote(**told), change.at)
            return
        if change.kind.startswith(('offer', 'cheque')):
            _order_money(session, claim.id, change)
            return
        if 'status' in wanted:
            reason = wanted.pop('status_reason', '')
            change_status(session, claim.id, wanted.pop('status'), reason, claim.status, change.at)
            wanted.pop('waiting_on', None)
        save_fields(
            session, claim.id, {name: (getattr(claim, name), value) for name, value in wanted.items()}, change.at
        )


def _order_money(session: Any, claim_id: int, change: Change) -> None:
    told = {name: pair[1] for name, pair in change.fields.items()}
    if change.kind == 'offer':
        note = OfferNote(told['kind'], told['amount'], date.fromisoformat(told['offered_on']))
        log_offer(session, claim_id, note, change.at)
    elif change.kind == 'offer.answered':
        answer_offer(session, fetch(session, offers_of(claim_id))[0].id, told['answer'], change.at)
    elif change.kind == 'cheque':
        told['due_date'] = date.fromisoformat(told['due_date'])
        state = told.pop('state')
        enter_cheque(session, claim_id, Slip(**told), state, change.at)
    else:
        of_it = (Cheque.direction == told['direction'], Cheque.due_date == date.fromisoformat(told['due_date']))
        cheque = session.scalars(select(Cheque).where(Cheque.claim_id == claim_id, *of_it)).one()
        reason = told.get('reason', '')
        advance_cheque(session, cheque.id, told['state'], change.at, reason=reason, waiver_confirmed=True)


def test_the_money_of_the_demo_adds_up(loaded):
    claims = {claim.id: claim for claim in all_rows(Claim)}
    heads: dict[int, list[HeadAmount]] = {}
    for row in all_rows(HeadAmount):
        heads.setdefault(row.claim_id, []).append(row)
    assert len(heads) > len(claims) / 2
    for claim_id, rows in heads.items():
        totals, claim = totals_of(rows), claims[claim_id]
        sums = (claim.demand_amount, claim.approved_amount, claim.received_amount)
        assert (totals.demanded, totals.approved, totals.received) == sums
        assert all((row.reason is not None) <= bool(row.gap) for row in rows)
    cheques = all_rows(Cheque)
    assert {cheque.by_client for cheque in cheques} == {cheque.live for cheque in cheques} == {True, False}
    for cheque in cheques:
        assert (cheque.state == 'cleared') <= (cheque.due_date <= NOW.date())
        assert cheque.entered_at <= cheque.state_since <= NOW
    moved = [change.fields for change in all_rows(Change) if change.kind == 'cheque.state']
    amounts = {cheque.id: cheque.amount for cheque in cheques}
    assert all(amounts[fields['cheque'][1]] == fields['amount'][1] for fields in moved)
    alerted = [alert for alert in all_rows(alerts.Alert) if alert.key.startswith('cheque:')]
    assert {alert.read_at is None for alert in alerted} == {True, False}
    with open_session(SYSTEM) as session:
        assert cheque_alerts.untold_cheques(session, values.israel(NOW).date()) == []
        assert 0 < len(fetch(session, radar.red_cheques(session, NOW.date()))) < len(cheques) / 2


def test_every_history_goes_in_the_order_of_the_trade(loaded):
    early = ('not_arrived', 'vehicle_received', 'appraiser_inspection', 'awaiting_repair_approval', 'parts_ordered')
    stages = (
        *early,
        'awaiting_parts',
        'bodywork',
        'paint',
        'reassembly',
        'quality_control',
        'ready_for_pickup',
        'delivered',
    )
    last_at: dict[int, datetime] = {}
    stage: dict[int, str] = {}
    track: dict[int, str] = {}
    for change in sorted(all_rows(Change), key=lambda change: change.id):
        assert last_at.get(change.claim_id, change.at) <= change.at <= NOW
        last_at[change.claim_id] = change.at
        now_in = change.fields.get('repair_stage', [None, None])[1]
        if now_in:
            before = stage.get(change.claim_id, 'not_arrived')
            assert stages.index(now_in) >= stages.index(before)
            stage[change.claim_id] = now_in
        track[change.claim_id] = change.fields.get('track', [None, track.get(change.claim_id)])[1]
        if change.fields.get('status', [None, None])[1] == 'submitted' and track[change.claim_id] == 'private_report':
            assert stage.get(change.claim_id, 'delivered') == 'delivered'


def test_what_is_kept_of_a_claim_fits_together(loaded):
    claims = all_rows(Claim)
    for claim in claims:
        assert claim.event_date <= claim.opened_at
        assert (claim.received_amount or 0) <= (claim.approved_amount or 0) <= (claim.demand_amount or 0)
        assert bool(claim.insurer_claim_no) <= bool(claim.submitted_at)
        assert (claim.status in LATE) <= bool(claim.demand_amount)
        assert claim.status != 'closed' or claim.status_reason
        assert all(idnr.is_valid(number) for number in (claim.insured_id_no, claim.driver_id_no) if number)
    assert len({claim.claim_no for claim in claims}) == len(claims)
    statuses = Counter(claim.status for claim in claims)
    assert 0.65 < statuses['closed'] / len(claims) < 0.78
    assert len(statuses) > 14


def test_of_each_role_that_signs_in_to_the_bureau_there_is_somebody(loaded):
    people = [user for user in all_rows(User) if user.email and user.office_id is None]
    assert {user.role for user in people} == BUREAU_ROLES
    with open_session(actor('repair@bureau.demo'), reading=True) as session:
        assert list_counts.counts_of(session, list_state.ListState())['unread'] == 0, 'who is in no story has no news'


def test_each_reader_has_a_handful_of_his_own(loaded):
    found = {}
    for email in ('dana@levi.demo', 'yossi@levi.demo', 'agent@cohen.demo', 'staff@bureau.demo'):
        with open_session(actor(email), reading=True) as session:
            counts = list_counts.counts_of(session, list_state.ListState())
            found[email] = (counts['unread'], alerts.unread_groups(session))
            first = lists.page_of(session, list_state.ListState()).rows[0]
        assert (NOW - first.updated_at).total_seconds() < 600
    assert 3 < found['dana@levi.demo'][0] <= 7
    assert found['yossi@levi.demo'] != found['dana@levi.demo']
    # beside the changes, one cheque that falls due
    assert all(0 < bell <= min(unread, 5) + 1 for unread, bell in found.values())


def test_threads_are_as_if_people_had_written_them(loaded):
    said = sorted(all_rows(Message), key=lambda message: message.id)
    assert [message.at for message in said] == sorted(message.at for message in said)
    assert {message.internal for message in said} == {message.claim_id is None for message in said} == {True, False}
    for thread in all_rows(Thread):
        heard = [message for message in said if message.thread_id == thread.id and not message.internal]
        assert thread.last_id == max((message.id for message in heard), default=0)
        assert {message.claim_id for message in heard} <= {thread.claim_id}
        assert not heard or thread.waits_for_bureau == (not heard[-1].from_bureau)
    told_of = {(change.claim_id, change.at) for change in all_rows(Change) if change.kind in ('message', 'noted')}
    assert told_of == {(message.claim_id, message.at) for message in said if message.claim_id}
    assert all(mark.read_id <= max(message.id for message in said) for mark in all_rows(ThreadMark))
    unread = []
    for email in ('dana@levi.demo', 'staff@bureau.demo'):
        with open_session(actor(email), reading=True) as session:
            unread.append(unread_messages(session))
    assert all(0 < count < 6 for count in unread)


def test_calls_are_as_if_people_had_logged_them(loaded):
    logged = all_rows(Call)
    assert len(logged) > 15
    assert standing(logged) == logged
    assert {(call.claim_id, call.at) for call in logged} == {
        (change.claim_id, change.at) for change in all_rows(Change) if change.kind == 'call'
    }
    assert all(call.at == call.logged_at <= NOW for call in logged)
    assert any(call.internal for call in logged)
    agents = {user.id for user in all_rows(User) if user.office_id}
    assert {call.party for call in logged if call.user_id in agents} == {'insured'}


def test_the_desk_finds_nothing_left_to_do_by_itself(loaded):
    def stands() -> list[Any]:
        tasks = [(one.claim_id, one.key, one.title, one.due, one.is_open, one.user_id) for one in all_rows(Task)]
        claims = [(one.id, one.next_action, one.next_action_due) for one in all_rows(Claim)]
        return [*sorted(tasks, key=str), *claims]

    before = stands()
    assert sweep_desk(NOW)
    assert stands() == before
    kinds = {(one.key or 'by hand').split(':')[0] for one in all_rows(Task)}
    assert {'garage', 'approval', 'call', 'by hand'} <= kinds


def test_some_whom_one_waits_for_were_called_in_vain(loaded):
    silent = [silence for silence in all_rows(Silence) if silence.is_over(NOW.date())]
    assert {1, 2} <= {silence.tries for silence in silent}
    assert any(not silence.tries for silence in silent)


def test_nobody_has_news_of_himself(loaded):
    news = {change.id: change for change in all_rows(Change)}
    told = [alert for alert in all_rows(alerts.Alert) if alert.change_id is not None]
    assert all(news[alert.change_id].user_id != alert.user_id for alert in told)
    assert all(mark.seq in news for mark in all_rows(SeenMark))


def test_what_was_loaded_rings_nobody_later(loaded):
    before = len(all_rows(alerts.Alert))
    with open_session(SYSTEM) as session:
        assert alert_news.alert_followers(session) == 0
    assert len(all_rows(alerts.Alert)) == before


def test_new_claims_go_on_counting(loaded):
    with open_session(actor('staff@bureau.demo')) as session:
        claim = open_claim(session, 1, {'insured_name': 'בדיקה', 'event_date': NOW.date()}, NOW)
    assert claim.id == sum(SMALL.values()) + 1
    assert claim.claim_no > max(other.claim_no for other in all_rows(Claim) if other.id != claim.id)


@pytest.mark.postgres
def test_new_rows_of_every_table_are_numbered_after_the_loaded_ones(postgres_url):
    assert demo.load_demo(postgres_url, NOW, SMALL)
    counted = [table for table in Base.metadata.sorted_tables if table.autoincrement_column is not None]
    engine, taken = make_engine(postgres_url), []
    with engine.connect() as connection:
        for name in [table.name for table in counted]:
            largest = connection.exec_driver_sql(f'SELECT coalesce(max(id), 0) FROM {name}').scalar_one()
            following = connection.exec_driver_sql(f"SELECT nextval(pg_get_serial_sequence('{name}', 'id'))").scalar()
            taken += [name] if following is not None and following <= largest else []
    engine.dispose()
    assert taken == ['bureau_settings'], 'the one row it ever has'


def test_cohen_sees_nothing_of_levi(loaded):
    levi = {claim.insured_name for claim in all_rows(Claim) if claim.office_id == 1}
    levi_numbers = {claim.claim_no for claim in all_rows(Claim) if claim.office_id == 1}
    with open_session(actor('agent@cohen.demo'), reading=True) as session:
        state = list_state.ListState(view='all', size=100)
        rows = lists.page_of(session, state).rows
        assert len(rows) == SMALL[2]
        assert not {row.claim_no for row in rows} & levi_numbers
        parts: tuple[Any, ...] = (Claim, Change, ClaimSearch, SeenMark, alerts.Alert)
        assert {row.office_id for part in parts for row in fetch(session, select(part))} == {2}
        for name in levi:
            assert lists.page_of(session, list_state.ListState(view='all', q=name)).total == 0, name


# ---- the crowd --------------------------------------------------------------------------------------------------------------

CLAIMS, OFFICES = 2000, 12


@pytest.fixture(scope='module')
def crowd(template_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The stories in a crowd, loaded once; each test has a copy of its own."""
    with copy_of(template_url, tmp_path_factory.mktemp('crowd')) as url:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(demo_crowd, 'CHUNK', 700)  # more than one part, made by other processes
            patched.setattr(demo, 'ProcessPoolExecutor', lambda *_, **__: ThreadPoolExecutor(2))
            assert demo.load_demo(url, NOW, SMALL, claims=CLAIMS, offices=OFFICES)
        connect(url).close()
        yield url


@pytest.fixture
def crowded(crowd: str, tmp_path: Path) -> Iterator[str]:
    with copy_of(crowd, tmp_path) as url:
        connected = connect(url)
        yield url
        connected.close()


def test_a_crowd_is_whole(crowded):
    engine = make_engine(crowded)
    with engine.connect() as connection:
        ask = connection.exec_driver_sql
        counts = [ask(f'SELECT count(*) FROM {name}').scalar() for name in ('claims', 'claim_search', 'agent_offices')]
        assert counts == [CLAIMS, CLAIMS, OFFICES]
        assert (
            ask(
                'SELECT count(*) FROM claims JOIN claim_search s ON s.claim_id = claims.id AND s.seq = claims.seq'
            ).scalar()
            == CLAIMS
        )
        if connection.dialect.name == 'sqlite':
            assert ask('PRAGMA integrity_check').scalar() == 'ok'
            assert ask('PRAGMA foreign_key_check').first() is None
            assert ask('PRAGMA journal_mode').scalar() == 'wal'
            ask("INSERT INTO claim_fts(claim_fts, rank) VALUES ('integrity-check', 1)")
    engine.dispose()


@pytest.mark.filterwarnings('ignore:Skipped unsupported reflection of expression-based index ix_claims_demand')
def test_a_crowd_leaves_the_schema_as_it_was(crowded):
    engine = make_engine(crowded)
    tables = ('claims', 'changes', 'claim_search')
    found = {name: {index['name'] for index in inspect(engine).get_indexes(name)} for name in tables}
    wanted = {name: {str(index.name) for index in Base.metadata.tables[name].indexes} for name in tables}
    assert all(wanted[name] <= found[name] for name in tables)
    keys = {name: len(inspect(engine).get_foreign_keys(name)) for name in tables}
    assert keys == {name: len(Base.metadata.tables[name].foreign_key_constraints) for name in tables}
    with engine.connect() as connection:
        if connection.dialect.name == 'sqlite':
            made = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type IN ('trigger', 'index')")
            followed = {'claim_search_added', 'claim_search_removed', 'claim_search_changed', 'claims_found'}
            assert {'ix_claims_demand', *followed} <= set(made.scalars())
        else:
            assert 'ix_claim_search_text' in found['claim_search']
            assert 'ix_claims_demand' in found['claims']
    engine.dispose()


def test_the_crowd_too_is_what_its_record_says(crowded):
    history: dict[int, list[Change]] = {}
    for change in sorted(all_rows(Change), key=lambda change: change.id):
        history.setdefault(change.claim_id, []).append(change)
    texts = {row.claim_id: row.text for row in all_rows(ClaimSearch)}
    with open_session(SYSTEM, reading=True) as session:
        named = [
            fetch(session, select(model)) for model in (Garage, Appraiser, Insurer, AgentOffice)
        ]  # held: read once
        assert all(named)
        claims = fetch(session, select(Claim).where(Claim.id > sum(SMALL.values())))
        wanted = {claim.id: search_text(session, claim) for claim in claims}
    assert {claim_id: texts[claim_id] for claim_id in wanted} == wanted
    empty = bulk.blank(Claim)
    for claim in claims:
        known = {name: after for change in history[claim.id] for name, (_, after) in change.fields.items()}
        shown = {name: changes.plain(getattr(claim, name)) for name in FIELDS}
        assert {name: known.get(name, empty[name]) for name in FIELDS} == shown
        first, last = history[claim.id][0], history[claim.id][-1]
        assert (claim.seq, claim.updated_at, claim.created_at) == (last.id, last.at, first.at)
        assert claim.is_open == (claim.status != 'closed') == (claim.closed_at is None)
        assert claim.claim_no_key == values.search_key(claim.claim_no)
        assert claim.insured_key == values.search_key(claim.insured_name)
        for name, field in FIELDS.items():
            if isinstance(getattr(claim, name), str) and field.kind not in ('stage', 'waiting', 'status'):
                assert parse_field(name, getattr(claim, name)) == getattr(claim, name)
    in_order = sorted(all_rows(Claim), key=lambda claim: claim.seq)
    assert [claim.updated_at for claim in in_order] == sorted(claim.updated_at for claim in in_order)


def test_lists_and_search_answer_in_a_crowd(crowded):
    manager = actor('manager@office3.demo')
    own = {claim.claim_no: claim for claim in all_rows(Claim) if claim.office_id == manager.office_id}
    assert len(own) > CLAIMS / OFFICES, 'the first office of the crowd is the largest'
    with open_session(manager, reading=True) as session:
        counts = list_counts.counts_of(session, list_state.ListState())
        assert (counts['all'], counts['unread']) == (len(own), 0)
        someone = next(iter(own.values()))
        for typed in (someone.claim_no, someone.plate, someone.insured_name, someone.policy_no):
            rows = lists.page_of(session, list_state.ListState(view='all', q=typed, size=100)).rows
            assert someone.claim_no in {row.claim_no for row in rows} <= own.keys()
    with open_session(actor('staff@bureau.demo'), reading=True) as session:
        assert list_counts.counts_of(session, list_state.ListState())['all'] == list_state.COUNTED_UP_TO + 1 <= CLAIMS
        page = lists.page_of(session, list_state.ListState(view='all', q=someone.insured_name))
        assert someone.claim_no in {row.claim_no for row in page.rows}
        assert [row.updated_at for row in page.rows] == sorted((row.updated_at for row in page.rows), reverse=True)
    with open_session(actor('dana@levi.demo'), reading=True) as session:
        assert list_counts.counts_of(session, list_state.ListState())['all'] == SMALL[1]


def test_a_load_that_fails_leaves_nothing(database_url, monkeypatch):
    def break_off(*_):
        raise OSError('disk full')

    monkeypatch.setattr(demo, 'batches', break_off)
    with pytest.raises(OSError, match='disk full'):
        demo.load_demo(database_url, NOW, SMALL, claims=500, offices=5)
    monkeypatch.undo()
    connect(database_url)
    assert (all_rows(Claim), all_rows(User)) == ([], [])
    assert demo.load_demo(database_url, NOW, SMALL)


def test_the_claim_of_the_first_screen_shows_everything_one_may_want_to_see(loaded):
    with open_session(SYSTEM, reading=True) as session:
        claim = session.scalars(select(Claim).where(Claim.plate == demo_words.SHOWCASE['plate'])).one()
        items = requirements.checklist(session, claim)
    assert claim.insured_id_no
    assert {item.type.id for item in items if item.missing} == demo_words.SHOWCASE_LACKS
    assert sum(item.required for item in items) > 2 * len(demo_words.SHOWCASE_LACKS)


def test_documents_are_there_as_the_claims_say(loaded):
    with open_session(SYSTEM, reading=True) as session:
        claims, having = fetch(session, select(Claim)), set(session.scalars(select(Document.claim_id)))
        for claim in claims:
            assert (claim.documents != 'unchecked') == (claim.id in having), claim.claim_no
            if claim.id in having:
                items = requirements.checklist(session, claim)
                said = (claim.documents, claim.required_documents, claim.missing_documents)
                counted = (sum(item.required for item in items), requirements.missing_count(items))
                assert said == (requirements.axis_of(items), *counted)
    moments = {(document.claim_id, document.uuid): document.at for document in all_rows(Document)}
    recorded = {
        (change.claim_id, change.fields['document'][1]): change.at
        for change in all_rows(Change)
        if change.kind == 'document.added'
    }
    assert moments == recorded


def test_every_document_has_its_file_drawn_the_same_each_time(loaded, tmp_path):
    with open_session(SYSTEM, reading=True) as session:
        matrix = requirements.Matrix.read(session)
    first = demo_documents.papers(matrix)
    demo_papers.papers_of.cache_clear()
    assert [paper.sha256 for paper in demo_documents.papers(matrix)] == [paper.sha256 for paper in first]
    keeper = files.connect(f'file:{tmp_path}', tmp_path)
    demo_papers.put(first, keeper)
    for document in all_rows(Document):
        assert keeper.size(files.key_of(document.served_sha256)) == document.served_size


def test_the_matrix_has_something_to_learn_from_claims_that_were_sent_back(loaded):
    with open_session(SYSTEM, reading=True) as session:
        proposed = proposals.proposals(session, proposals.counted(session))
        asked = fetch(session, select(DocumentNeed))
        missing = {need.claim_id for need in asked if session.get_one(Claim, need.claim_id).missing_documents}
        held = {need.claim_id for need in asked if session.get_one(Claim, need.claim_id).status == SENT_BACK}
    assert asked
    assert held <= missing, 'what the insurer waits for is not there'
    assert {one.type for one in proposed} <= set(demo_words.ASKED_DOCUMENTS.values())
