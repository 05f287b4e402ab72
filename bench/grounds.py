"""The databases a list is measured on: the demo's crowd on SQLite and PostgreSQL, and three people who look at it."""

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
from sqlalchemy import Connection, func, select
from sqlalchemy.engine import make_url

from bench.figures import RESULTS, Size
from db import schema
from db.base import now
from db.claims import Claim
from db.demo import load_demo
from db.offices import User, actor_of
from db.scope import Actor, Role
from db.session import Database, open_session

# the demo's stories, told one by one, take three times as long to make as ten thousand others; a small measure does with few
FEW_STORIES = {1: 60, 2: 20}
POSTGRES = os.environ.get('TEST_POSTGRES_URL', 'postgresql+psycopg://postgres@127.0.0.1:5432/postgres')


@dataclass(frozen=True)
class Sample:
    """What people know of a claim when they look for it."""

    id: int
    seq: int
    claim_no: str
    insured_name: str
    plate: str
    phone: str
    address: str
    event_date: date
    insurer: str
    garage: str
    agent: str
    office: str


@dataclass(frozen=True)
class Audience:
    """Somebody who looks, and claims that he may find."""

    name: str
    actor: Actor
    claims: int
    samples: list[Sample]


@contextmanager
def sqlite_ground(size: Size) -> Iterator[str]:
    """The crowd on SQLite; made once and kept, and brought to a newer form when there is one."""
    RESULTS.mkdir(exist_ok=True)
    url = f'sqlite:///{RESULTS / f"ground-{size.claims}.db"}'
    _load(url, size)
    yield url


@contextmanager
def postgres_ground(size: Size) -> Iterator[str | None]:
    """The crowd on PostgreSQL, dropped after the measure unless BENCH_KEEP is set; None when no server answers."""
    address = make_url(POSTGRES)
    plain = address.set(drivername='postgresql').render_as_string(hide_password=False)
    try:
        admin = psycopg.connect(plain, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError:
        yield None
        return
    name, keeps = f'maakav_bench_{size.claims}', 'BENCH_KEEP' in os.environ
    if not admin.execute('SELECT 1 FROM pg_database WHERE datname = %s', (name,)).fetchone():
        admin.execute(f'CREATE DATABASE {name}')
    try:
        url = address.set(database=name).render_as_string(hide_password=False)
        _load(url, size)
        with psycopg.connect(f'{plain.rpartition("/")[0]}/{name}', autocommit=True) as own:
            own.execute('VACUUM ANALYZE')
        yield url
    finally:
        if not keeps:
            admin.execute(f'DROP DATABASE {name} WITH (FORCE)')
        admin.close()


def _load(url: str, size: Size) -> None:
    """Load what is not there yet, and say how long a whole load took."""
    before = time.monotonic()
    stories = FEW_STORIES if size.name == 'small' else None
    if load_demo(url, now(), stories, claims=size.claims, offices=size.offices):
        print(f'{size.claims:,} claims loaded in {time.monotonic() - before:.0f} s', flush=True)
    schema.upgrade(url)


def audiences(database: Database) -> list[Audience]:
    """The bureau, the biggest office and one of middle size."""
    with database.reader.connect() as connection:
        sizes = connection.execute(
            select(Claim.__table__.c.office_id, func.count().label('n')).group_by('office_id').order_by('n')
        ).all()
        total = sum(n for _, n in sizes)
        biggest, middle = sizes[-1], sizes[len(sizes) // 2]
        return [
            Audience('bureau', _person(Role.HANDLER, None), total, _samples(connection, None)),
            Audience('big office', _person(Role.AGENT, biggest[0]), biggest[1], _samples(connection, biggest[0])),
            Audience('small office', _person(Role.AGENT, middle[0]), middle[1], _samples(connection, middle[0])),
        ]


def _person(role: Role, office_id: int | None) -> Actor:
    with open_session(Actor.system('bench'), reading=True) as session:
        question = select(User.id).where(User.role == role, User.office_id.is_not_distinct_from(office_id))
        actor = actor_of(session, session.scalars(question.order_by(User.id).limit(1)).one())
    assert actor is not None
    return actor


def _samples(connection: Connection, office_id: int | None) -> list[Sample]:
    claims = Claim.__table__.c
    mine = () if office_id is None else (claims.office_id == office_id,)
    first, last = connection.execute(select(func.min(claims.id), func.max(claims.id)).where(*mine)).one()
    found: list[Any] = []
    for _ in range(60):
        # anywhere: sixtieths of a round number are 16667, 33334, 50000, whose few different digits no index tells apart
        question = select(Claim.__table__).where(claims.id >= random.randint(first, last), *mine)
        found += connection.execute(question.order_by(claims.id).limit(1)).all()
    return [
        Sample(
            *(row.id, row.seq, row.claim_no, row.insured_name, row.plate, row.insured_phone, row.insured_address),
            *(row.event_date, str(row.tp_insurer_id or 1), str(row.garage_id or 1), str(row.agent_id or 1)),
            str(row.office_id),
        )
        for row in found
    ]
