"""No question tells what is not the asker's: everything that is told after a random office life, listened to for words of others."""

import dataclasses
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session

from db import (
    alerts,
    calls,
    catch_up,
    changes,
    claims,
    identity,
    list_counts,
    list_rows,
    list_state,
    lists,
    messages,
    offices,
    reference,
    seen_marks,
)
from db.base import Base, now
from db.calls import CallNote
from db.claims import Claim
from db.scope import Actor, Can, Role
from db.session import fetch, open_session
from tests.factories import alert_everybody, make_claim, make_office, make_user, values_of

SECRET = 'סודפנימי'


@dataclass(frozen=True)
class Life:
    """Three offices that did random things; whose every text carries a word of its own."""

    actors: dict[str, Actor]
    sees: dict[str, set[str]]
    claims: list[Claim]


OFFICES = {'לוי': False, 'כהן': False, 'מור': True}


def live(rng: random.Random, steps: int) -> Life:
    staff = [make_user(f'מטפלת {n}', Role.HANDLER) for n in range(2)]
    actors: dict[str, Actor] = {'staff': staff[0]}
    sees: dict[str, set[str]] = {'staff': set()}
    homes: dict[str, tuple[int, list[Actor]]] = {}
    for name, own_only in OFFICES.items():
        office = make_office(f'סוכנות {name}', agents_see_own_only=own_only)
        agents = [make_user(f'סוכנ{letter} {name}', Role.AGENT, office) for letter in 'אב']
        others = [make_user(f'{role} {name}', role, office) for role in (Role.OFFICE_MANAGER, Role.READ_ONLY)]
        homes[name] = office, agents
        for actor in (*agents, *others):
            own = own_only and actor in agents
            words = [f'קנרית{name}{agents.index(actor)}'] if own else [f'קנרית{name}{n}' for n in range(2)]
            actors[actor.name], sees[actor.name] = actor, set(words)
        sees['staff'] |= {f'קנרית{name}{n}' for n in range(2)}
    made: list[tuple[Claim, str]] = []
    for step in range(steps):
        name = rng.choice(list(OFFICES))
        office, agents = homes[name]
        n = rng.randrange(2)
        if step < 6 or rng.random() < 0.3:
            fields = {'insured_name': f'קנרית{name}{n} {step}', 'tp_driver': f'נהג קנרית{name}{n}'}
            made.append((make_claim(office, staff[0], fields, agent=agents[n].user_id), f'קנרית{name}{n}'))
            continue
        claim, word = rng.choice(made)
        _step(rng, rng.choice(staff), claim.id, word)
        if rng.random() < 0.3:
            with open_session(actors[rng.choice(list(actors))]) as writing:
                alerts.visit(writing, claim.id, now()) if n else seen_marks.mark_unseen(writing, claim.id, now())
    alert_everybody()
    return Life(actors, sees, [claim for claim, _ in made])


def _step(rng: random.Random, staff: Actor, claim_id: int, word: str) -> None:
    with open_session(staff) as writing:
        kind = rng.randrange(6)
        claim = writing.get_one(Claim, claim_id)
        if kind == 0:
            messages.note_internally(writing, claim_id, f'{SECRET} על {word} {rng.random()}', now())
        elif kind == 1:
            address = f'רחוב {word} {rng.randrange(999)}'
            claims.save_fields(writing, claim_id, {'insured_address': (claim.insured_address, address)}, now())
        elif kind == 2:
            to = rng.choice(['submitted', 'in_repair', 'closed'])
            claims.change_status(writing, claim_id, to, f'סיבה {word}', claim.status, now())
        elif kind == 3:
            claims.mark_checked(writing, claim_id, now())
        else:
            said = f'{SECRET} {word}' if kind == 4 else f'שיחה על {word}'
            call = CallNote(
                'garage', 'inbound', 'no_answer', summary=said, follow_up=date(2099, 1, 1), internal=kind == 4
            )
            calls.log_call(writing, claim_id, call, now())


def told(value: Any) -> str:
    """Everything a value says, with what its rows hold."""
    if isinstance(value, Base):
        return repr(values_of(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return ' '.join(told(getattr(value, item.name)) for item in dataclasses.fields(value))
    if isinstance(value, dict):
        return told([*value.keys(), *value.values()])
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ' '.join(told(item) for item in value)
    return repr(value)


def everything_told(reading: Session, life: Life, actor: Actor) -> str:
    answers: list[Any] = [
        alerts.alert_groups(reading, limit=500),
        lists.filter_choices(reading),
        reference.reference(reading),
    ]
    words = ['', SECRET, 'קנרית', *(f'קנרית{name}{n}' for name in OFFICES for n in range(2))]
    for view in list_state.VIEWS:
        for word in words if view == 'all' else words[:3]:
            state = list_state.ListState(view=view, q=word, size=100)
            page = lists.page_of(reading, state)
            assert page.total == len(page.rows) == list_counts.count_of(reading, state), (view, word)
            answers.append(page.rows)
    everybody = list_state.ListState(
        view='all', agent=tuple(str(other.user_id) for other in life.actors.values()), size=100
    )
    answers += [lists.page_of(reading, everybody).rows, list_rows.rows_of(reading, [claim.id for claim in life.claims])]
    for claim in life.claims[:3]:
        answers.append(lists.neighbours_of(reading, list_state.ListState(view='all', sort='insured_name'), claim.id))
    for claim in life.claims:
        answers += [
            fetch(reading, changes.history_of(claim.id)),
            fetch(reading, changes.news_since(claim.id, 0, None)),
            fetch(reading, claims.claim_by_no(claim.claim_no)),
            fetch(reading, messages.notes_of(claim.id)),
            fetch(reading, calls.calls_of(claim.id)),
            calls.attempts_since_spoke(reading, claim.id),
            calls.calls_per_party(reading, claim.id),
            fetch(reading, claims.duplicates_of(claim.plate, claim.event_date)),
        ]
    answers += [
        catch_up.changes_after(reading, 0, 0),
        fetch(reading, calls.follow_ups_due(date(2100, 1, 1))),
        fetch(reading, offices.offices()),
        fetch(reading, offices.people_of(1)),
    ]
    answers += [offices.names_of_people(reading) if not actor.is_bureau else '']
    answers += [fetch(reading, identity.sessions_of(n)) for n in range(9)]
    return told(answers)


@pytest.mark.parametrize('seed', [26])
def test_no_question_tells_what_is_not_the_askers(database, seed):
    life = live(random.Random(seed), 26)
    every_word = set().union(*life.sees.values())
    for name, actor in life.actors.items():
        with open_session(actor, reading=True) as reading:
            heard = everything_told(reading, life, actor)
        assert {word for word in every_word if word in heard} == life.sees[name], name
        assert (SECRET in heard) == actor.may(Can.SEE_INTERNAL), name
        foreign = [office for office in OFFICES if not actor.is_bureau and office not in actor.name]
        assert not [office for office in foreign if f'סוכנות {office}' in heard], name


def test_an_internal_note_is_heard_of_nowhere(people):
    claim = make_claim(people.levi, people.staff)
    alert_everybody()
    told_before = {actor.name: _what_moves(actor, claim.id) for actor in (people.dana, people.manager)}
    with open_session(people.staff) as writing:
        messages.note_internally(writing, claim.id, SECRET, now())
    alert_everybody()
    for actor in (people.dana, people.manager):
        assert _what_moves(actor, claim.id) == told_before[actor.name]


def _what_moves(actor: Actor, claim_id: int) -> str:
    """All that a note could give away without its text: order, bold, counters, times."""
    with open_session(actor, reading=True) as reading:
        state = list_state.ListState(view='all')
        return told(
            [
                lists.page_of(reading, state).rows,
                list_counts.counts_of(reading, state),
                alerts.alert_groups(reading),
                alerts.unread_groups(reading),
                fetch(reading, changes.history_of(claim_id)),
                seen_marks.seen_seq(reading, claim_id),
                list_counts.counts_of(reading, list_state.ListState(view='all', q=SECRET)),
                reading.get_one(Claim, claim_id).seq,
            ]
        )
