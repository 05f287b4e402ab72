"""Submission packs: what goes into one in which order, who may make and read it, and that nothing of it changes any more."""

from typing import Any

import pytest
from sqlalchemy import select, text

from db import documents, money, packs, requirements
from db.base import now
from db.changes import history_of
from db.claims import Claim
from db.demands import Demand, DemandLine
from db.documents import Arrived, Document, Slot
from db.packs import Bound, Submission, SubmissionPack
from db.reference import Insurer
from db.scope import Actor, Unscoped
from db.session import Database, fetch, fetch_one, open_session
from db.texts import ClaimError
from tests.conftest import People
from tests.factories import SYSTEM, make_claim

BOUND = Bound('ef' * 32, 5000, 4, [(2, 2), 'locked'])


def sent(actor: Actor, claim: Claim, kind: str, name: str, digest: str, *, pages: int | None = 1, **slot: Any) -> str:
    with open_session(actor) as session:
        arrived = Arrived(name, name, 'application/pdf', 7, digest * 32, 7, digest * 32, pages=pages)
        return documents.attach(session, claim.id, arrived, Slot(kind, **slot), now()).document.uuid


def planned(actor: Actor, claim: Claim, *picked: str) -> Submission:
    with open_session(actor, reading=True) as session:
        return packs.submission(session, claim.claim_no, picked)


def kept(actor: Actor, made: Submission, bound: Bound = BOUND) -> SubmissionPack:
    with open_session(actor) as session:
        return packs.keep_pack(session, made, bound, now())


def test_a_pack_follows_the_checklist_with_the_photos_together_and_nothing_that_was_rejected(people: People) -> None:
    with open_session(SYSTEM, reading=True) as session:
        harel = session.scalars(select(Insurer).where(Insurer.code == 'harel')).one()
    claim = make_claim(people.levi, people.staff, tp_insurer=harel.id, insurer_claim_no='55-1')
    with open_session(people.staff) as session:
        asked = requirements.ask_for(session, claim.id, 'תצהיר של הנהג', now())
    sent(people.dana, claim, 'other_required', 'תצהיר.pdf', '01', need_id=asked.id)
    sent(people.dana, claim, 'repair_photos', 'b.jpg', '02')
    sent(people.dana, claim, 'vehicle_licence', 'r.pdf', '03')
    for number in (4, 5):
        sent(people.dana, claim, 'damage_photos', f'{number}.jpg', f'0{number}')
    sent(people.dana, claim, 'appraisal_report', 's.pdf', '06')
    sent(people.dana, claim, 'other_required', 'מכתב העד.pdf', '07')
    bad = sent(people.dana, claim, 'accident_notice', 'h.pdf', '08')
    gone = sent(people.dana, claim, 'power_of_attorney', 'p.pdf', '09')
    with open_session(people.staff) as session:
        documents.reject(session, bad, 'not_signed', now())
        documents.remove(session, gone, now())
    made = planned(people.staff, claim)
    assert [paper.title for paper in made.papers] == [
        *('דוח שמאי', 'תמונות נזק (1)', 'תמונות נזק (2)', 'תמונות מהתיקון', 'צילום רישיון רכב'),
        *('מכתב העד', 'תצהיר של הנהג'),
    ]
    assert [paper.document.sha256[:2] for paper in made.papers] == ['06', '04', '05', '02', '03', '07', '01']
    assert [paper.group for paper in made.papers][:5] == ['', 'תמונות נזק', 'תמונות נזק', 'תמונות מהתיקון', '']
    assert made.insurer == harel.name


def test_only_what_was_picked_goes_and_never_what_was_rejected(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    with pytest.raises(ClaimError, match='no document to submit'):
        planned(people.staff, claim)
    one, two = (sent(people.dana, claim, 'vehicle_licence', name, name) for name in ('01', '02'))
    foreign = sent(people.rival, make_claim(people.cohen, people.staff), 'vehicle_licence', '03', '03')
    assert [paper.document.uuid for paper in planned(people.staff, claim, two).papers] == [two]
    with open_session(people.staff) as session:
        documents.reject(session, one, 'not_signed', now())
    for picked in (one, foreign):
        with pytest.raises(ClaimError, match='rejected or is not there'):
            planned(people.staff, claim, picked, two)


def test_what_came_from_the_insurer_and_a_waiver_go_only_when_picked(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    cheque = sent(people.staff, claim, 'cheque_image', 'c', '01')
    with pytest.raises(ClaimError, match='only when selected: צילום המחאה'):
        planned(people.staff, claim)
    for number, kind in enumerate(sorted(packs.ONLY_PICKED - {'cheque_image'}), start=2):
        sent(people.staff, claim, kind, kind, f'0{number}')
    licence = sent(people.dana, claim, 'vehicle_licence', 'r', '09')
    made = planned(people.staff, claim)
    assert [paper.document.uuid for paper in made.papers] == [licence]
    assert set(made.left_out) == {'שומה נגדית', 'הצעת פשרה', 'מכתב דחייה', 'צילום המחאה', 'כתב ויתור ושחרור'}
    picked = planned(people.staff, claim, cheque, licence)
    assert ({paper.document.uuid for paper in picked.papers}, picked.left_out) == ({cheque, licence}, [])


def test_a_pack_is_no_larger_than_an_insurer_takes(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = make_claim(people.levi, people.staff)
    one = sent(people.dana, claim, 'vehicle_licence', '01', '01', pages=600)
    sent(people.dana, claim, 'vehicle_licence', '02', '02', pages=401)
    with pytest.raises(ClaimError, match='1,000 pages'):
        planned(people.staff, claim)
    assert planned(people.staff, claim, one).papers
    monkeypatch.setattr(packs, 'MOST_BYTES', 6)
    with pytest.raises(ClaimError):
        planned(people.staff, claim, one)


def test_what_was_submitted_stays_as_it_was_whatever_becomes_of_the_documents(people: People) -> None:
    claim = make_claim(people.levi, people.staff, insurer_claim_no='55-1')
    one = sent(people.dana, claim, 'appraisal_report', 'a', '01', pages=2)
    two = sent(people.dana, claim, 'vehicle_licence', 'b', '02')
    pack = kept(people.staff, planned(people.staff, claim))
    with open_session(people.staff) as session:
        documents.retype(session, one, 'police_report')
        documents.remove(session, two, now())
        session.get_one(Claim, claim.id).insurer_claim_no = '66-2'
    with open_session(people.staff2, reading=True) as session:
        [found] = fetch(session, packs.packs_of(claim.id))
        assert [row.uuid for row in fetch(session, packs.documents_in(found))] == [one]
    assert found.contents == [{'uuid': one, 'title': 'דוח שמאי', 'sha256': '01' * 32, 'pages': 2, 'first': 2}]
    assert found.apart == [{'uuid': two, 'title': 'צילום רישיון רכב', 'sha256': '02' * 32, 'why': 'locked'}]
    assert (found.by, found.insurer, found.insurer_claim_no, found.pages) == (people.staff.name, '', '55-1', 4)
    for actor in (people.staff, people.admin, SYSTEM):
        for name, value in (('contents', []), ('pages', 1), ('sha256', 'aa' * 32)):
            with pytest.raises(Unscoped), open_session(actor) as session:
                setattr(session.get_one(SubmissionPack, pack.id), name, value)
        with pytest.raises(Unscoped), open_session(actor) as session:
            session.delete(session.get_one(SubmissionPack, pack.id))


def demanded(actor: Actor, claim: Claim, **sums: int) -> None:
    for head, amount in sums.items():
        with open_session(actor) as session:
            money.save_amounts(session, claim.id, head, {'demanded': (None, amount)}, now())


def test_what_is_demanded_goes_as_a_letter_and_stays_as_it_was_printed(people: People) -> None:
    claim = make_claim(people.levi, people.staff, tp_plate='1234567')
    sent(people.dana, claim, 'appraisal_report', 'a', '01', pages=2)
    sent(people.dana, claim, 'vehicle_licence', 'b', '02')
    assert (planned(people.staff, claim).demand, planned(people.staff, claim).no_letter) == (None, 'nothing')
    assert kept(people.staff, planned(people.staff, claim)).letter == {'why': 'nothing'}
    demanded(people.staff, claim, depreciation=4_350_00, repair_cost=11_800_00, towing_cost=0)
    with open_session(people.staff) as session:
        money.take_vat_off(session, claim.id, 'repair_cost', now())
    made = planned(people.staff, claim)
    assert made.demand == Demand(
        [DemandLine('נזק לרכב / עלות תיקון', 10_000_00, True), DemandLine('ירידת ערך', 4_350_00, False)], 14_350_00
    )
    pack = kept(people.staff, made, Bound('ef' * 32, 5000, 5, [(2, 3), 'locked'], (1, 2)))
    demanded(people.staff, claim, other=1_00)
    with open_session(people.staff2, reading=True) as session:
        found = fetch(session, packs.packs_of(claim.id))[0]
    assert found.uuid == pack.uuid
    assert found.letter == {
        'title': 'מכתב דרישה',
        'pages': 1,
        'first': 2,
        'lines': [
            {'label': 'נזק לרכב / עלות תיקון', 'amount': 10_000_00, 'net': True},
            {'label': 'ירידת ערך', 'amount': 4_350_00, 'net': False},
        ],
        'total': 14_350_00,
    }
    assert [(part['title'], part['first']) for part in found.parts] == [('מכתב דרישה', 2), ('דוח שמאי', 3)]


def test_a_pack_from_before_there_were_letters_holds_its_documents(people: People, database: Database) -> None:
    claim = make_claim(people.levi, people.staff)
    for name in ('01', '02'):
        sent(people.dana, claim, 'vehicle_licence', name, name)
    pack = kept(people.staff, planned(people.staff, claim))
    with database.writer.begin() as connection:
        connection.execute(text('UPDATE submission_packs SET letter = NULL'))
    with open_session(people.staff, reading=True) as session:
        [found] = fetch(session, packs.packs_of(claim.id))
    assert (found.letter, found.drawn_letter, found.parts) == (None, None, pack.contents)
    assert (found.part_at(2), found.part_at(3)) == (pack.contents[0], None)


def test_a_sum_without_heads_is_demanded_as_it_is(people: People) -> None:
    claim = make_claim(people.levi, people.staff, demand_amount=9_000_00)
    sent(people.dana, claim, 'vehicle_licence', 'b', '02')
    assert planned(people.staff, claim).demand == Demand([], 9_000_00)


def test_a_letter_that_was_uploaded_goes_first_and_no_second_one_is_drawn(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    demanded(people.staff, claim, repair_cost=100)
    licence = sent(people.dana, claim, 'vehicle_licence', 'b', '01')
    sent(people.dana, claim, 'appraisal_report', 'a', '02')
    letter = sent(people.staff, claim, 'demand_letter', 'm', '03')
    made = planned(people.staff, claim)
    assert [paper.title for paper in made.papers] == ['מכתב דרישה', 'דוח שמאי', 'צילום רישיון רכב']
    assert (made.demand, made.no_letter) == (None, 'uploaded')
    selected = planned(people.staff, claim, licence)
    assert (len(selected.papers), selected.demand, selected.no_letter) == (1, None, 'not_selected')
    with open_session(people.staff) as session:
        documents.reject(session, letter, 'not_signed', now())
    assert planned(people.staff, claim).demand == planned(people.staff, claim, licence).demand is not None
    with open_session(people.staff, reading=True) as session:
        bare = packs.submission(session, claim.claim_no, [licence], letter=False)
    assert (bare.demand, bare.no_letter) == (None, 'unwanted')


def test_what_is_rejected_while_a_pack_is_made_is_not_submitted(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    uuids = [sent(people.dana, claim, 'vehicle_licence', name, name) for name in ('01', '02')]
    made = planned(people.staff, claim)
    sent(people.dana, claim, 'vehicle_licence', '03', '03')
    kept(people.staff, made)
    with open_session(people.staff2) as session:
        documents.reject(session, uuids[0], 'not_signed', now())
    with pytest.raises(ClaimError, match='documents changed'):
        kept(people.staff, made)


def test_packs_are_the_bureaus_and_an_office_hears_nothing_of_them(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    for name in ('01', '02'):
        sent(people.dana, claim, 'vehicle_licence', name, name)
    made = planned(people.staff, claim)
    pack = kept(people.staff, made)
    for actor in (people.dana, people.manager, people.rival):
        with open_session(actor, reading=True) as session:
            assert fetch(session, packs.packs_of(claim.id)) == []
            assert fetch_one(session, packs.pack_with(pack.uuid)) is None
            assert 'pack' not in [change.kind for change in fetch(session, history_of(claim.id))]
        with pytest.raises(ClaimError):
            planned(actor, claim)
        with pytest.raises(ClaimError):
            kept(actor, made)
    with open_session(people.staff2, reading=True) as session:
        [told] = [change for change in fetch(session, history_of(claim.id)) if change.kind == 'pack']
        assert (told.internal, told.quiet, told.fields['pages']) == (True, True, [None, 4])
        assert len(list(session.scalars(select(Document)))) == 2
