"""The demo: `python -m db.demo [--claims N --offices M]` fills an empty database with two offices and their stories."""

import argparse
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from multiprocessing import get_context
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from db import alert_choices, alert_news, alerts, bulk, demo_documents, demo_papers, files, schema
from db import demo_words as words
from db.alert_kinds import MAIL
from db.alerts import Alert, Cursor
from db.base import now
from db.calendar import calendar_of
from db.calls import Call
from db.changes import Change
from db.cheque_alerts import DUE, OVERDUE, REMINDED, WARNED, alert_of_cheques, untold_cheques
from db.cheques import REMIND_DAYS, WARN_DAYS, Cheque
from db.claims import Claim
from db.demo_crowd import CHUNK, Crowd, batches, micros
from db.demo_desk import ByHand, tasks_of_story
from db.demo_lives import landline, mobile, person
from db.demo_stories import Cast, Person, Story, compose, fresh_since
from db.documents import Document, DocumentNeed
from db.identity import Credential, hash_password
from db.import_runs import DONE, ImportRun
from db.messages import Message, Thread, ThreadMark
from db.money import MOVED, HeadAmount, MoneyMove, Offer
from db.offices import AgentOffice, User, actor_of
from db.reference import Appraiser, CallOutcome, CallParty, ClaimStatus, Garage, Insurer
from db.repairs import ETA, STAGE, RepairEvent
from db.requirements import Matrix
from db.scope import BUREAU_ROLES, Actor, Role
from db.search import ClaimSearch
from db.seen_marks import SeenMark
from db.session import connect, open_session
from db.settings import load as load_settings
from db.silence import measure_usuals, settle_silences
from db.tasks import Task, TaskRule
from db.values import ISRAEL, israel

PASSWORD = 'maakav-demo'
SEED = 26
OFFICES: dict[int, tuple[str, int]] = {1: ('סוכנות לוי', 470), 2: ('סוכנות כהן', 120)}
# id, office, role, name, e-mail
PEOPLE: tuple[tuple[int, int | None, Role, str, str], ...] = (
    (1, 1, Role.OFFICE_MANAGER, 'רות לוי', 'manager@levi.demo'),
    (2, 1, Role.AGENT, 'דנה ארז', 'dana@levi.demo'),
    (3, 1, Role.AGENT, 'יוסי מזרחי', 'yossi@levi.demo'),
    (4, 2, Role.AGENT, 'אבי כהן', 'agent@cohen.demo'),
    (5, None, Role.HANDLER, 'שירה לביא', 'staff@bureau.demo'),
    (6, None, Role.HANDLER, 'עומר גל', 'staff2@bureau.demo'),
    (7, None, Role.ADMIN, 'נעמי בר', 'admin@bureau.demo'),
    (8, None, Role.REPAIR_TEAM, 'אורן שגב', 'repair@bureau.demo'),
    (9, None, Role.SUBMISSION_TEAM, 'תמר אלון', 'submission@bureau.demo'),
)
_UNREAD_OF_CHEQUES = 1
_DAYS_BEFORE = {WARNED: WARN_DAYS, REMINDED: REMIND_DAYS, DUE: 0, OVERDUE: -1}
_PEOPLE_EACH = 3  # in every office of the crowd
_SYSTEM = Actor.system('demo')


class RealPeople(SystemExit):
    """Ends the command: the database is somebody's, not the demo's."""


def load_demo(
    url: str, at: datetime, sizes: Mapping[int, int] | None = None, claims: int = 0, offices: int = 0
) -> bool:
    """Bring the database to the newest form and load the demo as of the moment `at`. False when it is there already.

    With `claims`, a crowd of others joins the stories until there are that many in all, in that many `offices`.
    """
    if schema.revision_of(url) is not None and _is_loaded(url):
        return False
    schema.upgrade(url)
    database = connect(url)
    sizes = sizes or {office_id: size for office_id, (_, size) in OFFICES.items()}
    with open_session(_SYSTEM, reading=True) as session:
        cast = _cast(session, sizes)
        how = _by_hand(session, cast, at)
    crowd = _crowd(cast, at, make_url(url).get_backend_name(), claims - sum(sizes.values()), offices - len(sizes))
    told: list[datetime] = []

    def numbered(moments: Sequence[datetime]) -> Sequence[int]:
        told.extend(moments)
        return crowd.numbered(moments)

    story = compose(cast, at, SEED, numbered)
    tasks = tasks_of_story(story, how)
    crowd = replace(crowd, story=[micros(moment) for moment in told])
    database.close()  # a large load wants the database to itself
    with bulk.loading(url, many=(Claim, Change, ClaimSearch, MoneyMove) if crowd.claims else ()) as load:
        _put_people(load, at, story, crowd)
        for model, rows in (
            *((Claim, story.claims), (Change, story.changes), (ClaimSearch, story.search), (SeenMark, story.marks)),
            (Call, story.calls),
            (RepairEvent, _repair_events(story)),
            (MoneyMove, _money_moves(story)),
            (DocumentNeed, story.needs),
            (Document, story.documents),
            (ImportRun, _imports(at)),
            *((HeadAmount, story.heads), (Offer, story.offers), (Cheque, story.cheques)),
            *((Thread, story.threads), (Message, story.messages), (ThreadMark, story.thread_marks)),
            (Alert, story.alerts),
            (Task, tasks),
        ):
            load.put(model, rows)
        for batch in _made(crowd):
            load.pour(batch)
        counted = (AgentOffice, User, Garage, Appraiser, Claim, Change, RepairEvent, Call, Thread, Message, Alert)
        load.count_on(*counted, HeadAmount, Offer, Cheque, Task, Document, DocumentNeed, ImportRun)
    _follow_from_here()
    _hear_everybody([claim['id'] for claim in story.claims if claim['is_open']], at)
    _settle(at)
    return True


def _name_for_agents(at: datetime) -> None:
    """What is an order of work in the bureau is said to agents otherwise."""
    with open_session(_SYSTEM, at=at) as session:
        for status_id, (hebrew, english) in words.FOR_AGENTS.items():
            status = session.get_one(ClaimStatus, status_id)
            status.label_office, status.label_office_en = hebrew, english


def _settle(at: datetime) -> None:
    """What the sweeps would have told by now, what some people chose to hear of, and what an admin said otherwise."""
    _ring_of_cheques(at)
    _choose_alerts(at)
    _name_for_agents(at)


def _ring_of_cheques(at: datetime) -> None:
    """Everybody was alerted of what is due, and has read of all but the newest ones."""
    with open_session(_SYSTEM, at=at) as session:
        alert_of_cheques(session, at, untold_cheques(session, israel(at).date()))
    with open_session(_SYSTEM, at=at) as session:
        told: dict[int, int] = {}
        of_cheques = select(Alert).where(Alert.key.startswith('cheque:')).order_by(Alert.user_id, Alert.id.desc())
        for alert in session.scalars(of_cheques):
            told[alert.user_id] = told.get(alert.user_id, 0) + 1
            if told[alert.user_id] > _UNREAD_OF_CHEQUES:
                day = date.fromisoformat(alert.values['due']) - timedelta(days=_DAYS_BEFORE[alert.kind])
                alert.at = min(at, datetime.combine(day, time(7, 30), tzinfo=ISRAEL))
                alert.read_at = min(at, alert.at + timedelta(hours=2))


def _choose_alerts(at: datetime) -> None:
    """Dana has muted a claim and put another one aside, and hears of messages by mail too; Yossi follows one of hers."""
    with open_session(_SYSTEM, reading=True) as session:
        dana, yossi = actor_of(session, 2), actor_of(session, 3)
        quiet = select(Claim.id).where(Claim.agent == 2, Claim.is_open).order_by(Claim.seq).limit(3)
        claims = list(session.scalars(quiet))
    if dana is None or yossi is None or len(claims) < 3:
        return
    with open_session(dana, at=at) as session:
        alerts.mute(session, claims[0], at)
        alerts.snooze(session, claims[1], 'week', at)
        alert_choices.choose(session, 'messages', MAIL, True)
    with open_session(yossi, at=at) as session:
        alert_choices.follow(session, claims[2])


def _imports(at: datetime) -> list[dict[str, Any]]:
    """The list the bureau sent five weeks ago; its rows are forgotten by now."""
    counts = {'new': 38, 'updated': 64, 'same': 411, 'refused': 7, 'warned': 12, 'applied': 102}
    sent, (handler, name) = at - timedelta(days=36), (PEOPLE[4][0], PEOPLE[4][3])
    run = {
        'id': 1,
        'file_name': 'תביעות פתוחות.xlsx',
        'sha256': '0' * 64,
        'size': 84_310,
        'sheets': ['תביעות'],
        'at': sent,
        'user_id': handler,
        'by': name,
        'beat': sent,
        'columns': {},
        'words': [],
        'state': DONE,
        'total': 520,
        'done': 520,
        'counts': counts,
        'committed_at': sent + timedelta(minutes=6),
        'committed_by': name,
    }
    return [{**bulk.blank(ImportRun), **run}]


def _repair_events(story: Story) -> list[dict[str, Any]]:
    """Every stage and every day of hand-over that the stories tell of, as the session would have left them."""
    told = [
        (change, kind, *change['fields'][name])
        for change in story.changes
        for name, kind in (('repair_stage', STAGE), ('eta', ETA))
        if name in change['fields']
    ]
    entered: dict[int, datetime] = {}
    events = []
    for number, (change, kind, before, after) in enumerate(told, 1):
        event = {name: change[name] for name in ('claim_id', 'office_id', 'user_id', 'by', 'at')}
        event |= {'id': number, 'kind': kind, 'before': before or '', 'after': after or '', 'since': None}
        if kind == STAGE:
            event['since'] = entered.get(change['claim_id'])
            entered[change['claim_id']] = change['at']
        events.append(event)
    return events


def _money_moves(story: Story) -> list[dict[str, Any]]:
    """What was approved and received in the stories, as the session would have kept it."""
    return [
        {**{key: change[key] for key in ('claim_id', 'office_id', 'at')}, 'total': name, 'amount': moved}
        for change in story.changes
        for name, field in MOVED.items()
        if field in change['fields'] and (moved := _rise(*change['fields'][field]))
    ]


def _rise(before: int | None, after: int | None) -> int:
    return (after or 0) - (before or 0)


def _crowd(cast: Cast, at: datetime, backend: str, claims: int, offices: int) -> Crowd:
    claims = max(claims, 0)
    offices = max(offices, 1 + claims // 500) if claims and offices < 1 else max(offices, 0)
    rng = Random(SEED)
    names = {number: _office_name(rng, number) for number in range(3, 3 + offices)} if claims else {}
    first_user = len(PEOPLE) + 1
    last = micros(fresh_since(at)) - 1
    return Crowd(
        backend=backend,
        seed=SEED,
        claims=claims,
        first_id=sum(cast.sizes.values()) + 1,
        offices=names,
        agents={
            office: range(first_user + place * _PEOPLE_EACH, first_user + (place + 1) * _PEOPLE_EACH)
            for place, office in enumerate(names)
        },
        staff=[person.id for person in cast.staff],
        garages=cast.garages,
        appraisers=cast.appraisers,
        insurers=cast.insurers,
        market=cast.market,
        statuses=cast.statuses,
        first=last - 3 * 365 * 86_400 * 10**6,
        last=last,
    )


def _office_name(rng: Random, number: int) -> str:
    return f'{rng.choice(words.OFFICE_WORDS)} {rng.choice(words.COMMUNITIES[0][2])} {number}'


def _made(crowd: Crowd) -> Iterator[bulk.Batch]:
    """The crowd's batches in order, made by two processes while the ones before are poured."""
    chunks = crowd.chunks()
    if len(chunks) < 2:
        yield from (batch for chunk in chunks for batch in batches(crowd, chunk))
        return
    with ProcessPoolExecutor(2, mp_context=get_context('spawn')) as makers:
        waiting = deque(makers.submit(batches, crowd, chunk) for chunk in chunks[:3])
        for chunk in chunks:
            yield from waiting.popleft().result()
            if chunk + 3 in chunks:
                waiting.append(makers.submit(batches, crowd, chunk + 3))
            if chunk % 5 == 4:
                print(f'{(chunk + 1) * CHUNK:,} claims')


def _is_loaded(url: str) -> bool:
    """Whether the demo is there; refuses a database with people or claims of its own."""
    connect(url)
    with open_session(_SYSTEM, reading=True) as session:
        emails = list(session.scalars(select(User.email)))
        strangers = [email for email in emails if email and not email.endswith('.demo')]
        loaded = 'admin@bureau.demo' in emails
        in_use = session.scalar(select(Claim.id).limit(1)) is not None or bool(emails)
    if strangers or (in_use and not loaded):
        raise RealPeople('This database has real people or claims. The demo needs an empty one: set DATABASE_URL.')
    if loaded:
        _follow_from_here()
    return loaded


def _hear_everybody(claim_ids: Sequence[int], at: datetime) -> None:
    """Set the silence meter of the stories' claims, as the job would have done."""
    with open_session(_SYSTEM) as session:
        measure_usuals(session, at)
    with open_session(_SYSTEM) as session:
        settle_silences(session, claim_ids)


def _follow_from_here() -> None:
    """What was loaded rings nobody, and calls for no task; also when the command was stopped right before."""
    with open_session(_SYSTEM) as session:
        for reader in ('alerts', 'desk'):
            if session.get(Cursor, reader) is None:
                alert_news.follow_from_here(session, reader)


def _cast(session: Session, sizes: Mapping[int, int]) -> Cast:
    insurers = list(session.scalars(select(Insurer)))
    people = {line[0]: Person(line[0], line[3]) for line in PEOPLE}
    return Cast(
        sizes=sizes,
        readers={1: (people[2], people[1], people[3]), 2: (people[4],)},
        agents={1: (2, 2, 3, 3, 1), 2: (4,)},
        staff=(people[5], people[6]),
        garages={place: firm[0] for place, firm in enumerate(words.GARAGES, 1)},
        appraisers={place: firm[0] for place, firm in enumerate(words.APPRAISERS, 1)},
        insurers={insurer.id: insurer.name for insurer in insurers},
        offices={office_id: name for office_id, (name, _) in OFFICES.items()},
        market={insurer.code: insurer.id for insurer in insurers},
        statuses={
            status.id: (status.category, status.default_waiting_on) for status in session.scalars(select(ClaimStatus))
        },
        matrix=Matrix.read(session),
    )


def _by_hand(session: Session, cast: Cast, at: datetime) -> ByHand:
    return ByHand(
        at=at,
        calendar=calendar_of(session),
        rules=list(session.scalars(select(TaskRule).order_by(TaskRule.position, TaskRule.id))),
        outcomes={outcome.id: outcome for outcome in session.scalars(select(CallOutcome))},
        parties={party.id: party.label for party in session.scalars(select(CallParty))},
        staff=[person.name for person in cast.staff],
        seed=SEED,
    )


def _put_people(load: bulk.Load, at: datetime, story: Story, crowd: Crowd) -> None:
    since = at - timedelta(days=1200)
    names = {**{key: name for key, (name, _) in OFFICES.items()}, **crowd.offices}
    load.put(AgentOffice, [{'id': key, 'name': name, 'created_at': since} for key, name in names.items()])
    newest = max(change['id'] for change in story.changes)
    people: list[dict[str, Any]] = [
        {'id': key, 'office_id': office, 'role': role.value, 'name': name, 'email': email}
        for key, office, role, name, email in PEOPLE
    ]
    people += _crowd_people(crowd)
    # whose marks the story does not tell has no news
    untold = BUREAU_ROLES - {Role.HANDLER}
    baselines = {person['id']: newest if person['role'] in untold else story.baseline for person in people}
    load.put(User, [{**person, 'baseline_seq': baselines[person['id']], 'created_at': since} for person in people])
    password = {'password_hash': hash_password(PASSWORD), 'changed_at': at}
    load.put(Credential, [{'user_id': person['id'], **password} for person in people if person['email']])
    _put_firms(load)


def _crowd_people(crowd: Crowd) -> Iterator[dict[str, Any]]:
    """A manager who can sign in and two agents who cannot, for each office of the crowd."""
    rng = Random(SEED)
    for office, ids in crowd.agents.items():
        for place, user_id in enumerate(ids):
            role, email = (Role.AGENT, None) if place else (Role.OFFICE_MANAGER, f'manager@office{office}.demo')
            yield {'id': user_id, 'office_id': office, 'role': role.value, 'name': person(rng)[0], 'email': email}


def _put_firms(load: bulk.Load) -> None:
    rng = Random(SEED)
    garages = [
        {
            'id': place,
            'name': name,
            'contact': contact,
            'phone': landline(rng, area),
            'address': street,
            'network': network,
        }
        for place, (name, contact, area, street, network) in enumerate(words.GARAGES, 1)
    ]
    load.put(Garage, garages)
    appraisers = [
        {'id': place, 'name': name, 'contact': name, 'licence_no': licence, 'phone': mobile(rng), 'address': street}
        for place, (name, licence, _, street) in enumerate(words.APPRAISERS, 1)
    ]
    load.put(Appraiser, appraisers)


def main(arguments: Sequence[str]) -> None:
    """The command itself."""
    parser = argparse.ArgumentParser(prog='python -m db.demo', description=__doc__)
    parser.add_argument(
        '--claims', type=int, default=0, metavar='N', help='load N claims in all, to see how it carries'
    )
    parser.add_argument('--offices', type=int, default=0, metavar='M', help='spread them over M offices in all')
    wanted = parser.parse_args(arguments)
    settings = load_settings()
    settings.make_data_dir()
    loaded = load_demo(settings.database_url, now(), claims=wanted.claims, offices=wanted.offices)
    if loaded:
        keeper = files.connect(settings.documents_url, settings.data_dir)
        with open_session(_SYSTEM, reading=True) as session:
            demo_papers.put(demo_documents.papers(Matrix.read(session)), keeper)
    print('The demo is loaded.' if loaded else 'The demo is there already.', f'Everybody signs in with {PASSWORD}')


if __name__ == '__main__':
    main(sys.argv[1:])
