"""The claim page as two people have it open: what staff save, others see at once, field by field; and nobody else does."""

import asyncio
import re
from datetime import date
from functools import partial
from threading import Event
from typing import Any

import pytest
from fastapi import FastAPI
from nicegui import binding

from components import live
from components.claim_head import ClaimActions, ClaimHead
from components.claim_panels import ChangesBar, NoteBox
from components.claim_reading import Arrival, arrive, read
from components.claim_watch import ClaimWatchMenu
from components.documents_panel import DocumentsPanel
from components.doubts_card import DoubtsCard
from components.history_panel import HistoryFilters
from components.links_panel import LinksPanel
from components.messages_panel import MessagesPanel
from components.repair_tracker import RepairTracker
from components.undo_toast import UndoToast
from db import alert_choices, alerts
from db.base import now
from db.calls import CallNote, log_call
from db.changes import history_of
from db.claims import Claim, change_status, mark_checked, save_fields
from db.links import create_link, links_of, revoke_link
from db.list_state import ListState
from db.messages import Letter, ThreadKey, conversation, notes_of, write_message
from db.reference import Garage, RepairStage
from db.repairs import advance_repair, hold
from db.scope import Actor, Role
from db.seen_marks import SeenMark
from db.session import fetch, open_session
from db.texts import ClaimError
from tests import papers
from tests.conftest import People, made_once
from tests.factories import SYSTEM, make_claim, make_user
from tests.pages.conftest import EMAILS, Open, Opener, calm, shown_by
from tests.portal import signed_in
from tests.waiting import soon


@made_once
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, agent=people.dana.user_id, handler=people.staff.user_id)


def change(actor: Actor, claim: Claim, **fields: Any) -> None:
    with open_session(actor) as session:
        stored = session.get_one(Claim, claim.id)
        save_fields(session, claim.id, {name: (getattr(stored, name), value) for name, value in fields.items()}, now())


def shown_on(page: Open) -> Claim:
    shown: Claim = page.of(ClaimHead)[0]._claim
    return shown


async def test_what_staff_save_changes_exactly_those_fields_on_an_open_page(open_page: Opener, claim: Claim) -> None:
    manager, staff = await open_page('manager', claim), await open_page('staff', claim)
    await manager.open_tabs('history')
    before = manager.rows()
    await staff.save('insured_phone', '053-7654321')
    await staff.save('insured_address', 'הרצל 5, חיפה')
    await staff.save('status', 'approved_for_payment')
    await soon(lambda: manager.row('status').get('changed'))

    assert manager.row('insured_phone')['text'] == '053-7654321'
    assert manager.row('insured_phone')['before'] == '052-5550134'
    assert manager.row('insured_address')['text'] == 'הרצל 5, חיפה'
    after = manager.rows()
    # the next action follows a moment later, by the admin's rules
    changed = {name for name in after if after[name] != before.get(name)} - {'next_action', 'next_action_due'}
    assert changed == {'insured_phone', 'insured_address', 'status', 'waiting_on'}
    assert all(after[name].get('glow') for name in changed)
    head, bar = manager.of(ClaimHead)[0], manager.of(ChangesBar)[0]
    assert head.props['chip']['label'] == 'אושרה לתשלום'
    assert 'אושרה לתשלום' in manager.section('status')['explained']['title']
    assert bar.props['count'] == 4
    assert manager.html().count('data-testid="history-entry"') == 4
    assert manager.html().count('data-testid="timeline-entry"') == 4
    assert not staff.row('insured_phone').get('changed'), "one's own change is no news"
    assert staff.row('insured_phone')['state'] == 'saved'


async def test_every_shown_column_is_pushed_and_nothing_polls(open_page: Opener, claim: Claim) -> None:
    page = await open_page('staff', claim)
    assert not binding.active_links
    assert binding.bindings
    page.client.delete()
    assert not binding.bindings, 'a page that is gone leaves nothing behind'


async def test_a_change_made_elsewhere_reaches_the_page(open_page: Opener, claim: Claim, people: People) -> None:
    page = await open_page('dana', claim)
    with open_session(people.staff) as session:
        garage = Garage(name='מוסך גלבוע', phone='045550178')
        session.add(garage)
    change(people.staff, claim, garage=garage.id, repair_stage='paint', eta=date(2030, 1, 6))
    await soon(lambda: page.row('garage').get('text') == 'מוסך גלבוע')
    assert page.row('garage_phone')['text'] == '04-5550178', 'a garage that is new to the page'
    tracker = page.of(RepairTracker)[0]
    assert (tracker.props['now'], tracker.props['eta']['day']) == ('צבע', '06/01/2030')


def mark_of(actor: Actor, claim: Claim) -> int:
    with open_session(actor, reading=True) as session:
        mark = session.get(SeenMark, (actor.user_id, claim.id))
        return mark.seq if mark else -1


def seq_of(claim: Claim) -> int:
    with open_session(SYSTEM, reading=True) as session:
        return session.get_one(Claim, claim.id).seq


async def test_opening_is_reading_and_what_comes_later_waits_for_a_sign_of_the_browser(
    open_page: Opener, claim: Claim, people: People
) -> None:
    page = await open_page('dana', claim)
    head = page.of(ClaimHead)[0]
    assert mark_of(people.dana, claim) == seq_of(claim)
    first = head.props['drawn']
    change(people.staff, claim, policy_no='1')
    await soon(lambda: page.row('policy_no').get('text') == '1')
    await asyncio.sleep(0.1)
    assert mark_of(people.dana, claim) < seq_of(claim), 'the browser may be gone: nobody said that he saw it'
    page.send(head, 'seen', args=first)
    await asyncio.sleep(0.1)
    assert mark_of(people.dana, claim) < seq_of(claim), 'that was before'
    page.send(head, 'seen', args=head.props['drawn'])
    await soon(lambda: mark_of(people.dana, claim) == seq_of(claim))


async def test_no_more_is_seen_than_was_drawn(open_page: Opener, claim: Claim, people: People) -> None:
    page = await open_page('dana', claim)
    head = page.of(ClaimHead)[0]
    change(people.staff, claim, policy_no='1')
    await soon(lambda: page.row('policy_no').get('text') == '1')
    drawn = seq_of(claim)
    for hostile in (True, None, 'x', -1, 0, 1.5, drawn + 1, 10**30, [drawn], {'seq': drawn}):
        page.send(head, 'seen', args=hostile)
    await asyncio.sleep(0.1)
    assert mark_of(people.dana, claim) < drawn
    change(people.staff, claim, policy_no='2')
    await soon(lambda: page.row('policy_no').get('text') == '2')
    page.send(head, 'seen', args=drawn)
    await soon(lambda: mark_of(people.dana, claim) == drawn)
    assert drawn < seq_of(claim), 'the second change is still to be seen'


async def test_looking_writes_only_when_something_was_unseen(
    open_page: Opener, claim: Claim, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    visits: list[int] = []

    def counted(*args: Any, **kwargs: Any) -> int:
        visits.append(kwargs['up_to'])
        return alerts.visit(*args, **kwargs)

    monkeypatch.setattr('components.claim_page.visit', counted)
    page = await open_page('staff', claim)
    assert len(visits) == 1
    head = page.of(ClaimHead)[0]
    await page.save('policy_no', '77')
    await soon(lambda: head.props['drawn'] > visits[0])
    page.send(head, 'seen', args=head.props['drawn'])
    await asyncio.sleep(0.1)
    assert len(visits) == 1, "one's own change is seen already"
    before = head.props['drawn']
    change(people.staff2, claim, policy_no='78')
    await soon(lambda: head.props['drawn'] > before)
    await calm()
    page.send(head, 'seen', args=head.props['drawn'])
    await soon(lambda: mark_of(people.staff, claim) == head.props['drawn'])
    await calm()
    for _ in range(3):
        page.send(head, 'seen', args=head.props['drawn'])
        await asyncio.sleep(0.1)
    assert len(visits) == 2


async def test_arriving_reads_without_holding_up_those_who_write(claim: Claim, people: People) -> None:
    with open_session(people.dana, reading=True) as session:
        arrival = arrive(session, claim.claim_no, ListState())
    assert arrival is not None
    assert mark_of(people.dana, claim) == -1


async def test_what_changes_while_the_page_is_drawn_is_on_it(
    open_page: Opener, claim: Claim, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(*args: Any) -> Any:
        arrival = arrive(*args)
        change(people.staff, claim, policy_no='77-7')
        return arrival

    monkeypatch.setattr('components.claim_page.arrive', overtaken)
    page = await open_page('dana', claim)
    await soon(lambda: page.row('policy_no').get('text') == '77-7')
    assert mark_of(people.dana, claim) < seq_of(claim)


async def test_an_older_reading_does_not_overwrite_a_newer_one(
    open_page: Opener, claim: Claim, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await open_page('dana', claim)
    with open_session(people.dana, reading=True) as session:
        old = read(session, claim.id, 51)
    change(people.staff, claim, policy_no='77-7')
    await soon(lambda: page.row('policy_no').get('text') == '77-7')
    entries = len(page.everything())
    was_read = Event()

    def older(*_: Any) -> Any:
        was_read.set()
        return old

    monkeypatch.setattr('components.claim_reading.read', older)
    with open_session(people.staff) as session:
        mark_checked(session, claim.id, now())
    await soon(was_read.is_set)
    await asyncio.sleep(0.1)
    assert page.row('policy_no')['text'] == '77-7'
    assert len(page.everything()) == entries


async def test_the_changes_since_the_last_visit_are_marked_until_read(
    open_page: Opener, claim: Claim, people: People
) -> None:
    with open_session(people.dana) as session:
        alerts.visit(session, claim.id, now())
    change(people.staff, claim, policy_no='5-310')
    page = await open_page('dana', claim)
    bar = page.of(ChangesBar)[0]
    assert (bar.props['count'], bar.props['counted']) == (1, 'שינוי אחד')
    assert page.row('policy_no')['changed']
    page.send(bar, 'read')
    await soon(lambda: bar.props['count'] == 0)
    assert not page.row('policy_no').get('changed')
    again = await open_page('dana', claim)
    assert again.of(ChangesBar)[0].props['count'] == 0


async def test_what_cannot_be_saved_is_answered_with_a_reason(open_page: Opener, claim: Claim, people: People) -> None:
    page = await open_page('staff', claim)
    for name, raw, reason in (
        ('insured_phone', '12', 'אינו ישראלי'),
        ('event_date', '31/02/2026', 'אין תאריך כזה'),
        ('event_date', '01/01/2099', 'בעתיד'),
        ('insured_name', '  ', ''),
        ('demand_amount', 'אלף', 'אינו תקין'),
        ('tp_insurer', '9999', 'לבחור'),
        ('waiting_on', '', 'לבחור'),
        ('status', 'rejected', 'סיבה'),
        ('status', 'no_such', 'אינו בשימוש'),
        ('agent', str(make_user('צופה', Role.READ_ONLY, people.levi).user_id), 'לבחור'),
    ):
        before = page.row(name)['text']
        answer = await page.save(name, raw)
        assert answer['state'] == 'bad', name
        assert reason in answer['message']
        assert answer['message']
        assert answer['text'] == before, 'the page shows what is stored'
    assert (await page.save('policy_no', '77'))['state'] == 'saved', 'and goes on working'


async def test_a_doubt_is_asked_about_once(open_page: Opener, claim: Claim) -> None:
    page = await open_page('staff', claim)
    assert (await page.save('insured_id_no', '123456789'))['state'] == 'doubt'
    assert page.row('insured_id_no')['text'] == ''
    assert (await page.save('insured_id_no', '123456789', anyway=True))['state'] == 'saved'
    assert page.row('insured_id_no')['text'] == '123456789'


async def test_what_looks_wrong_is_shown_to_staff_until_somebody_looked(open_page: Opener, claim: Claim) -> None:
    page, other = await open_page('staff', claim), await open_page('staff2', claim)
    assert (await page.save('tp_plate', '217-34-801'))['state'] == 'doubt', 'the same plate on both sides'
    await page.save('tp_plate', '217-34-801', anyway=True)
    await soon(lambda: other.of(DoubtsCard)[0].props['doubts'])
    (doubt,) = other.of(DoubtsCard)[0].props['doubts']
    assert (doubt['field'], 'בשני הצדדים' in doubt['text']) == ('tp_plate', True)
    other.send(other.of(DoubtsCard)[0], 'right', 'no such')
    other.send(other.of(DoubtsCard)[0], 'right', doubt['id'])
    await soon(lambda: not page.of(DoubtsCard)[0].props['doubts'])
    dana = await open_page('dana', claim)
    await dana.open_tabs()
    assert dana.of(DoubtsCard) == []
    assert 'בשני הצדדים' not in dana.everything()


async def test_a_new_garage_is_added_when_one_insists(open_page: Opener, claim: Claim) -> None:
    page = await open_page('staff', claim)
    answer = await page.save('garage', 'מוסך העמק')
    assert (answer['state'], '״מוסך העמק״' in answer['message']) == ('doubt', True)
    assert (await page.save('garage', 'מוסך העמק', anyway=True))['state'] == 'saved'
    assert page.row('garage')['text'] == 'מוסך העמק'
    assert (await page.save('garage', ''))['text'] == ''
    await page.save('garage', ' מוסך  העמק ')
    with open_session(SYSTEM, reading=True) as session:
        assert len([1 for row in fetch(session, history_of(claim.id)) if 'garage' in row.fields]) == 3


async def test_a_status_with_a_reason_and_reopening(open_page: Opener, claim: Claim) -> None:
    page = await open_page('staff', claim)
    assert (await page.save('status', 'moved_to_legal', reason='אי תגובה'))['state'] == 'saved'
    assert page.row('status_reason')['text'] == 'אי תגובה'
    with open_session(SYSTEM, reading=True) as session:
        assert session.get_one(Claim, claim.id).status_reason == 'legal_no_response'
    await page.save('status', 'closed', reason='שולם מלא')
    assert (await page.save('status', 'new'))['state'] == 'bad'
    assert (await page.save('status', 'new', reason='התקבל תשלום נוסף'))['state'] == 'saved'


async def test_under_the_stage_stands_what_it_means(open_page: Opener, claim: Claim, people: People) -> None:
    with open_session(people.staff) as session:
        advance_repair(session, claim.id, 'awaiting_parts', None, now())
    page = await open_page('dana', claim)
    tracker = page.of(RepairTracker)[0]
    assert tracker.props['explained'] == 'המוסך הזמין חלקים; העבודה תתחדש כשיגיעו.'
    with open_session(people.admin) as session:
        session.get_one(RepairStage, 'awaiting_parts').explanation = 'החלקים בדרך.'
    await soon(lambda: tracker.props['explained'] == 'החלקים בדרך.')
    with open_session(people.staff) as session:
        hold(session, claim.id, 'parts', now())
    await soon(lambda: tracker.props['explained'] == '')
    assert tracker.props['hold'], 'why it stands still is all there is to say then'


async def test_who_is_still_typing_reads_who_was_first(open_page: Opener, claim: Claim, people: People) -> None:
    typing, reader = await open_page('staff2', claim), await open_page('dana', claim)
    change(people.staff, claim, policy_no='ראשון')
    await soon(lambda: people.staff.name in typing.row('policy_no').get('clash', ''))
    await soon(lambda: reader.row('policy_no').get('glow'))
    assert not reader.row('policy_no').get('clash'), 'nobody edits there'


async def test_two_people_on_one_field(open_page: Opener, claim: Claim, people: People) -> None:
    first, second = await open_page('staff', claim), await open_page('staff2', claim)
    seen = second.row('policy_no')['value']
    await first.save('policy_no', 'ראשון')
    await soon(lambda: second.row('policy_no')['text'] == 'ראשון')
    answer = await second.save('policy_no', 'שני', seen=seen)
    assert (answer['state'], answer['text']) == ('clash', 'ראשון'), 'the second is shown what is there now'
    told = rf'התיק עודכן על ידי {people.staff.name} בשעה \d\d:\d\d. השינויים שלך לא נשמרו.'
    assert re.fullmatch(told, answer['clash']), 'and who was first, and when'
    assert (await second.save('policy_no', 'שני', seen='ראשון'))['state'] == 'saved'
    assert (await first.save('tp_policy_no', '7'))['state'] == 'saved', 'another field is no obstacle'


async def test_hostile_edits_are_no_edits(open_page: Opener, claim: Claim) -> None:
    page, reader = await open_page('staff', claim), await open_page('dana', claim)
    section = page.sections
    sent = {'name': 'office_id', 'seen': 1, 'raw': '2'}
    hostile: list[Any] = ['', [], {}, sent, sent | {'name': 'claim_no', 'seen': claim.claim_no, 'raw': 'x'}]
    for args in hostile:
        page.send(section, 'save', args)
    page.send(section, 'open', {'name': 'plate'})
    page.send(reader.sections, 'save', {'name': 'plate', 'seen': '21734801', 'raw': '7654321'})
    await asyncio.sleep(0.1)
    with open_session(SYSTEM, reading=True) as session:
        stored = session.get_one(Claim, claim.id)
        assert (stored.office_id, stored.claim_no, stored.plate) == (claim.office_id, claim.claim_no, '21734801')
    assert not [row for row in reader.rows().values() if row.get('editable')]


async def test_what_cannot_be_read_is_answered_so_that_no_row_waits_for_ever(open_page: Opener, claim: Claim) -> None:
    page = await open_page('staff', claim)
    unreadable: list[dict[str, Any]] = [{'raw': 'x' * 7000}, {'raw': 5}, {'seen': 1.5}, {'seen': []}]
    for turn, more in enumerate(unreadable, 1):
        page.send(page.sections, 'save', {'name': 'policy_no', 'seen': '', 'raw': '1', 'reason': '', **more})
        await soon(partial(lambda expected: page.row('policy_no').get('turn') == expected, turn))
        assert page.row('policy_no')['state'] == 'bad'
        assert page.row('policy_no')['message']
    assert page.row('policy_no')['text'] == ''


async def test_who_saves_sees_what_was_saved_after_him(
    open_page: Opener, claim: Claim, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await open_page('staff', claim)
    shown = shown_on(page)

    async def overtaken(*args: Any, **kwargs: Any) -> Any:
        saved = await live.work(*args, **kwargs)
        change(people.staff2, claim, policy_no='אחריו')
        await soon(lambda: shown.version > saved.version)
        return saved

    monkeypatch.setattr('components.claim_saving.work', overtaken)
    await page.save('policy_no', 'ראשון')
    assert page.row('policy_no')['text'] == 'אחריו'


async def test_only_what_is_stored_is_shown_as_stored(
    open_page: Opener, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, told = await open_page('staff', claim), []

    async def slowly(*args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0.05)
        told.append(page.row('policy_no')['value'])
        return await live.work(*args, **kwargs)

    monkeypatch.setattr('components.claim_saving.work', slowly)
    before = page.row('policy_no')['value']
    assert (await page.save('policy_no', '77'))['value'] == '77'
    assert told == [before]


async def test_what_was_not_saved_leaves_what_others_saved_meanwhile(
    open_page: Opener, claim: Claim, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await open_page('staff', claim)
    shown = shown_on(page)

    async def in_vain(*_: Any, **__: Any) -> Any:
        change(people.staff2, claim, policy_no='של אחר')
        await soon(lambda: shown.policy_no == 'של אחר')
        raise ClaimError('The database is on fire')

    monkeypatch.setattr('components.claim_saving.work', in_vain)
    answer = await page.save('policy_no', 'שלי')
    assert (answer['state'], answer['text']) == ('bad', 'של אחר')


async def test_what_is_typed_is_kept_for_this_person_and_claim_only(open_page: Opener, claim: Claim) -> None:
    first, second, reader = [await open_page(who, claim) for who in ('staff', 'staff2', 'dana')]
    kept = {page.sections.props.get('keep') for page in (first, second)}
    assert len(kept) == 2
    assert first.of(NoteBox)[0].props['keep'] in kept
    assert 'keep' not in reader.sections.props


async def test_choices_are_brought_when_a_field_is_opened(open_page: Opener, claim: Claim, people: People) -> None:
    page = await open_page('staff', claim)
    section = page.sections
    page.send(section, 'open', 'agent')
    await soon(lambda: page.row('agent').get('choices'))
    assert [choice['label'] for choice in page.row('agent')['choices']] == ['דנה ארז', 'יוסי מזרחי', 'רות לוי']
    assert (await page.save('agent', str(people.rival.user_id)))['state'] == 'bad', 'not of that office'


async def test_notes_of_the_bureau_reach_the_bureau_only(open_page: Opener, claim: Claim) -> None:
    staff, manager = await open_page('staff', claim), await open_page('manager', claim)
    box = staff.of(NoteBox)[0]
    for _ in range(2):  # the first answer got lost, so the browser sends it again
        staff.send(box, 'write', {'body': 'להתקשר לפני חמש', 'key': 'a-1', 'number': 7})
    await soon(lambda: (box.props['answer'] or {}).get('turn') == 2)
    assert (box.props['answer']['message'], box.props['answer']['number']) == ('', 7)
    await soon(lambda: 'להתקשר לפני חמש' in staff.everything())
    colleague = await open_page('staff2', claim)
    with open_session(SYSTEM, reading=True) as session:
        assert len(fetch(session, notes_of(claim.id))) == 1
    colleague.send(colleague.of(NoteBox)[0], 'write', {'body': 'הלקוח כועס', 'key': 'b-1'})
    await soon(lambda: 'הלקוח כועס' in staff.everything())
    await asyncio.sleep(0.1)
    assert not manager.of(NoteBox)
    for page in (manager, await open_page('dana', claim), await open_page('dana', claim, '?tab=history')):
        await page.open_tabs()
        assert 'להתקשר' not in page.everything()
        assert 'כועס' not in page.everything()


async def test_what_changes_between_the_reading_and_the_listening_is_shown(
    open_page: Opener, claim: Claim, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(session: Any, *asked: Any) -> Arrival | None:
        found = arrive(session, *asked)
        change(people.staff, claim, policy_no='88-8')
        return found

    monkeypatch.setattr('components.claim_page.arrive', overtaken)
    page = await open_page('dana', claim)
    await soon(lambda: page.row('policy_no').get('text') == '88-8')


async def test_a_tab_is_drawn_when_it_is_opened_and_counted_before(
    open_page: Opener, claim: Claim, people: People
) -> None:
    page = await open_page('dana', claim)

    def counts() -> dict[str, str]:
        return {tab['key']: tab.get('count', '') for tab in page.of(ClaimHead)[0].props['tabs']}

    assert not page.of(MessagesPanel)
    before = counts()['messages']
    with open_session(people.staff) as session:
        write_message(session, ThreadKey(claim.office_id, claim.id), Letter('ההצעה התקבלה'), now())
    await soon(lambda: counts()['messages'] == '1' != before)
    await page.open_tabs('messages', 'overview', 'messages')
    [panel] = page.of(MessagesPanel)
    await soon(lambda: [item for item in panel.props['items'] if 'ההצעה התקבלה' in str(item)])
    with open_session(people.staff) as session:
        write_message(session, ThreadKey(claim.office_id, claim.id), Letter('הכסף בדרך'), now())
    await soon(lambda: 'הכסף בדרך' in str(panel.props['items']))
    later = await open_page('dana', claim, '?tab=messages')
    assert 'הכסף בדרך' in str(later.of(MessagesPanel)[0].props['items']), 'the tab of the address comes with the page'


async def test_a_message_is_answered_by_its_key_and_the_files_have_words_of_their_own(
    open_page: Opener, claim: Claim, people: People
) -> None:
    page = await open_page('dana', claim, '?tab=messages')
    [panel] = page.of(MessagesPanel)
    page.send(panel, 'draft', {'body': 'הכסף'})
    first = await page.answer(panel, 'send', {'body': 'הכסף בדרך', 'key': 'a', 'drafts': ['הכסף', 7]})
    again = await page.answer(panel, 'send', {'body': 'הכסף בדרך', 'key': 'a'})
    assert (first['key'], again['key'], first['sent']) == ('a', 'a', again['sent'])
    with open_session(people.dana, reading=True) as session:
        talk = conversation(session, ThreadKey(claim.office_id, claim.id))
        assert [message.body for message in talk.messages] == ['הכסף בדרך']
        assert talk.draft == ''
    assert not (await page.answer(panel, 'send', 'x'))['sent']
    words = panel.props['words']
    assert 'ההודעה' in words['late']
    assert 'הקובץ' in words['failed']


async def test_checked_today_shows_and_alerts_nobody(open_page: Opener, claim: Claim) -> None:
    staff, dana = await open_page('staff', claim), await open_page('dana', claim)
    staff.send(staff.of(ClaimActions)[0], 'act', 'checked')
    await soon(lambda: 'נבדק היום' in str(dana.section('daily')['explained']))
    assert dana.of(ChangesBar)[0].props['count'] == 0
    assert dana.of(ClaimHead)[0].props['spokenNow'] == ''


async def test_of_a_closed_claim_nobody_says_that_it_was_checked(
    open_page: Opener, claim: Claim, people: People
) -> None:
    staff = await open_page('staff', claim)
    assert 'checked' in offered(staff)
    with open_session(people.staff) as session:
        change_status(session, claim.id, 'closed', 'no_cover', claim.status, now())
    await soon(lambda: 'checked' not in offered(staff))
    assert offered(staff)


def offered(page: Open) -> list[str]:
    return [action['key'] for action in page.of(ClaimActions)[0].props['actions']]


async def test_the_head_says_with_whom_the_claim_lies_and_who_wrote_last(
    open_page: Opener, claim: Claim, people: People
) -> None:
    page = await open_page('dana', claim)

    def told(name: str) -> str:
        return next((item['text'] for item in page.of(ClaimHead)[0].props['meta'] if item['name'] == name), '')

    change(people.staff, claim, waiting_on='tp_insurer', next_action='לחכות לתשובה')
    await soon(lambda: told('waiting_on').endswith(' · מהיום'))
    assert told('updated') == people.staff.name
    with open_session(people.staff) as session:
        change_status(session, claim.id, 'closed', 'no_cover', claim.status, now())
    await soon(lambda: not told('waiting_on'))


async def test_agents_write_to_the_bureau_from_the_head(open_page: Opener, claim: Claim) -> None:
    offered = {
        who: [action['key'] for action in (await open_page(who, claim)).of(ClaimActions)[0].props['actions']]
        for who in ('dana', 'staff')
    }
    assert offered['dana'][-1] == 'message'
    assert offered['staff'][-1] == 'checked'


async def test_marked_unread_it_is_bold_again(open_page: Opener, claim: Claim, people: People) -> None:
    page = await open_page('dana', claim, '?list=view%3Dall')
    page.send(page.of(ClaimActions)[0], 'act', 'unread')
    await soon(lambda: page.user.back_history[-1] == '/?view=all')
    with open_session(people.dana, reading=True) as session:
        mark = session.get_one(SeenMark, (people.dana.user_id, claim.id))
        assert mark.seq < session.get_one(Claim, claim.id).seq


async def test_the_way_through_the_list_one_came_from(open_page: Opener, claim: Claim, people: People) -> None:
    later = make_claim(people.levi, people.staff, insured_name='בועז')
    make_claim(people.cohen, people.staff, insured_name='של אחרים')
    page = await open_page('dana', claim, '?list=view%3Dall')
    steps = page.of(ClaimHead)[0].props['steps']
    assert steps['place'] == '2 מתוך 2'
    assert [link['href'] for link in steps['links']] == [f'/claims/{later.claim_no}?list=view%3Dall', '']
    assert page.of(ClaimHead)[0].props['back'] == {'href': '/?view=all', 'label': 'תביעות: הכל'}


async def test_the_way_through_the_unread_leads_on_and_back(open_page: Opener, claim: Claim, people: People) -> None:
    later = make_claim(people.levi, people.staff, insured_name='בועז')
    steps_on: list[tuple[Claim, Claim | None, Claim | None]] = [
        (later, None, claim),
        (claim, later, None),
        (later, None, claim),
    ]
    for here, before, after in steps_on:
        steps = (await open_page('dana', here, '?list=view%3Dunread')).of(ClaimHead)[0].props['steps']
        expected = [f'/claims/{one.claim_no}?list=view%3Dunread' if one else '' for one in (before, after)]
        assert [link['href'] for link in steps['links']] == expected


async def test_the_history_comes_in_pages(open_page: Opener, claim: Claim, people: People) -> None:
    for number in range(60):
        change(people.staff, claim, policy_no=str(number))
    page = await open_page('dana', claim, '?tab=history')

    def entries() -> int:
        return page.html().count('data-testid="history-entry"')

    assert entries() == 50
    more = next(
        element for element in page.client.elements.values() if element.props.get('data-testid') == 'history-more'
    )
    page.send(more, 'click')
    await soon(lambda: entries() == 61)
    assert not more.visible


def lines_of(page: Open) -> list[str]:
    return re.findall(r'data-testid="history-entry" data-kind="([^"]+)"', page.html())


async def test_the_history_shows_what_was_chosen_of_it_and_stays_so(
    open_page: Opener, claim: Claim, people: People
) -> None:
    change(people.staff, claim, policy_no='77-1')
    change(people.staff, claim, demand_amount=900_000)
    page = await open_page('dana', claim, '?tab=history&kind=money&list=view%3Dall')
    assert lines_of(page) == ['updated']
    filters, head = page.of(HistoryFilters)[0], page.of(ClaimHead)[0]
    assert (filters.props['kind'], filters.props['by'], filters.props['none']) == ('money', '', False)
    here = f'/claims/{claim.claim_no}?list=view%3Dall&tab=history&kind=money'
    assert filters.props['addresses']['money/'] == here
    tabs = {tab['key']: tab['href'] for tab in head.props['tabs']}
    assert tabs['history'] == here, 'one comes back to what one had chosen'
    assert 'kind=' not in tabs['repair']

    change(people.staff, claim, policy_no='77-2')
    change(people.staff, claim, demand_amount=950_000)
    await soon(lambda: '9,500' in page.html())
    assert lines_of(page) == ['updated', 'updated'], 'news of another kind does not slip in'

    page.send(filters, 'choose', {'kind': 'talk', 'by': 'office'})
    await soon(lambda: filters.props['none'])
    assert lines_of(page) == []
    assert 'mk-hist' not in page.html()
    with open_session(people.dana) as session:
        log_call(session, claim.id, CallNote('insured', 'outbound', 'spoke', summary='עודכן'), now())
    await soon(lambda: lines_of(page) == ['call'])
    assert not filters.props['none']

    page.send(filters, 'choose', {'kind': '', 'by': ''})
    await soon(lambda: len(lines_of(page)) == 6)
    assert {tab['key']: tab['href'] for tab in head.props['tabs']}['history'] == here.removesuffix('&kind=money')


async def test_more_of_what_was_chosen(open_page: Opener, claim: Claim, people: People) -> None:
    for number in range(60):
        change(people.staff, claim, policy_no=str(number))
        if not number % 20:
            change(people.staff, claim, demand_amount=number + 100)
    page = await open_page('dana', claim, '?tab=history&kind=other&by=bureau')
    more = next(part for part in page.client.elements.values() if part.props.get('data-testid') == 'history-more')
    assert (len(lines_of(page)), more.visible) == (50, True)
    page.send(more, 'click')
    await soon(lambda: len(lines_of(page)) == 60)
    assert not more.visible
    page.send(page.of(HistoryFilters)[0], 'choose', {'kind': 'money', 'by': 'bureau'})
    await soon(lambda: len(lines_of(page)) == 3)


async def test_a_choice_of_the_history_that_is_none_is_told(open_page: Opener, claim: Claim) -> None:
    page = await open_page('dana', claim, '?tab=history&kind=gossip&by=office')
    assert 'gossip' in page.html()
    page.send(page.of(HistoryFilters)[0], 'choose', {'kind': 'gossip', 'by': ['bureau']})
    await soon(lambda: page.of(HistoryFilters)[0].props['by'] == '')
    assert lines_of(page) == ['opened']


async def test_what_is_not_there_and_what_is_not_yours_is_answered_alike(portal: FastAPI, claim: Claim) -> None:
    rival = await signed_in(portal, EMAILS['rival'])
    for address in (f'/claims/{claim.claim_no}', '/claims/99-99999', '/claims/%3Cscript%3E', '/work'):
        answer = await rival.http_client.get(address)
        assert answer.status_code == 404
        assert 'התיק לא נמצא או שאינו שייך למשרדך' in answer.text
        assert claim.insured_name not in answer.text
    await rival.http_client.aclose()


# ---- alerts of the claim ----------------------------------------------------------------------------------------------------


async def test_a_claim_is_muted_put_aside_and_taken_up_again_from_its_head(
    open_page: Opener, people: People, claim: Claim
) -> None:
    dana, second = await open_page('dana', claim), await open_page('dana', claim)
    menu, other = dana.of(ClaimWatchMenu)[0], second.of(ClaimWatchMenu)[0]
    await soon(lambda: menu.props['shown'] and other.props['shown'])
    assert not menu.props['shown']['muted']
    dana.send(menu, 'act', {'act': 'mute', 'pause': ''})
    await soon(lambda: menu.props['shown']['muted'] and other.props['shown']['muted'])
    dana.send(menu, 'act', {'act': 'unmute', 'pause': ''})
    await soon(lambda: not other.props['shown']['muted'])
    assert len(menu.props['shown']['pauses']) == 3
    assert all('07:30' in pause['when'] for pause in menu.props['shown']['pauses'])
    dana.send(menu, 'act', {'act': 'snooze', 'pause': 'week'})
    await soon(lambda: '07:30' in other.props['shown']['until'])
    dana.send(menu, 'act', {'act': 'resume', 'pause': ''})
    await soon(lambda: other.props['shown']['until'] == '')
    with open_session(people.yossi, reading=True) as session:
        assert alert_choices.watch_of(session, claim.id) is None


async def test_a_hostile_browser_watches_nothing(open_page: Opener, people: People, claim: Claim) -> None:
    dana = await open_page('dana', claim)
    menu = dana.of(ClaimWatchMenu)[0]
    hostile: tuple[Any, ...] = (
        None,
        'mute',
        [],
        {'act': ['mute']},
        {'act': 'x'},
        {'act': 'snooze', 'pause': '1999-01-01'},
    )
    for sent in hostile:
        dana.send(menu, 'act', sent)
    dana.send(menu, 'act', {'act': 'follow', 'pause': {'x': 1}})
    await soon(lambda: menu.props['shown'] and menu.props['shown']['follows'])
    assert (menu.props['shown']['muted'], menu.props['shown']['until']) == (False, '')


async def test_a_link_leads_to_where_the_settings_say_that_the_portal_is(open_page: Opener, claim: Claim) -> None:
    staff = await open_page('staff', claim, '?tab=repair')
    panel = staff.of(LinksPanel)[0]
    made = (await staff.answer(panel, 'make', {'purpose': 'insured', 'phone': ''}))['made']
    assert made['address'].startswith('http://localhost:8080/t/')
    assert 'localhost%3A8080%2Ft%2F' in made['whatsapp']


async def test_a_link_that_was_made_but_cannot_be_shown_is_not_asked_for_again(
    open_page: Opener, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(LinksPanel, '_made', broken)
    staff = await open_page('staff', claim, '?tab=repair')
    answer = await staff.answer(staff.of(LinksPanel)[0], 'make', {'purpose': 'insured', 'phone': ''})
    assert answer['message'] == ''


def _has_ended(panel: LinksPanel, link: int) -> bool:
    return any(row['id'] == link and not row['alive'] for row in panel.props['links'])


async def test_a_link_is_not_handed_on_once_it_is_revoked(open_page: Opener, claim: Claim, people: People) -> None:
    staff, dana = await open_page('staff', claim, '?tab=repair'), await open_page('dana', claim, '?tab=repair')
    panel, hers = staff.of(LinksPanel)[0], dana.of(LinksPanel)[0]
    for who, revoked in ((staff, panel), (dana, hers)):  # by whoever made it, and by somebody else
        made = (await staff.answer(panel, 'make', {'purpose': 'insured', 'phone': ''}))['made']
        assert made['qr']
        await soon(lambda: hers.props['links'] and hers.props['links'][0]['alive'])
        link = hers.props['links'][0]['id']
        # another one that ends leaves it alone
        with open_session(people.staff) as session:
            create_link(session, claim.id, 'garage', now())
            other = fetch(session, links_of(claim.id))[0].id
            revoke_link(session, other, now())
        await soon(partial(_has_ended, panel, other))
        assert panel.props['answer']['made'] == made
        who.send(revoked, 'revoke', link)
        await soon(lambda: panel.props['answer']['made'] is None)


async def test_a_number_with_a_slash_leads_to_its_claim_its_files_and_its_clocks(
    portal: FastAPI, people: People, claim: Claim
) -> None:
    make_claim(people.levi, people.staff, {'claim_no': '8841/24'})
    staff, rival = [await signed_in(portal, EMAILS[who]) for who in ('staff', 'rival')]
    for path in ('/claims/8841%2F24', '/claims/8841/24', '/claims/8841%2F24/clocks/limitation_tort'):
        assert (await staff.http_client.get(path)).status_code == 200, path
        assert (await rival.http_client.get(path)).status_code == 404, path
    assert (await staff.http_client.get('/claims/8841')).status_code == 404
    sent = {'X-Maakav-Upload': '1', 'X-File-Name': 'a.jpg', 'X-Document-Type': 'cheque_image'}
    for user, status in ((staff, 201), (rival, 404)):
        answer = await user.http_client.post('/files/claims/8841%2F24', content=papers.jpeg(), headers=sent)
        assert answer.status_code == status, answer.text
    assert (await staff.http_client.get('/files/claims/8841%2F24/zip')).status_code == 200
    for user in (staff, rival):
        await user.http_client.aclose()


async def test_staff_tick_what_the_insurer_asked_for_and_the_agent_reads_it(open_page: Opener, claim: Claim) -> None:
    staff, dana = await open_page('staff', claim), await open_page('dana', claim)
    staff.send(staff.sections, 'open', 'status')
    await soon(lambda: staff.row('status').get('choices'))
    choices = {choice['value']: choice for choice in staff.row('status')['choices']}
    assert [value for value, choice in choices.items() if 'asks' in choice] == ['insurer_requested_info']
    offered = {kind['label']: kind for group in choices['insurer_requested_info']['asks'] for kind in group['kinds']}
    assert (offered['צילום רישיון רכב']['note'], offered['אישור משטרה']['note']) == ('נדרש ממילא', '')
    ticked = [offered[label]['id'] for label in ('צילום רישיון רכב', 'אישור משטרה')]
    assert (await staff.save('status', 'insurer_requested_info', asked=ticked))['state'] == 'saved'
    assert staff.row('status_reason')['text'] == 'צילום רישיון רכב, אישור משטרה'
    await dana.open_tabs('history', 'documents')
    await soon(lambda: 'חברת הביטוח ביקשה מסמך · אישור משטרה' in dana.everything())
    [line] = [item for item in shown_by(dana.of(DocumentsPanel)[0], 'items') if item['label'] == 'אישור משטרה']
    assert (line['missing'], line['yours'], line['who']) == (True, True, 'באחריות הלקוח · חברת הביטוח ביקשה')
    assert (await staff.save('status', 'insurer_requested_info', asked=['nonsense']))['state'] == 'bad'


async def test_a_status_set_by_mistake_is_taken_back_from_where_it_was_set(open_page: Opener, people: People) -> None:
    claim = make_claim(people.levi, people.staff, status='in_negotiation')
    staff, dana = await open_page('staff', claim), await open_page('dana', claim)
    assert (await staff.save('status', 'approved_for_payment'))['state'] == 'saved'
    toast = staff.of(UndoToast)[0]
    await soon(lambda: toast.props['seconds'] > 0)
    assert 'אפשר לבטל בתוך' in toast.props['text']
    await soon(lambda: dana.row('status')['text'] == 'אושרה לתשלום')
    staff.send(toast, 'undo')
    await soon(lambda: dana.row('status')['text'] == 'במשא ומתן')
    assert (await staff.save('status', 'closed', reason='שולם מלא'))['state'] == 'saved'
    await soon(lambda: toast.props['seconds'] == 0)  # what is closed is opened again with a reason
