"""The matrix learns: what insurers keep asking for is kept with the claims, proposed once it is enough, and decided by an admin."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from db import documents, requirements
from db.base import now
from db.changes import history_of
from db.claims import SENT_BACK, Claim, change_status
from db.documents import DeclinedRequirement, DocumentNeed, DocumentRequirement
from db.proposals import Proposal, approve, counted, decline, proposals
from db.reference import Insurer
from db.requirements import ChecklistItem
from db.scope import Actor
from db.session import fetch, open_session
from db.texts import ClaimError
from tests.conftest import People
from tests.db.test_documents import insurer, item, items_of, stored, upload
from tests.factories import SYSTEM, make_claim

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
VAT = 'vat_confirmation'


def submitted(people: People, code: str = 'phoenix', track: str = 'private_report', **more: Any) -> Claim:
    more = {'status': 'submitted', 'tp_insurer': insurer(code), 'track': track, **more}
    return make_claim(people.levi, people.staff, **more)


def sent_back(actor: Actor, claim: Claim, *asked: str, seen: str = 'submitted', reason: str = '') -> Claim:
    with open_session(actor) as session:
        return requirements.send_back(session, claim.id, seen, asked, AT, reason=reason)


def asked_in(people: People, many: int, *asked: str, **more: Any) -> list[Claim]:
    return [sent_back(people.staff, submitted(people, **more), *asked) for _ in range(many)]


def proposed(actor: Actor) -> list[Proposal]:
    with open_session(actor, reading=True) as session:
        return proposals(session, counted(session))


def lines_of(items: Sequence[ChecklistItem], kind: str) -> list[ChecklistItem]:
    return [item for item in items if item.type.id == kind]


def told_of(claim: Claim, actor: Actor) -> list[tuple[str, Any]]:
    with open_session(actor, reading=True) as session:
        record = fetch(session, history_of(claim.id))
        return [(row.kind, row.fields['type'][1]) for row in record if row.kind.startswith('document.')]


# ---- what the insurer asked for ---------------------------------------------------------------------------------------------


def test_what_the_insurer_asks_for_is_missing_from_then_on_and_the_history_says_who_asked(people: People) -> None:
    claim = submitted(people)
    before = stored(claim).missing_documents
    sent_back(people.staff, claim, 'claims_history', VAT)
    fresh = stored(claim)
    assert (fresh.status, fresh.sent_back_at, fresh.missing_documents) == (SENT_BACK, AT, before + 2)
    assert fresh.status_reason == 'עבר ביטוחי (3 שנים), אישור רו"ח – מע"מ', 'what was ticked is why'
    asked = item(people.dana, claim, VAT)
    assert (asked.missing, asked.asked, asked.from_office) == (True, True, True), 'the agent reads it'
    assert told_of(claim, people.dana) == [('document.asked', VAT), ('document.asked', 'claims_history')]
    upload(people.dana, claim, VAT, need_id=asked.need_id)
    assert stored(claim).missing_documents == before + 1


def test_a_reason_of_ones_own_stays_and_a_second_tick_changes_nothing(people: People) -> None:
    claim = submitted(people)
    sent_back(people.staff, claim, VAT, reason='טלפון מהמסלקת')
    assert stored(claim).status_reason == 'טלפון מהמסלקת'
    sent_back(people.staff, claim, VAT, 'police_report', seen=SENT_BACK)
    assert stored(claim).status_reason == 'טלפון מהמסלקת'
    assert sorted(told_of(claim, people.dana)) == [('document.asked', 'police_report'), ('document.asked', VAT)]
    with pytest.raises(ClaimError):
        sent_back(people.staff, submitted(people))  # nothing ticked: then one says why


def test_what_is_needed_anyway_is_kept_as_asked_and_stands_in_the_checklist_once(people: People) -> None:
    claim = submitted(people)
    upload(people.staff, claim, 'repair_invoice')
    before = stored(claim).required_documents
    sent_back(people.staff, claim, 'repair_invoice', 'bank_details')
    assert stored(claim).required_documents == before
    for kind, state in (('repair_invoice', 'received'), ('bank_details', 'required')):
        [line] = lines_of(items_of(people.staff, claim), kind)
        assert (line.asked, line.need_id, line.state) == (True, None, state)
    assert ('document.asked', 'repair_invoice') in told_of(claim, people.staff)


def test_what_was_waived_or_asked_for_by_the_bureau_is_now_the_insurers_wish(people: People) -> None:
    claim = submitted(people)
    with open_session(people.staff) as session:
        requirements.waive(session, claim.id, 'bank_details', '', AT)
        requirements.require(session, claim.id, VAT, AT)
    sent_back(people.staff, claim, 'bank_details', VAT)
    for kind in ('bank_details', VAT):
        [line] = lines_of(items_of(people.staff, claim), kind)
        assert (line.missing, line.asked, line.waived) == (True, True, False)
    with open_session(people.staff) as session:
        requirements.waive(session, claim.id, 'bank_details', 'כבר אצלם', AT)
    [line] = lines_of(items_of(people.staff, claim), 'bank_details')
    assert (line.missing, line.waived) == (False, True)


def test_one_ticks_what_an_insurer_may_ask_for_and_reads_what_the_claim_needs_already(people: People) -> None:
    claim = sent_back(people.staff, submitted(people), VAT)
    with open_session(people.staff, reading=True) as session:
        offered = {kind.type.id: kind for kind in requirements.askable(session, claim.id)}
    assert (offered[VAT].required, offered[VAT].asked) == (True, True)
    assert (offered['bank_details'].required, offered['bank_details'].asked) == (True, False)
    assert not offered['towing_invoice'].required
    assert offered.keys().isdisjoint({documents.FREE_TYPE, 'rejection_letter', 'cheque_image', 'counter_appraisal'})
    for nonsense in ('rejection_letter', documents.FREE_TYPE, 'x'):
        with pytest.raises(ClaimError):
            sent_back(people.staff, claim, nonsense, seen=SENT_BACK)
    with pytest.raises(ClaimError), open_session(people.dana) as session:
        requirements.askable(session, claim.id)


# ---- proposals --------------------------------------------------------------------------------------------------------------


def test_what_three_claims_were_sent_back_for_is_proposed(people: People) -> None:
    claims = asked_in(people, 2, 'claims_history')
    assert proposed(people.admin) == []
    sent_back(people.staff, claims[0], 'claims_history', seen=SENT_BACK, reason='שוב')
    assert proposed(people.admin) == [], 'twice in one claim is one claim'
    asked_in(people, 1, 'claims_history', code='harel')
    asked_in(people, 1, 'claims_history', track='settlement')
    assert proposed(people.admin) == [], 'another insurer and another track teach nothing'
    claims += asked_in(people, 1, 'claims_history')
    [one] = proposed(people.admin)
    assert (one.type, one.track, one.insurer, one.flag, one.claims) == (
        *('claims_history', 'private_report', insurer('phoenix'), None, 3),
    )
    assert list(one.named) == [claim.claim_no for claim in reversed(claims)]


def test_what_the_matrix_wants_and_what_was_taken_back_is_not_proposed(people: People) -> None:
    asked_in(people, 3, 'bank_details')
    asked_in(people, 3, 'towing_invoice', towing_claimed=True)  # there it was wanted, though not everywhere
    claims = asked_in(people, 3, 'police_report')
    with open_session(people.staff) as session:
        need = session.scalars(select(DocumentNeed).where(DocumentNeed.claim_id == claims[0].id)).one()
        requirements.withdraw(session, claims[0].id, need.id, AT)
    assert proposed(people.admin) == []


def test_a_wish_of_businesses_only_is_proposed_for_businesses(people: People) -> None:
    asked_in(people, 3, 'claims_history', business_owner=True)
    assert proposed(people.admin)[0].flag == 'business_owner'
    asked_in(people, 1, 'claims_history')
    assert proposed(people.admin)[0].flag is None


def test_approved_it_is_in_the_matrix_and_new_claims_need_it(people: People) -> None:
    asked = asked_in(people, 3, 'claims_history')
    [one] = proposed(people.admin)
    with open_session(people.admin) as session:
        approve(session, one.key, now())
    assert proposed(people.admin) == []
    assert item(people.staff, submitted(people), 'claims_history').missing
    assert not lines_of(items_of(people.staff, submitted(people, 'harel')), 'claims_history')
    [line] = lines_of(items_of(people.staff, asked[0]), 'claims_history')
    assert (line.missing, line.asked) == (True, True), 'there it is one line, not two'
    with pytest.raises(ClaimError), open_session(people.admin) as session:
        approve(session, one.key, now())


def test_a_line_that_said_no_says_yes_after_the_approval(people: People) -> None:
    said = {'type': 'police_report', 'track': 'private_report', 'insurer': insurer('phoenix')}
    with open_session(people.admin) as session:
        session.add(DocumentRequirement(**said, required=False))
    asked_in(people, 3, 'police_report')
    [one] = proposed(people.admin)
    with open_session(people.admin) as session:
        approve(session, one.key, now())
    with open_session(SYSTEM, reading=True) as session:
        lines = select(DocumentRequirement).where(DocumentRequirement.insurer == insurer('phoenix'))
        assert [line.required for line in fetch(session, lines)] == [True]


def test_claims_without_a_track_speak_for_every_track(people: People) -> None:
    asked_in(people, 3, 'police_report', track='undecided')
    [one] = proposed(people.admin)
    with open_session(people.admin) as session:
        approve(session, one.key, now())
    assert proposed(people.admin) == []
    assert item(people.staff, submitted(people, track='settlement'), 'police_report').missing


def test_declined_it_is_proposed_again_after_three_more(people: People) -> None:
    asked_in(people, 4, 'claims_history')
    for known in (4, 7):
        [one] = proposed(people.admin)
        assert one.claims == known
        with open_session(people.admin) as session:
            decline(session, one.key, now())
        asked_in(people, 2, 'claims_history')
        assert proposed(people.admin) == []
        asked_in(people, 1, 'claims_history')
    with open_session(SYSTEM, reading=True) as session:
        assert session.scalar(select(func.count(DeclinedRequirement.id))) == 1


def test_nobody_but_an_admin_reads_or_decides(people: People) -> None:
    asked_in(people, 3, 'claims_history')
    [one] = proposed(people.admin)
    for actor in (people.staff, people.manager, people.dana):
        with pytest.raises(ClaimError):
            proposed(actor)
        for order in (approve, decline):
            with pytest.raises(ClaimError), open_session(actor) as session:
                order(session, one.key, now())
    assert proposed(people.admin) == [one]


def test_what_was_counted_before_is_weighed_by_what_stands_now(people: People) -> None:
    asked_in(people, 3, 'claims_history')
    asked_in(people, 3, VAT, code='harel')
    asked_in(people, 3, 'police_report', code='menora')
    with open_session(people.admin, reading=True) as session:
        before = counted(session)
    asked_in(people, 1, VAT, code='harel')
    with open_session(people.admin) as session:
        approve(session, f'{insurer("phoenix")}:private_report:claims_history', now())
        decline(session, f'{insurer("harel")}:private_report:{VAT}', now())
        session.get_one(Insurer, insurer('menora')).active = False
    for known in (before, None):
        with open_session(people.admin, reading=True) as session:
            assert proposals(session, known or counted(session)) == []
    with open_session(SYSTEM, reading=True) as session:
        assert session.scalars(select(DeclinedRequirement)).one().claims == 4, 'who decides counts anew'


@pytest.mark.parametrize(
    'key', ['', 'x', '1:2', '1:2:3:4', '9999999999:private_report:x', '1:\x00:x', '٣:private_report:x']
)
def test_what_is_no_key_is_not_there(people: People, key: str) -> None:
    for order in (approve, decline):
        with pytest.raises(ClaimError), open_session(people.admin) as session:
            order(session, key, now())


def test_a_claim_that_was_sent_back_by_any_way_is_not_whole(people: People) -> None:
    ticked, plain = submitted(people), submitted(people)
    sent_back(people.staff, ticked, VAT)
    with open_session(people.staff) as session:
        change_status(session, plain.id, SENT_BACK, 'הבהרה', 'submitted', AT)
    assert [stored(claim).sent_back_at for claim in (ticked, plain)] == [AT, AT]
