"""Documents: the checklist follows track, insurer and flags; the claim's axis follows the documents; rights and the record hold."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from db import changes, documents, list_state, lists, requirements
from db.base import now
from db.claims import Claim, save_fields
from db.documents import Arrived, Document, DocumentRequirement, DocumentView, Filed, Slot
from db.reference import Insurer
from db.requirements import ChecklistItem
from db.scope import Actor, Role, Unscoped
from db.session import fetch, fetch_one, open_session
from db.texts import ClaimError
from tests.conftest import People
from tests.factories import SYSTEM, make_claim, make_user

MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
FOR_EVERY_TRACK = {
    *('accident_notice', 'vehicle_licence', 'driving_licence', 'damage_photos'),
    *('no_claim_confirmation', 'power_of_attorney'),
}


def arrived(name: str = 'scan.pdf', content: bytes | None = None) -> Arrived:
    content = name.encode() if content is None else content
    digest = hashlib.sha256(content).hexdigest()
    return Arrived(name, name, 'application/pdf', len(content), digest, len(content), digest, pages=1)


def upload(actor: Actor, claim: Claim, kind: str, name: str = 'scan.pdf', **slot: Any) -> Filed:
    with open_session(actor) as session:
        return documents.attach(session, claim.id, arrived(name), Slot(kind, **slot), now())


def items_of(actor: Actor, claim: Claim) -> list[ChecklistItem]:
    with open_session(actor, reading=True) as session:
        return requirements.checklist(session, session.get_one(Claim, claim.id))


def item(actor: Actor, claim: Claim, kind: str) -> ChecklistItem:
    return next(item for item in items_of(actor, claim) if item.type.id == kind)


def required(items: Sequence[ChecklistItem]) -> set[str]:
    return {item.type.id for item in items if item.required}


def stored(claim: Claim) -> Claim:
    with open_session(SYSTEM, reading=True) as session:
        return session.get_one(Claim, claim.id)


def set_fields(actor: Actor, claim: Claim, **wanted: Any) -> None:
    fresh = stored(claim)
    with open_session(actor) as session:
        save_fields(session, claim.id, {name: (getattr(fresh, name), value) for name, value in wanted.items()}, now())


def insurer(code: str) -> int:
    with open_session(SYSTEM, reading=True) as session:
        return next(row.id for row in fetch(session, select(Insurer)) if row.code == code)


# ---- the checklist ----------------------------------------------------------------------------------------------------------


def test_a_new_claim_tells_at_once_what_is_missing(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    items = items_of(people.dana, claim)
    assert required(items) == FOR_EVERY_TRACK
    assert all(item.missing and item.state == 'required' for item in items if item.required)
    assert {item.type.id for item in items if item.missing and item.from_office} == FOR_EVERY_TRACK - {
        'no_claim_confirmation'
    }
    fresh = stored(claim)
    assert (fresh.documents, fresh.required_documents, fresh.missing_documents) == ('missing_blocking', 6, 6)


def test_the_checklist_follows_track_insurer_and_flags(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    private = FOR_EVERY_TRACK | {
        *('appraisal_report', 'appraiser_fee_invoice', 'repair_invoice', 'demand_letter', 'bank_details'),
    }
    set_fields(people.staff, claim, track='private_report')
    assert required(items_of(people.staff, claim)) == private
    set_fields(people.staff, claim, own_policy_used=True)
    private = private - {'no_claim_confirmation'} | {'loss_confirmation'}
    assert required(items_of(people.staff, claim)) == private
    set_fields(people.staff, claim, tp_insurer=insurer('shlomo'), total_loss=True, business_owner=True)
    private = private - {'repair_invoice'} | {'claims_history', 'vat_confirmation'}
    assert required(items_of(people.staff, claim)) == private
    assert stored(claim).missing_documents == len(private)
    set_fields(people.staff, claim, track='settlement', total_loss=None, business_owner=False, own_policy_used=False)
    assert required(items_of(people.staff, claim)) == FOR_EVERY_TRACK | {'settlement_request_form'}


def test_the_most_particular_line_of_the_matrix_decides(people: People) -> None:
    claim = make_claim(people.levi, people.staff, tp_insurer=insurer('harel'))
    with open_session(people.admin) as session:
        session.add(DocumentRequirement(type='driving_licence', insurer=insurer('harel'), required=False))
        session.add(DocumentRequirement(type='power_of_attorney', insurer=insurer('harel'), blocking=True))
    assert 'driving_licence' not in required(items_of(people.staff, claim))
    assert item(people.staff, claim, 'power_of_attorney').blocking
    with pytest.raises(ClaimError), open_session(people.staff) as session:
        session.add(DocumentRequirement(type='driving_licence'))


def test_a_document_walks_from_required_to_accepted_and_the_claim_follows(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    sent = {kind: upload(people.dana, claim, kind, f'{kind}.pdf').document for kind in sorted(FOR_EVERY_TRACK)}
    assert {item.state for item in items_of(people.dana, claim) if item.required} == {'received'}
    assert stored(claim).documents == 'complete'
    with open_session(people.staff) as session:
        documents.accept(session, sent['vehicle_licence'].uuid, MONDAY)
        documents.reject(session, sent['driving_licence'].uuid, 'unreadable_scan', MONDAY)
    licence = item(people.dana, claim, 'driving_licence')
    assert (licence.state, licence.reason, licence.missing) == ('rejected', 'unreadable_scan', True)
    assert item(people.dana, claim, 'vehicle_licence').state == 'accepted'
    assert (stored(claim).documents, stored(claim).missing_documents) == ('missing', 1)
    with open_session(people.staff) as session:
        documents.reject(session, sent['damage_photos'].uuid, 'התמונה חשוכה', MONDAY)
    assert stored(claim).documents == 'missing_blocking'


def test_what_others_sent_since_a_moment_is_new_and_ones_own_is_not(people: People) -> None:
    claim, before = make_claim(people.levi, people.staff), now()
    upload(people.dana, claim, 'vehicle_licence')

    def is_new_to(reader: Actor, since: datetime = before) -> bool:
        with open_session(reader, reading=True) as session:
            return documents.are_new_to(reader, documents.newest_by_sender(session, claim.id), since)

    assert [is_new_to(reader) for reader in (people.dana, people.staff, people.manager, people.rival)] == [
        *(False, True, True, False),
    ]
    assert not is_new_to(people.staff, now())


def test_an_answered_request_closes_for_everybody(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    upload(people.dana, claim, 'vehicle_licence')
    for actor in (people.dana, people.yossi, people.staff):
        assert not item(actor, claim, 'vehicle_licence').missing


def test_staff_waive_require_and_ask_beyond_the_matrix(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    with open_session(people.staff) as session:
        requirements.waive(session, claim.id, 'driving_licence', 'הרכב חנה', MONDAY)
        requirements.require(session, claim.id, 'police_report', MONDAY, blocking=True)
        need = requirements.ask_for(session, claim.id, 'אישור מסירת רכב', MONDAY)
    with open_session(people.staff) as session:  # once more, because no answer came
        assert requirements.ask_for(session, claim.id, 'אישור מסירת רכב ', MONDAY).id == need.id
    waived = item(people.dana, claim, 'driving_licence')
    assert (waived.state, waived.reason, waived.missing) == ('not_required', 'הרכב חנה', False)
    assert item(people.dana, claim, 'police_report').missing
    asked = item(people.dana, claim, 'other_required')
    assert (asked.label_in('he'), asked.missing) == ('אישור מסירת רכב', True)
    assert stored(claim).missing_documents == 7
    upload(people.dana, claim, 'other_required', need_id=need.id)
    assert not item(people.dana, claim, 'other_required').missing
    with open_session(people.staff) as session:
        requirements.require(session, claim.id, 'driving_licence', MONDAY)
        requirements.withdraw(session, claim.id, need.id, MONDAY)
    assert item(people.dana, claim, 'driving_licence').missing
    left = item(people.dana, claim, 'other_required')
    assert (left.required, left.state) == (False, 'received'), 'what came stays visible'


def test_what_an_import_opens_stays_unchecked_until_somebody_checks(people: People) -> None:
    claim = make_claim(people.levi, SYSTEM)
    assert stored(claim).documents == 'unchecked'
    set_fields(people.staff, claim, track='private_report')
    assert stored(claim).documents == 'unchecked'
    with open_session(people.staff) as session:
        requirements.recheck(session, claim.id)
    assert stored(claim).documents == 'missing_blocking'


def test_the_list_finds_the_claims_with_something_missing(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    whole = make_claim(people.levi, people.staff, plate='1234567')
    for kind in FOR_EVERY_TRACK:
        upload(people.staff, whole, kind, kind)
    imported = make_claim(people.levi, SYSTEM, plate='7654321')
    with open_session(people.dana, reading=True) as session:
        found = {
            wanted: {
                row.claim_id for row in lists.page_of(session, list_state.ListState.read({'documents': wanted})).rows
            }
            for wanted in ('missing', 'missing_blocking', 'complete', 'unchecked', "'; --")
        }
    assert found['missing'] == found['missing_blocking'] == {claim.id}
    assert found['complete'] == {whole.id}
    assert found['unchecked'] == {imported.id}
    assert found["'; --"] == {claim.id, whole.id, imported.id}
    assert list_state.ListState(documents=('missing',)).address() == 'documents=missing'


# ---- versions, duplicates, trash --------------------------------------------------------------------------------------------


def test_a_new_version_takes_the_place_of_the_old_which_stays(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    first = upload(people.dana, claim, 'appraisal_report', 'v1').document
    with open_session(people.staff) as session:
        documents.reject(session, first.uuid, 'page_missing', MONDAY)
    second = upload(people.yossi, claim, 'damage_photos', 'v2', replaces=first.uuid).document
    assert (second.version, second.type, second.replaces) == (2, 'appraisal_report', first.id)
    report = item(people.dana, claim, 'appraisal_report')
    assert (report.state, [document.id for document in report.documents]) == ('received', [second.id])
    with open_session(people.dana, reading=True) as session:
        assert [row.version for row in fetch(session, documents.documents_of(claim.id))] == [2, 1]
    with open_session(people.yossi) as session:
        documents.remove(session, second.uuid, MONDAY)
    assert item(people.dana, claim, 'appraisal_report').documents[0].id == first.id, (
        'without the new one the old one counts'
    )


def test_the_same_file_is_named_and_not_kept_twice_in_one_place(people: People) -> None:
    claim, other = make_claim(people.levi, people.staff), make_claim(people.levi, people.staff, plate='1234567')
    foreign = make_claim(people.cohen, people.staff, plate='1234568')
    first = upload(people.dana, claim, 'vehicle_licence')
    assert (first.added, first.duplicate_of) == (True, None)
    again = upload(people.yossi, claim, 'vehicle_licence')
    assert not again.added
    assert again.duplicate_of is not None
    assert again.document.uuid == first.document.uuid
    for where, kind in ((claim, 'driving_licence'), (other, 'vehicle_licence')):
        elsewhere = upload(people.yossi, where, kind)
        assert elsewhere.added
        assert elsewhere.duplicate_of is not None
    assert upload(people.rival, foreign, 'vehicle_licence').duplicate_of is None, 'another office learns nothing'


def test_the_uploader_and_the_bureau_remove_and_restore_and_nobody_else(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    document = upload(people.dana, claim, 'vehicle_licence').document
    for stranger in (people.yossi, people.manager):
        with pytest.raises(ClaimError), open_session(stranger) as session:
            documents.remove(session, document.uuid, MONDAY)
    with open_session(people.dana) as session:
        documents.remove(session, document.uuid, MONDAY)
    assert stored(claim).missing_documents == 6
    with open_session(people.dana, reading=True) as session:
        assert fetch(session, documents.documents_of(claim.id)) == []
        assert [row.deleted_by for row in fetch(session, documents.trash_of(claim.id))] == [people.dana.name]
    with pytest.raises(ClaimError), open_session(people.staff) as session:
        documents.accept(session, document.uuid, MONDAY)
    with open_session(people.staff) as session:
        documents.restore(session, document.uuid)
    assert stored(claim).missing_documents == 5


def test_what_is_put_aside_for_a_form_comes_to_the_claim_as_it_is_kept_and_is_given_up_otherwise(
    people: People,
) -> None:
    claim = make_claim(people.levi, people.staff)
    before = stored(claim)
    taken, dropped = (upload(people.staff, claim, 'vehicle_licence', name, aside=True).document for name in 'ab')
    assert (stored(claim).seq, stored(claim).missing_documents) == (before.seq, before.missing_documents)
    with open_session(people.staff, reading=True) as session:
        assert fetch(session, documents.documents_of(claim.id)) == []
        assert fetch(session, documents.trash_of(claim.id)) == [], 'nobody threw it away'
    for _ in range(2):
        with open_session(people.staff) as session:
            documents.keep(session, taken.uuid, now())
    with open_session(people.dana, reading=True) as session:
        told = session.scalars(changes.history_of(claim.id)).all()
        assert [row.uuid for row in fetch(session, documents.documents_of(claim.id))] == [taken.uuid]
    assert [row.kind for row in told if row.kind.startswith('document')] == ['document.added']
    assert (stored(claim).seq > before.seq, stored(claim).missing_documents) == (True, before.missing_documents - 1)
    assert purge(now()) == 1
    with pytest.raises(ClaimError), open_session(people.staff) as session:
        documents.keep(session, dropped.uuid, now())
    with open_session(people.dana, reading=True) as session:
        assert len(session.scalars(changes.history_of(claim.id)).all()) == len(told), 'no word of what was not kept'


# ---- rights, scope, record --------------------------------------------------------------------------------------------------


def test_agents_do_not_judge_and_readers_only_read(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    document = upload(people.dana, claim, 'vehicle_licence').document
    reader = make_user('עדי צופה', Role.READ_ONLY, people.levi)
    for refused in (
        lambda session: documents.accept(session, document.uuid, MONDAY),
        lambda session: documents.reject(session, document.uuid, 'not_signed', MONDAY),
        lambda session: documents.retype(session, document.uuid, 'driving_licence'),
        lambda session: requirements.waive(session, claim.id, 'vehicle_licence', '', MONDAY),
        lambda session: requirements.ask_for(session, claim.id, 'x', MONDAY),
        lambda session: requirements.recheck(session, claim.id),
    ):
        with pytest.raises(ClaimError), open_session(people.dana) as session:
            refused(session)
    with pytest.raises(ClaimError):
        upload(reader, claim, 'vehicle_licence', 'another')
    with open_session(reader, reading=True) as session:
        assert len(fetch(session, documents.documents_of(claim.id))) == 1


def test_another_office_finds_nothing(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    document = upload(people.dana, claim, 'vehicle_licence').document
    with open_session(people.rival, reading=True) as session:
        assert fetch_one(session, documents.document_with(document.uuid)) is None
        assert fetch(session, documents.documents_of(claim.id)) == []
    for order in (
        lambda session: documents.attach(session, claim.id, arrived('x'), Slot('vehicle_licence'), now()),
        lambda session: documents.remove(session, document.uuid, MONDAY),
    ):
        with pytest.raises(ClaimError), open_session(people.rival) as session:
            order(session)
    own = make_claim(people.cohen, people.staff, plate='1234567')
    with pytest.raises(ClaimError, match='not found'):
        upload(people.rival, own, 'vehicle_licence', 'x', replaces=document.uuid)


def test_hostile_slots_are_refused_in_words(people: People) -> None:
    claim, other = make_claim(people.levi, people.staff), make_claim(people.levi, people.staff, plate='1234567')
    with open_session(people.staff) as session:
        need = requirements.ask_for(session, other.id, 'דבר אחר', MONDAY)
    for slot in (
        {'kind': 'nonsense'},
        {'kind': 'other_required', 'need_id': need.id},
        {'kind': 'x', 'replaces': 'nope'},
    ):
        with pytest.raises(ClaimError):
            upload(people.dana, claim, **slot)


def test_every_step_stands_in_the_record_and_moves_the_row(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    document = upload(people.dana, claim, 'vehicle_licence').document
    with open_session(people.staff) as session:
        documents.reject(session, document.uuid, 'not_signed', MONDAY)
    with open_session(people.staff) as session:
        documents.retype(session, document.uuid, 'driving_licence')
    with open_session(people.staff) as session:
        documents.accept(session, document.uuid, MONDAY)
    with open_session(people.dana) as session:
        documents.remove(session, document.uuid, MONDAY)
    with open_session(people.dana, reading=True) as session:
        history = fetch(session, changes.history_of(claim.id))
    told = [change.kind for change in reversed(history) if change.kind.startswith('document.')]
    assert told == [
        *('document.added', 'document.rejected', 'document.retyped'),
        *('document.accepted', 'document.removed'),
    ]
    rejected = next(change for change in history if change.kind == 'document.rejected')
    assert rejected.fields['reason'] == [None, 'not_signed']
    assert rejected.fields['document'] == [None, document.uuid]
    assert stored(claim).seq == history[0].id


def test_drawing_the_pages_is_no_news(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    document = upload(people.dana, claim, 'vehicle_licence').document
    before = stored(claim).seq
    with open_session(SYSTEM) as session:
        waiting = fetch(session, documents.waiting_for_previews(now() + timedelta(minutes=1)))
        assert [row.id for row in waiting] == [document.id]
        documents.mark_previews(session, document.id, 'ready')
    assert stored(claim).seq == before


def test_who_saw_a_document_is_for_the_bureau(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    document = upload(people.dana, claim, 'vehicle_licence').document
    with open_session(people.yossi) as session:
        documents.note_views(session, [document], 'downloaded', MONDAY)
    with open_session(people.staff, reading=True) as session:
        seen = fetch(session, documents.views_of(document.id))
    assert [(view.by, view.how, view.at) for view in seen] == [(people.yossi.name, 'downloaded', MONDAY)]
    with open_session(people.yossi, reading=True) as session:
        assert fetch(session, documents.views_of(document.id)) == []
    with pytest.raises(Unscoped), open_session(people.rival) as session:
        documents.note_views(session, [document], 'downloaded', MONDAY)


def test_a_claim_has_room_for_what_is_real(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = make_claim(people.levi, people.staff)
    monkeypatch.setattr(documents, 'MOST_FILES', 2)
    upload(people.dana, claim, 'damage_photos', '1')
    upload(people.dana, claim, 'damage_photos', '2')
    with pytest.raises(ClaimError, match='room'):
        upload(people.dana, claim, 'damage_photos', '3')
    monkeypatch.setattr(documents, 'MOST_BYTES', 100)
    with pytest.raises(ClaimError, match='room'), open_session(people.dana, reading=True) as session:
        documents.check_room(session, claim.claim_no, 101, Slot('damage_photos'))


def test_two_uploads_at_once_count_both(people: People, database_url: str) -> None:
    claim = make_claim(people.levi, people.staff)
    import threading  # noqa: PLC0415

    kinds = sorted(FOR_EVERY_TRACK)
    threads = [threading.Thread(target=upload, args=(people.dana, claim, kind, kind)) for kind in kinds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (stored(claim).documents, stored(claim).missing_documents) == ('complete', 0)


def test_files_that_some_document_needs_are_known(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    document: Document = upload(people.dana, claim, 'vehicle_licence').document
    with open_session(SYSTEM, reading=True) as session:
        assert documents.hashes_in_use(session, [document.sha256, 'ab' * 32]) == {document.sha256}


def test_nobody_records_a_look_in_another_persons_name(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    document = upload(people.dana, claim, 'vehicle_licence').document
    with pytest.raises(Unscoped), open_session(people.staff) as session:
        documents.note_views(session, [document], 'downloaded', now())
        next(row for row in session.new if isinstance(row, DocumentView)).user_id = people.dana.user_id
    with open_session(people.staff) as session:
        documents.note_views(session, [document], 'downloaded', now())
    with open_session(people.staff, reading=True) as session:
        assert [view.user_id for view in fetch(session, documents.views_of(document.id))] == [people.staff.user_id]


# ---- the end of the trash ---------------------------------------------------------------------------------------------------


def purge(before: datetime) -> int:
    with open_session(SYSTEM) as session:
        return documents.purge_trash(session, before, 10, now())


def test_what_was_purged_is_gone_for_everybody_and_its_row_tells_that_it_was_there(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    document = upload(people.dana, claim, 'vehicle_licence').document
    with open_session(people.dana) as session:
        documents.remove(session, document.uuid, now())
    assert purge(now() - timedelta(days=30)) == 0
    seq = stored(claim).seq
    assert purge(now()) == 1
    assert purge(now()) == 0
    for actor in (people.dana, people.staff):
        with open_session(actor, reading=True) as session:
            assert fetch(session, documents.trash_of(claim.id)) == []
            assert fetch_one(session, documents.document_with(document.uuid)) is None
        with pytest.raises(ClaimError), open_session(actor) as session:
            documents.restore(session, document.uuid)
    with open_session(people.dana, reading=True) as session:
        assert documents.hashes_in_use(session, [document.sha256]) == set()
        kept = session.get_one(Document, document.id)
        assert (kept.deleted_by, kept.title) == (people.dana.name, 'scan.pdf')
        told = session.scalars(changes.history_of(claim.id).limit(1)).one()
    assert (told.kind, told.quiet, stored(claim).seq) == ('document.purged', True, seq)
    assert upload(people.dana, claim, 'vehicle_licence').added


def test_a_file_that_another_document_is_made_of_stays_in_use(people: People) -> None:
    claim = make_claim(people.levi, people.staff)
    first = upload(people.dana, claim, 'vehicle_licence').document
    upload(people.dana, claim, 'driving_licence')
    with open_session(people.dana) as session:
        documents.remove(session, first.uuid, now())
    purge(now())
    with open_session(people.dana, reading=True) as session:
        assert documents.hashes_in_use(session, [first.sha256]) == {first.sha256}


def test_what_was_brought_back_in_the_last_moment_is_not_purged(people: People) -> None:
    document = upload(people.dana, make_claim(people.levi, people.staff), 'vehicle_licence').document
    with open_session(people.dana) as session:
        documents.remove(session, document.uuid, now())
    with open_session(people.dana) as session:
        documents.restore(session, document.uuid)
    assert purge(now()) == 0
