"""Messages: who may write and read what, what is unread for whom, and that the bureau's notes stay in the bureau."""

import dataclasses
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from db import alerts, catch_up, changes, doorbell, list_rows, list_state, lists, messages
from db.base import Base, now
from db.claims import Claim
from db.messages import Conversation, Draft, Letter, Message, Thread, ThreadKey, ThreadMark
from db.scope import Actor, Can, Role, Unscoped
from db.session import fetch, open_session
from db.texts import ClaimError
from db.values import Malformed
from tests.conftest import People, made_once
from tests.factories import SYSTEM, alert_everybody, make_claim, make_office, make_user

SECRET = 'סודהלשכה'


def thread_of(claim: Claim) -> ThreadKey:
    return ThreadKey(claim.office_id, claim.id)


def write(actor: Actor, about: ThreadKey, body: str, **over: Any) -> Message:
    with open_session(actor) as session:
        return messages.write_message(session, about, Letter(body, **over), now())


def talk(actor: Actor, key: ThreadKey, **over: Any) -> Conversation:
    with open_session(actor, reading=True) as session:
        return messages.conversation(session, key, **over)


def unread(actor: Actor, key: ThreadKey | None = None) -> int:
    with open_session(actor, reading=True) as session:
        return messages.unread_messages(session, key)


def bodies(actor: Actor, key: ThreadKey) -> list[str]:
    return [message.body for message in talk(actor, key).messages]


@made_once
def claim(people: People) -> Claim:
    return make_claim(people.levi, people.staff, agent=people.dana.user_id, handler=people.staff.user_id)


# ---- writing and reading ----------------------------------------------------------------------------------------------------


def test_an_agent_and_the_bureau_write_to_each_other_about_a_claim(people, claim):
    key = thread_of(claim)
    write(people.dana, key, 'שלום, יש צפי מהמוסך?')
    write(people.staff, key, 'כן, ביום חמישי.')
    for actor in (people.dana, people.yossi, people.manager, people.staff2, people.admin):
        assert bodies(actor, key) == ['שלום, יש צפי מהמוסך?', 'כן, ביום חמישי.']
    first, second = talk(people.dana, key).messages
    assert (first.by, first.from_bureau, second.by, second.from_bureau) == (people.dana.name, False, 'שירה לביא', True)


def test_each_office_has_a_thread_of_its_own_with_the_bureau(people):
    levi, cohen = ThreadKey(people.levi), ThreadKey(people.cohen)
    write(people.dana, levi, 'האם עובדים בשבוע הבא?')
    write(people.staff, cohen, 'שלום לסוכנות כהן')
    assert bodies(people.manager, levi) == ['האם עובדים בשבוע הבא?']
    assert bodies(people.rival, cohen) == ['שלום לסוכנות כהן']
    assert bodies(people.rival, levi) == bodies(people.dana, cohen) == []
    with open_session(people.staff, reading=True) as session:
        assert [line.office for line in messages.threads(session)] == ['סוכנות כהן', 'סוכנות לוי']


def test_of_a_refused_file_the_thread_says_so_once_whatever_its_name(people, claim):
    key = thread_of(claim)
    sent, note = write(people.dana, key, 'שליחת קבצים'), write(people.staff, key, 'הערה', internal=True)

    def tell(actor: Actor, message: Message, name: str) -> None:
        with open_session(actor) as session:
            messages.tell_not_attached(session, message.id, name, now())

    for name in ('נזק\0\n.pdf', 'נזק .pdf', 'א' * 5000):
        tell(people.dana, sent, name)
    told = ['הקובץ נזק .pdf לא התקבל, ולכן אינו מצורף.', f'הקובץ {"א" * 120} לא התקבל, ולכן אינו מצורף.']
    assert bodies(people.yossi, key) == ['שליחת קבצים', *told]
    for actor, message in ((people.yossi, sent), (people.staff, sent), (people.rival, sent), (people.staff, note)):
        with pytest.raises(ClaimError, match='a message of your own'):
            tell(actor, message, 'נזק.pdf')
    assert bodies(people.yossi, key) == ['שליחת קבצים', *told]


def test_nobody_writes_into_another_offices_thread(people, claim):
    for key in (thread_of(claim), ThreadKey(people.levi)):
        for verb in (
            lambda session, key=key: messages.write_message(session, key, Letter('x'), now()),
            lambda session, key=key: messages.save_draft(session, key, 'x'),
        ):
            with pytest.raises(ClaimError), open_session(people.rival) as session:
                verb(session)
    with open_session(people.rival, reading=True) as session:
        assert messages.thread_key(session, claim_no=claim.claim_no) is None
        assert messages.thread_key(session, office_id=people.levi) is None
        assert messages.thread_key(session) == ThreadKey(people.cohen)
    with open_session(people.rival) as session:
        messages.mark_messages_read(session, thread_of(claim), 10**6)
    with open_session(SYSTEM, reading=True) as session:
        assert fetch(session, select(ThreadMark)) == []


def test_a_claim_named_with_another_office_goes_into_the_claims_own_thread(people, claim):
    write(people.staff, ThreadKey(people.cohen, claim.id), 'שלום')
    assert bodies(people.dana, thread_of(claim)) == ['שלום']


def test_who_only_reads_does_not_write(people, claim):
    viewer = make_user('צפייה בלבד', Role.READ_ONLY, people.levi)
    write(people.staff, thread_of(claim), 'שלום')
    assert bodies(viewer, thread_of(claim)) == ['שלום']
    for verb in (
        lambda session: messages.write_message(session, thread_of(claim), Letter('x'), now()),
        lambda session: messages.save_draft(session, thread_of(claim), 'x'),
    ):
        with pytest.raises(ClaimError), open_session(viewer) as session:
            verb(session)
    with open_session(viewer) as session:
        messages.mark_messages_read(session, thread_of(claim), 10**6)
    assert unread(viewer) == 0


def test_agents_who_see_their_own_claims_only_see_those_threads_and_the_offices(people):
    office = make_office('סוכנות מור', agents_see_own_only=True)
    gal, tal = make_user('גל', Role.AGENT, office), make_user('טל', Role.AGENT, office)
    claim = make_claim(office, people.staff, agent=gal.user_id)
    write(people.staff, thread_of(claim), 'לגל בלבד')
    write(people.staff, ThreadKey(office), 'לכולם')
    for actor, seen in ((gal, ['לכולם', 'לגל בלבד']), (tal, ['לכולם'])):
        with open_session(actor, reading=True) as session:
            assert [line.last.body for line in messages.threads(session)] == seen
        assert unread(actor) == len(seen)
    assert bodies(tal, thread_of(claim)) == []
    with pytest.raises(ClaimError):
        write(tal, thread_of(claim), 'x')


def test_too_long_and_empty_messages_are_refused_in_words(people, claim):
    with pytest.raises(Malformed, match='10000'):
        write(people.dana, thread_of(claim), 'א' * 10_000)
    for nothing in ('', ' \n \u200f'):
        with pytest.raises(ClaimError):
            write(people.dana, thread_of(claim), nothing)
    assert bodies(people.dana, thread_of(claim)) == []
    assert len(write(people.dana, thread_of(claim), 'א' * 4000).body) == 4000


def test_a_message_sent_twice_with_one_key_is_one_message(people, claim):
    first = write(people.dana, thread_of(claim), 'שלום', key='k1')
    assert write(people.dana, thread_of(claim), 'שלום', key='k1').id == first.id
    assert write(people.staff, thread_of(claim), 'שלום', key='k1').id != first.id
    assert len(bodies(people.dana, thread_of(claim))) == 2


def test_what_was_written_stays_as_it_was(people, claim):
    sent = write(people.dana, thread_of(claim), 'שלום')
    for actor in (people.dana, people.staff, people.admin, SYSTEM):
        for change in (lambda row: setattr(row, 'body', 'אחרת'), None):
            with pytest.raises(Unscoped), open_session(actor) as session:
                row = session.get_one(Message, sent.id)
                session.delete(row) if change is None else change(row)


def test_nobody_writes_in_anothers_name(people, claim):
    sent = write(people.dana, thread_of(claim), 'שלום')
    part = {'thread_id': sent.thread_id, 'office_id': claim.office_id, 'claim_id': claim.id}
    for forged in (
        Message(**part, user_id=people.staff.user_id, by='שירה לביא', from_bureau=True, at=now(), body='x'),
        ThreadMark(**part, user_id=people.staff.user_id, of_bureau=True),
        Draft(thread_id=sent.thread_id, user_id=people.yossi.user_id, body='x'),
    ):
        with pytest.raises(Unscoped), open_session(people.dana) as session:
            session.add(forged)


def test_older_messages_come_when_asked_for(people, claim):
    for number in range(5):
        write(people.dana, thread_of(claim), f'הודעה {number}')
    part = talk(people.staff, thread_of(claim), limit=2)
    assert ([message.body for message in part.messages], part.older) == (['הודעה 3', 'הודעה 4'], True)
    assert not talk(people.staff, thread_of(claim), limit=5).older


# ---- the record, alerts, bold -----------------------------------------------------------------------------------------------


def row_for(actor: Actor) -> list_rows.Row:
    with open_session(actor, reading=True) as session:
        return lists.page_of(session, list_state.ListState(view='all')).rows[0]


def bell(actor: Actor) -> list[str]:
    with open_session(actor, reading=True) as session:
        return [group.kind for group in alerts.alert_groups(session)]


def test_a_message_of_the_bureau_makes_the_claim_unread_for_the_office_and_ones_own_never(people, claim):
    everybody = (people.dana, people.yossi, people.staff, people.staff2)
    for actor in everybody:
        with open_session(actor) as session:
            alerts.visit(session, claim.id, now())
    write(people.staff, thread_of(claim), 'שלום')
    assert [row_for(actor).unread for actor in everybody] == [True, True, False, True]
    for actor in everybody:
        with open_session(actor) as session:
            alerts.visit(session, claim.id, now())
    write(people.dana, thread_of(claim), 'תודה')
    assert [row_for(actor).unread for actor in everybody] == [False, True, True, True]


def test_an_agents_message_moves_the_claim_and_rings_its_handler(people, claim, notices):
    alert_everybody()
    before = row_for(people.staff)
    notices.clear()
    write(people.dana, thread_of(claim), 'הלקוח שואל מה חדש')
    alert_everybody()
    after = row_for(people.staff)
    assert after.seq > before.seq
    assert after.updated_at > before.updated_at
    assert after.change is not None
    assert (after.change.kind, after.change.by) == ('message', people.dana.name)
    assert after.change.fields == {'message': [None, 'הלקוח שואל מה חדש']}
    assert bell(people.staff) == bell(people.yossi) == ['claim.message']
    assert 'claim.message' not in [*bell(people.dana), *bell(people.rival), *bell(people.staff2)]
    assert {(notice.kind, notice.claim_id) for notice in notices} >= {('claim', claim.id), ('message', claim.id)}


def test_a_message_to_an_office_rings_and_moves_no_claim(people, claim, notices):
    before = row_for(people.dana)
    write(people.staff, ThreadKey(people.levi), 'שלום לכולם')
    assert doorbell.Notice('message', people.levi) in notices
    assert row_for(people.dana).seq == before.seq
    assert (unread(people.dana), unread(people.rival), unread(people.staff)) == (1, 0, 0)


def test_a_refused_message_leaves_nothing_behind(people, claim, notices):
    notices.clear()
    with pytest.raises(Malformed), open_session(people.dana) as session:
        messages.write_message(session, thread_of(claim), Letter('שלום'), now())
        messages.write_message(session, thread_of(claim), Letter('א' * 9000), now())
    assert notices == []
    assert bodies(people.dana, thread_of(claim)) == []
    assert unread(people.staff) == 0


# ---- unread, delivered, read ------------------------------------------------------------------------------------------------


def test_messages_are_unread_until_each_person_had_them_on_his_screen(people, claim):
    key = thread_of(claim)
    write(people.staff, key, 'אחת')
    last = write(people.staff, key, 'שתיים')
    assert [unread(actor, key) for actor in (people.dana, people.yossi, people.staff2)] == [2, 2, 0]
    with open_session(people.dana) as session:
        messages.mark_messages_read(session, key, last.id)
    assert [unread(actor) for actor in (people.dana, people.yossi)] == [0, 2]
    assert talk(people.yossi, key).read_id == 0


def test_what_a_colleague_of_the_bureau_answered_waits_for_nobody_there(people, claim):
    key = thread_of(claim)
    write(people.dana, key, 'יש חדש?')
    assert unread(people.staff) == unread(people.staff2) == 1
    write(people.staff2, key, 'בדיקה, עונים מיד', internal=True)
    assert unread(people.staff) == 1
    write(people.staff2, key, 'כן, התקבלה הצעה')
    assert unread(people.staff) == unread(people.staff2) == 0
    assert unread(people.dana) == 1


def test_a_newcomer_finds_what_was_said_before_him_read(people, claim):
    write(people.staff, thread_of(claim), 'לפני זמן רב')
    new = make_user('סוכנת חדשה', Role.AGENT, people.levi)
    assert unread(new) == 0
    write(people.staff, thread_of(claim), 'ברוכה הבאה')
    assert unread(new, thread_of(claim)) == 1


def test_the_sender_learns_who_got_and_who_read_it(people, claim, notices):
    key = thread_of(claim)
    sent = write(people.dana, key, 'שלום')
    assert talk(people.dana, key).receipts == []
    with open_session(people.staff2) as session:
        messages.mark_messages_delivered(session)
    assert talk(people.dana, key).receipts == [messages.Receipt('עומר גל', sent.id, 0)]
    notices.clear()
    with open_session(people.staff) as session:
        messages.mark_messages_read(session, key, 10**9)
    assert doorbell.Notice('receipt', people.levi, claim.id, user_id=people.staff.user_id) in notices
    assert messages.Receipt('שירה לביא', sent.id, sent.id) in talk(people.yossi, key).receipts
    with open_session(people.staff, reading=True) as session:
        assert messages.undelivered(session) == []


def test_reading_back_takes_nothing_away(people, claim):
    key = thread_of(claim)
    first, last = write(people.staff, key, 'אחת'), write(people.staff, key, 'שתיים')
    for up_to in (last.id, first.id, -5):
        with open_session(people.dana) as session:
            messages.mark_messages_read(session, key, up_to)
    assert unread(people.dana) == 0


# ---- drafts, search, mentions, templates ------------------------------------------------------------------------------------


def test_what_was_typed_stays_until_it_is_sent(people, claim):
    key = thread_of(claim)
    with open_session(people.dana) as session:
        messages.save_draft(session, key, 'שלום, רציתי')
    with open_session(people.dana) as session:
        messages.save_draft(session, key, 'שלום, רציתי לשאול', internal=True)
    assert (talk(people.dana, key).draft, talk(people.dana, key).draft_internal) == ('שלום, רציתי לשאול', False)
    assert talk(people.yossi, key).draft == talk(people.staff, key).draft == ''
    write(people.dana, key, 'שלום, רציתי לשאול משהו', drafts=['שלום, רציתי', 'שלום, רציתי לשאול '])
    assert talk(people.dana, key).draft == ''


def test_a_draft_goes_only_when_it_is_what_was_sent(people, claim):
    key = thread_of(claim)
    with open_session(people.dana) as session:
        messages.save_draft(session, key, 'מה שנכתב בחלון השני')
    for body, over in (('קצר', {}), ('קצר שוב', {'drafts': ['קצר'], 'key': 'k'}), ('קצר שוב', {'key': 'k'})):
        write(people.dana, key, body, **over)
        assert talk(people.dana, key).draft == 'מה שנכתב בחלון השני'
    write(people.dana, key, 'מה שנכתב בחלון השני')
    assert talk(people.dana, key).draft == ''


def test_a_draft_for_the_bureau_alone_stays_one(people, claim):
    with open_session(people.staff) as session:
        messages.save_draft(session, thread_of(claim), 'רק אצלנו', internal=True)
    found = talk(people.staff, thread_of(claim))
    assert (found.draft, found.draft_internal) == ('רק אצלנו', True)
    with open_session(people.staff) as session:
        messages.save_draft(session, thread_of(claim), ' ')
    assert talk(people.staff, thread_of(claim)).draft == ''
    with open_session(people.dana, reading=True) as session:
        assert messages.threads(session) == [], 'a thread in which nothing was written is not listed'


def test_a_text_too_long_to_send_is_kept_as_a_draft(people, claim):
    with open_session(people.dana) as session:
        messages.save_draft(session, thread_of(claim), 'א' * 10_000)
    assert len(talk(people.dana, thread_of(claim)).draft) == 10_000


def test_messages_are_found_by_every_word_whatever_the_spelling(people, claim):
    write(people.dana, thread_of(claim), 'המסלק של הפניקס, אורנה ש"לו, טלפון 052-555-0134')
    write(people.rival, ThreadKey(people.cohen), 'אורנה אמרה שלום')
    for typed in ('אורנה', 'שלו אורנה', '0525550134', 'פניקס ש״לו'):
        with open_session(people.yossi, reading=True) as session:
            assert [hit.claim_no for hit in messages.messages_found(session, typed)] == [claim.claim_no], typed
    with open_session(people.staff, reading=True) as session:
        assert len(messages.messages_found(session, 'אורנה')) == 2
        assert messages.messages_found(session, ' , ') == messages.messages_found(session, 'אורנה אין') == []


def test_a_colleague_who_is_mentioned_hears_of_it(people, claim):
    write(people.staff, thread_of(claim), '@עומר גל לבדוק בבקשה', internal=True, mentions=(people.staff2.user_id,))
    alert_everybody()
    assert bell(people.staff2) == ['claim.mention']
    assert bell(people.admin) == []
    assert all('claim.mention' not in bell(actor) for actor in (people.dana, people.manager, people.staff))


def test_only_colleagues_can_be_mentioned(people, claim):
    key = thread_of(claim)
    ids = [actor.user_id for actor in (people.dana, people.yossi, people.rival, people.staff, people.staff2)]
    assert write(people.staff, key, 'x', mentions=ids).mentions == [people.staff2.user_id]
    assert write(people.dana, key, 'x', mentions=ids).mentions == [people.yossi.user_id]


# ---- the bureau's notes -----------------------------------------------------------------------------------------------------


def told(value: Any) -> str:
    """Everything a value says, with what its rows hold."""
    if isinstance(value, Base):
        return repr({key: kept for key, kept in vars(value).items() if not key.startswith('_')})
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return ' '.join(told(getattr(value, item.name)) for item in dataclasses.fields(value))
    if isinstance(value, list | tuple):
        return ' '.join(told(item) for item in value)
    return repr(value)


def everything_told(actor: Actor, claim: Claim, word: str) -> str:
    """The page of the list, the search, alerts, the history, and every question about messages."""
    with open_session(actor, reading=True) as session:
        state = list_state.ListState(view='all', size=100)
        answers: list[Any] = [
            lists.page_of(session, state),
            lists.page_of(session, list_state.ListState(view='all', q=word)).total,
            alerts.alert_groups(session, limit=500),
            fetch(session, changes.history_of(claim.id)),
            fetch(session, changes.news_since(claim.id, 0, None)),
            catch_up.changes_after(session, 0, 0),
            fetch(session, messages.notes_of(claim.id)),
            messages.threads(session),
            messages.messages_found(session, word),
            messages.messages_found(session, SECRET),
        ]
        for key in (thread_of(claim), ThreadKey(claim.office_id)):
            answers += [messages.conversation(session, key), messages.unread_messages(session, key)]
        answers += [fetch(session, select(model)) for model in (Message, Thread, ThreadMark, Draft)]
        return told(answers)


LETTERS = st.text(alphabet='אבגדהוזחט יכלמנ123״"-.', min_size=1, max_size=30)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    noted=st.lists(
        st.tuples(LETTERS, st.booleans(), st.sampled_from(['thread', 'page', 'draft'])), min_size=1, max_size=4
    )
)
def test_no_agent_ever_receives_a_note_of_the_bureau(people, claim, noted):
    word = f'{SECRET}{id(noted)}'
    staff, key = people.staff, thread_of(claim)
    write(people.dana, key, 'גלוי לכולם')
    for text, general, way in noted:
        body = f'{text} {word}'
        with open_session(staff) as session:
            if way == 'draft':
                messages.save_draft(session, ThreadKey(people.levi) if general else key, body, internal=True)
            elif way == 'page':
                messages.note_internally(session, claim.id, body, now())
            else:
                about = ThreadKey(people.levi) if general else key
                mentions = (people.staff2.user_id, people.dana.user_id)
                messages.write_message(session, about, Letter(body, internal=True, mentions=mentions), now())
    alert_everybody()
    for actor in (people.dana, people.yossi, people.manager, people.rival):
        heard = everything_told(actor, claim, word)
        assert SECRET not in heard.replace(f"'{word}'", '')
        assert not actor.may(Can.SEE_INTERNAL)
    assert SECRET in everything_told(staff, claim, word)


def test_a_note_gives_itself_away_by_nothing_else(people, claim):
    key = thread_of(claim)
    for about in (key, ThreadKey(people.levi)):
        write(people.staff, about, 'שלום')
    alert_everybody()
    before = {actor.name: everything_told(actor, claim, SECRET) for actor in (people.dana, people.manager)}
    with open_session(people.staff) as session:
        for about in (key, ThreadKey(people.levi)):
            note = messages.write_message(session, about, Letter(SECRET, internal=True), now())
            messages.mark_messages_read(session, about, note.id)
    alert_everybody()
    for actor in (people.dana, people.manager):
        assert everything_told(actor, claim, SECRET) == before[actor.name]


def test_an_agent_cannot_write_a_note_of_the_bureau(people, claim):
    for actor in (people.dana, people.manager):
        with pytest.raises(ClaimError):
            write(actor, thread_of(claim), 'x', internal=True)
        with pytest.raises(ClaimError), open_session(actor) as session:
            messages.note_internally(session, claim.id, 'x', now())


def test_files_go_with_an_open_message_of_ones_own_only(people, claim):
    """In the claim's thread, or in the general one of its office, where one says which claim they belong to."""
    key, foreign = thread_of(claim), make_claim(people.cohen, people.staff)
    own = write(people.dana, key, 'מצורף').id
    general = write(people.dana, ThreadKey(people.levi), 'מצורף').id
    note = write(people.staff, key, 'הערה', internal=True).id
    to_levi = write(people.staff, ThreadKey(people.levi), 'מצורף').id
    for actor, message_id, about, may in (
        (people.dana, own, claim, True),
        (people.yossi, own, claim, False),
        (people.rival, own, claim, False),
        (people.dana, general, claim, True),
        (people.yossi, general, claim, False),
        (people.staff, to_levi, claim, True),
        (people.staff, to_levi, foreign, False),
        (people.dana, own, make_claim(people.levi, people.staff), False),
        (people.staff, note, claim, False),
        (people.dana, 10**6, claim, False),
    ):
        with open_session(actor, reading=True) as session:
            if may:
                messages.check_attachable(session, message_id, about)
            else:
                with pytest.raises(ClaimError):
                    messages.check_attachable(session, message_id, about)


def test_a_note_sent_again_is_one_note(people, claim):
    """Its receipt got lost, so the browser sent it once more."""
    for _ in range(2):
        with open_session(people.staff) as session:
            messages.note_internally(session, claim.id, 'הלקוח כועס', now(), key='drawn-in-the-browser')
    with open_session(people.staff, reading=True) as session:
        assert [note.body for note in fetch(session, messages.notes_of(claim.id))] == ['הלקוח כועס']
