"""Signed links: who makes which, how long they open the door, and how little is behind it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Executable, column, func, inspect, select, union_all
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Bundle, aliased

from db import calls, documents, messages, requirements
from db.alert_news import alert_followers
from db.alerts import Cursor, alert_groups
from db.base import Base, now
from db.bureau import bureau_settings
from db.calls import CallNote
from db.catch_up import waiting_after
from db.changes import history_of
from db.claims import Claim, change_status, save_fields
from db.documents import Arrived, Document, Slot
from db.links import (
    MOST_ALIVE,
    LinkVisit,
    SignedLink,
    create_link,
    hash_of,
    links_of,
    note_use,
    revoke_link,
    visit_by,
)
from db.messages import Letter, ThreadKey
from db.reference import Garage, reference
from db.repairs import advance_repair, events_of, expect, hold, note_repair, resume, take_back
from db.requirements import checklist, sent_by_link, slot_of_insured
from db.scope import ROLE_CAN, Actor, Can, Role, Unscoped
from db.session import fetch, open_session
from db.texts import ClaimError
from db.watching import columns_of
from tests.conftest import People, made_once
from tests.factories import SYSTEM, make_claim
from tests.waiting import until

SCAN = Arrived('תמונה.jpg', 'a.jpg', 'image/jpeg', 1, 'ab' * 32, 1, 'ab' * 32, pages=1)
ANOTHER = replace(SCAN, sha256='0f' * 32)


@made_once
def claim(people: People) -> Claim:
    with open_session(people.staff) as session:
        garage = Garage(name='מוסך גלבוע')
        session.add(garage)
        session.flush()
    fields = {'garage': garage.id, 'demand_amount': 100_00, 'tp_policy_holder': 'גיא רוזנטל'}
    return make_claim(people.levi, people.staff, fields)


def link(actor: Actor, claim: Claim, purpose: str) -> str:
    with open_session(actor) as session:
        return create_link(session, claim.id, purpose, now())


def visit(token: str, days: float = 0) -> LinkVisit | None:
    with open_session(SYSTEM, reading=True) as session:
        return visit_by(session, hash_of(token), now() + timedelta(days=days))


def holder(people: People, claim: Claim, purpose: str) -> Actor:
    found = visit(link(people.staff, claim, purpose))
    assert found is not None
    return found.actor


def kept(actor: Actor, claim: Claim) -> list[SignedLink]:
    with open_session(actor, reading=True) as session:
        return fetch(session, links_of(claim.id))


def test_a_link_opens_one_claim_under_a_name_of_its_own(people, claim):
    garage, insured = (visit(link(people.staff, claim, purpose)) for purpose in ('garage', 'insured'))
    assert garage is not None
    assert insured is not None
    assert (garage.claim_id, garage.actor.role, garage.actor.name) == (claim.id, Role.GARAGE, 'מוסך גלבוע, בקישור')
    assert (insured.claim_id, insured.actor.role, insured.actor.user_id) == (claim.id, Role.INSURED, None)


def test_the_token_is_not_kept(people, claim):
    token = link(people.staff, claim, 'garage')
    [row] = kept(people.staff, claim)
    assert len(token) >= 43
    assert token not in str({name: getattr(row, name) for name in columns_of(SignedLink)})
    assert visit(row.token_hash) is None


def test_offices_share_with_their_clients_and_the_bureau_also_with_garages(people, claim):
    for actor, purposes in ((people.dana, ['insured']), (people.staff, ['garage', 'insured'])):
        for purpose in ('garage', 'insured', 'admin', ''):
            if purpose in purposes:
                assert visit(link(actor, claim, purpose))
            else:
                with pytest.raises(ClaimError):
                    link(actor, claim, purpose)
    with pytest.raises(ClaimError):
        link(people.rival, claim, 'insured')


def test_a_link_ends_by_itself_and_when_it_is_revoked(people, claim):
    with open_session(people.admin) as session:
        bureau_settings(session).link_days = 14
    token, other = link(people.dana, claim, 'insured'), link(people.staff, claim, 'garage')
    assert visit(token, days=13.9)
    assert visit(token, days=14.1) is None
    garage, insured = kept(people.staff, claim)
    for actor, row in ((people.rival, insured), (people.dana, garage)):  # dana sees nothing of the garage's
        with pytest.raises(ClaimError), open_session(actor) as session:
            revoke_link(session, row.id, now())
    with open_session(people.dana) as session:
        revoke_link(session, insured.id, now())
    assert visit(token) is None
    assert visit(other)
    assert visit('x' * 43) is None


def test_links_stand_in_the_history_and_ring_nobody(people, claim):
    link(people.staff, claim, 'garage')
    with open_session(people.staff) as session:
        revoke_link(session, fetch(session, links_of(claim.id))[0].id, now())
    with open_session(people.dana, reading=True) as session:
        told = [(change.kind, change.quiet, change.by) for change in fetch(session, history_of(claim.id))]
    assert told == [
        ('link.revoked', True, 'שירה לביא'),
        ('link.created', True, 'שירה לביא'),
        ('opened', False, 'שירה לביא'),
    ]


def test_nobody_piles_up_links(people, claim):
    for _ in range(MOST_ALIVE):
        link(people.dana, claim, 'insured')
    with pytest.raises(ClaimError, match='too many'):
        link(people.dana, claim, 'insured')


def test_links_of_others_take_no_place_of_ones_own(people, claim):
    for _ in range(MOST_ALIVE):
        link(people.staff, claim, 'garage')
    assert link(people.dana, claim, 'insured')


def test_uses_are_counted_once_a_visit(people, claim):
    token = link(people.staff, claim, 'insured')
    start = now()
    for seconds in (0, 5, 59, 61, 3600):
        with open_session(SYSTEM) as session:
            note_use(session, hash_of(token), start + timedelta(seconds=seconds))
    [row] = kept(people.dana, claim)
    assert (row.uses, row.used_at) == (3, start + timedelta(seconds=3600))


# ---- what is behind it ------------------------------------------------------------------------------------------------------


@pytest.fixture
def busy(people: People, claim: Claim) -> Claim:
    """A claim with something of everything, beside another one of the same agent."""
    other = make_claim(people.levi, people.staff, insured_name='שכן')
    for row in (claim, other):
        with open_session(people.staff) as session:
            advance_repair(session, row.id, 'bodywork', None, now())
            calls.log_call(session, row.id, CallNote('insured', 'outbound', 'no_answer'), now())
            messages.note_internally(session, row.id, 'הערה', now())
            messages.write_message(session, ThreadKey(row.office_id, row.id), Letter('שלום'), now())
        with open_session(people.staff) as session:
            documents.attach(session, row.id, SCAN, Slot('repair_photos', repair_stage='bodywork'), now())
            requirements.ask_for(session, row.id, 'עוד מסמך', now())
    return claim


OPEN = {'claims', 'agent_offices', 'repair_events', 'documents', 'document_needs'}


@pytest.mark.parametrize('purpose', ['garage', 'insured'])
def test_a_link_reads_its_claim_and_of_the_rest_nothing(people, busy, purpose):
    actor = holder(people, busy, purpose)
    with open_session(actor, reading=True) as session:
        for mapper in Base.registry.mappers:
            model = mapper.class_
            if hasattr(model, '__shared_by_all__'):
                continue
            key = mapper.primary_key[0].name if model is not Claim else 'id'
            keys = session.scalars(
                select(getattr(model, mapper.get_property_by_column(mapper.primary_key[0]).key))
            ).all()
            assert bool(keys) == (model.__tablename__ in OPEN), (model, key)
            if hasattr(model, 'claim_id') and keys:
                assert set(session.scalars(select(model.claim_id))) == {busy.id}
        assert fetch(session, select(Claim.id)) == [busy.id]
        assert session.get(Claim, busy.id + 1) is None
        assert reference(session).stages


@pytest.mark.parametrize('purpose', ['garage', 'insured'])
def test_sums_and_other_people_stay_closed_also_on_its_own_claim(people, busy, purpose):
    actor = holder(people, busy, purpose)
    closed = ['demand_amount', 'tp_policy_holder', 'insured_phone', 'insured_id_no', 'daily_note', 'policy_no']
    closed += ['insured_name'] if purpose == 'garage' else []
    with open_session(actor, reading=True) as session:
        whole = session.get_one(Claim, busy.id)
        again = session.scalars(select(Claim)).one()
        assert (whole.plate, again.repair_stage) == ('21734801', 'bodywork')
        for name in closed:
            with pytest.raises(InvalidRequestError):
                getattr(whole, name)
        for name in closed:
            column, other = getattr(Claim, name), getattr(aliased(Claim), name)
            for question in (
                select(column),
                select(func.max(column)),
                select(Claim.id).where(column.is_not(None)),
                select(Claim.id).order_by(column),
                select(other),
                select(select(column).scalar_subquery()),
                select(select(Claim.id, column).cte()),
            ):
                with pytest.raises(Unscoped):
                    session.execute(question).all()
    with open_session(people.dana, reading=True) as session:  # only for links
        assert session.get_one(Claim, busy.id).tp_policy_holder == 'גיא רוזנטל'


@pytest.mark.parametrize('purpose', ['garage', 'insured'])
def test_neither_a_union_nor_a_claim_within_a_question_opens_what_is_closed(people, busy, purpose):
    actor, once, whole = holder(people, busy, purpose), select(Claim.id), select(Claim).subquery()
    questions: list[Executable] = [union_all(once, once), select(whole), select(whole.c.insured_phone)]
    table = Claim.__table__
    questions += [
        select(Claim.id, table.c.insured_phone),
        select(Claim.id, table),
        select(Claim.id, column('insured_phone')),
        select(inspect(aliased(Claim)).selectable.c.insured_phone),
        select(Claim.id, select(table.c.insured_phone).scalar_subquery()),
        select(Claim.id).where(table.c.insured_phone != ''),
        select(Claim.id).order_by(table.c.insured_phone),
        select(Claim.id, Bundle('all', table.c.insured_phone)),
    ]
    for question in questions:
        with pytest.raises(Unscoped), open_session(actor, reading=True) as session:
            session.execute(question).all()


def test_a_garage_does_its_work_and_is_named(people, busy):
    garage = holder(people, busy, 'garage')
    later = now()
    with open_session(garage) as session:
        advance_repair(session, busy.id, 'paint', 'bodywork', later, 'הכול מוכן')
        take_back(session, busy.id, 'paint', later)
    with open_session(garage) as session:
        advance_repair(session, busy.id, 'paint', 'bodywork', later)
        expect(session, busy.id, (later + timedelta(days=4)).date(), 'parts', later)
        note_repair(session, busy.id, 'הגיע פנס', later)
        hold(session, busy.id, 'parts', later)
        resume(session, busy.id, later)
    with open_session(garage) as session:
        photo = Arrived('b.jpg', 'b.jpg', 'image/jpeg', 1, 'cd' * 32, 1, 'cd' * 32, pages=1)
        documents.attach(session, busy.id, photo, Slot('repair_photos', repair_stage='paint'), later)
    with open_session(people.dana, reading=True) as session:
        assert session.get_one(Claim, busy.id).repair_stage == 'paint'
        assert {event.by for event in fetch(session, events_of(busy.id))[1:]} == {'מוסך גלבוע, בקישור'}
        told = [change for change in fetch(session, history_of(busy.id)) if 'repair_stage' in change.fields]
        assert (told[0].by, told[0].user_id) == ('מוסך גלבוע, בקישור', None)
        assert session.scalar(select(Document.by).where(Document.sha256 == 'cd' * 32)) == 'מוסך גלבוע, בקישור'


def test_an_insured_reads_what_is_needed_and_moves_no_repair(people, busy):
    insured = holder(people, busy, 'insured')
    with open_session(insured, reading=True) as session:
        needed = [item.label_in('he') for item in checklist(session, session.get_one(Claim, busy.id)) if item.missing]
    assert 'עוד מסמך' in needed
    for order in ORDERS_OF_A_GARAGE:
        with pytest.raises((ClaimError, Unscoped)), open_session(insured) as session:
            order(session, busy)


def all_is_told() -> bool:
    with open_session(SYSTEM) as session:
        alert_followers(session)
        cursor = session.get_one(Cursor, 'alerts')
        return not waiting_after(session, (cursor.xid, cursor.change_id))


def test_an_insured_sends_what_is_asked_of_him_and_everybody_of_the_claim_hears_of_it(people, busy):
    insured = holder(people, busy, 'insured')
    with open_session(insured) as session:
        slot = slot_of_insured(session, busy.id, 'driving_licence', None)
        filed = documents.attach(session, busy.id, SCAN, slot, now())
    with open_session(insured, reading=True) as session:
        items = {item.type.id: item for item in checklist(session, session.get_one(Claim, busy.id))}
        sent = fetch(session, sent_by_link(busy.id, insured.name))
    assert (items['driving_licence'].state, [one.id for one in sent]) == ('received', [filed.document.id])
    until(all_is_told)  # PostgreSQL holds changes back while any older transaction runs
    for reader in (people.dana, people.manager):
        with open_session(reader, reading=True) as session:
            told = fetch(session, history_of(busy.id))
            assert ('document.added', 'מבוטח, בקישור', None) in [(one.kind, one.by, one.user_id) for one in told]
            assert 'claim.document.added' in [group.kind for group in alert_groups(session)]


def test_an_insured_sends_nothing_else(people, busy):
    insured = holder(people, busy, 'insured')
    for kind in ('demand_letter', 'repair_photos', 'no_such', 'bank_details?'):
        with pytest.raises(ClaimError, match='not asked'), open_session(insured) as session:
            slot_of_insured(session, busy.id, kind, None)
    with pytest.raises(ClaimError, match='not asked'), open_session(insured) as session:
        slot_of_insured(session, busy.id, 'driving_licence', 99)
    with open_session(people.staff) as session:
        theirs = documents.attach(session, busy.id, replace(SCAN, sha256='ef' * 32), Slot('driving_licence'), now())
    for order in (
        lambda s: documents.attach(s, busy.id, ANOTHER, Slot('demand_letter'), now()),
        lambda s: documents.attach(s, busy.id, ANOTHER, Slot('driving_licence', replaces=theirs.document.uuid), now()),
        lambda s: documents.attach(s, busy.id, ANOTHER, Slot('repair_photos', repair_stage='paint'), now()),
        lambda s: documents.attach(s, busy.id + 1, ANOTHER, Slot('driving_licence'), now()),
        lambda s: documents.remove(s, theirs.document.uuid, now()),
        lambda s: documents.accept(s, theirs.document.uuid, now()),
        lambda s: setattr(s.scalars(select(Document)).first(), 'title', 'x'),
    ):
        with pytest.raises((ClaimError, Unscoped)), open_session(insured) as session:
            order(session)


ORDERS_OF_A_GARAGE = (
    lambda s, c: advance_repair(s, c.id, 'paint', 'bodywork', now()),
    lambda s, c: expect(s, c.id, (now() + timedelta(days=3)).date(), '', now()),
    lambda s, c: note_repair(s, c.id, 'x', now()),
    lambda s, c: hold(s, c.id, 'parts', now()),
    lambda s, c: documents.attach(s, c.id, ANOTHER, Slot('repair_photos', repair_stage='paint'), now()),
    lambda s, c: setattr(s.get_one(Claim, c.id), 'repair_stage', 'paint'),
)


def test_a_garage_writes_nothing_else_not_even_on_its_own_claim(people, busy):
    garage = holder(people, busy, 'garage')
    other = busy.id + 1
    for order in (
        lambda s: save_fields(s, busy.id, {'make_model': ('', 'x')}, now()),
        lambda s: change_status(s, busy.id, 'closed', 'x', 'new', now()),
        lambda s: setattr(s.get_one(Claim, busy.id), 'garage', None),
        lambda s: s.delete(s.get_one(Claim, busy.id)),
        lambda s: setattr(s.scalars(select(Document)).first(), 'title', 'x'),
        lambda s: documents.attach(s, busy.id, SCAN, Slot('vehicle_licence'), now()),
        lambda s: calls.log_call(s, busy.id, CallNote('insured', 'outbound', 'no_answer'), now()),
        lambda s: messages.write_message(s, ThreadKey(busy.office_id, busy.id), Letter('x'), now()),
        lambda s: create_link(s, busy.id, 'insured', now()),
        lambda s: s.add(Garage(name='x')),
        lambda s: advance_repair(s, other, 'paint', 'bodywork', now()),
        lambda s: note_repair(s, other, 'x', now()),
        lambda s: documents.attach(s, other, SCAN, Slot('repair_photos', repair_stage='paint'), now()),
    ):
        with pytest.raises((ClaimError, Unscoped)), open_session(garage) as session:
            order(session)


def test_a_garage_cannot_forge_an_event_of_another_claim(people, busy):
    garage = holder(people, busy, 'garage')
    with pytest.raises(Unscoped), open_session(garage) as session:
        told = fetch(session, events_of(busy.id))[0]
        forged = {name: getattr(told, name) for name in ('kind', 'after', 'at', 'by', 'office_id', 'user_id')}
        session.add(type(told)(**forged, claim_id=busy.id + 1))


def test_a_link_without_a_claim_is_a_bug(people):
    for role in (Role.GARAGE, Role.INSURED):
        assert Can.SEE_ALL_OFFICES not in ROLE_CAN[role]
        with pytest.raises(ValueError, match='claim'):
            Actor(user_id=None, name='x', role=role, office_id=1)
    with pytest.raises(ValueError, match='claim'):
        Actor(user_id=1, name='x', role=Role.AGENT, office_id=1, claim_id=1)
