"""Messages (הודעות): a thread for each claim and one for each office, drafts, who read what, and texts one writes again and again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, ClassVar

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Select,
    UniqueConstraint,
    and_,
    bindparam,
    func,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, validates

from db import values
from db.base import Base, BigKey, Json, take_turns
from db.claims import NOT_FOUND, Claim, lock_claim
from db.offices import AgentOffice, User, bureau_people, people_of
from db.prepared import one_answer
from db.scope import Actor, Can, Event, Evidence, Internal, OfficePart, PersonOwned, PersonSigned, Recorded, claim_key
from db.texts import N_, ClaimError, t

# the bureau's notes hold what an import could not place, and that may be long
NOTE_LIMIT, DRAFT_LIMIT = 5000, 20_000
EXCERPT = 200
PAGE, HITS, AT_ONCE = 50, 50, 200
_NAME_AT_MOST = 120
_NOT_ATTACHABLE = N_('Files can be attached only to a message of your own that the office can read.')
_NOTHING = {False: N_('Please write the message first.'), True: N_('Please write the note first.')}


@dataclass(frozen=True)
class ThreadKey:
    """Which thread: that of a claim, or an office's general one with the bureau."""

    office_id: int
    claim_id: int | None = None


class Thread(OfficePart, Base):
    """A conversation of an office with the bureau. What it says of its newest messages leaves out the bureau's notes."""

    __tablename__ = 'threads'
    __table_args__ = (
        claim_key(),
        UniqueConstraint('id', 'office_id'),
        UniqueConstraint('claim_id'),
        Index('ix_threads_office', 'office_id', 'last_id'),
        Index('ix_threads_last', 'last_id'),
        Index('ix_threads_waiting', 'waits_for_bureau', 'last_id'),
    )
    writable_with: ClassVar[Can] = Can.WRITE_MESSAGE

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    last_id: Mapped[int] = mapped_column(BigKey, default=0)
    last_at: Mapped[datetime | None]
    last_of_office: Mapped[int] = mapped_column(BigKey, default=0)
    last_of_bureau: Mapped[int] = mapped_column(BigKey, default=0)
    waits_for_bureau: Mapped[bool] = mapped_column(default=False)

    def take(self, message: 'Message') -> None:
        """A message joined the conversation."""
        self.last_id, self.last_at = message.id, message.at
        if message.from_bureau:
            self.last_of_bureau, self.waits_for_bureau = message.id, False
        else:
            self.last_of_office, self.waits_for_bureau = message.id, True


def _thread_key() -> ForeignKeyConstraint:
    """As with claims: what is said in a thread cannot stand in another office."""
    return ForeignKeyConstraint(['thread_id', 'office_id'], ['threads.id', 'threads.office_id'])


class Message(OfficePart, Internal, PersonSigned, Recorded, Evidence, Base):
    """What somebody wrote. An internal one is the bureau's note to itself: no agent can ever receive it."""

    __tablename__ = 'messages'
    __table_args__ = (
        claim_key(),
        _thread_key(),
        UniqueConstraint('user_id', 'key'),
        Index('ix_messages_thread', 'thread_id', 'id'),
        Index('ix_messages_office', 'office_id', 'id'),
        Index('ix_messages_claim', 'claim_id', 'internal'),
    )
    writable_with: ClassVar[Can] = Can.WRITE_MESSAGE

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    thread_id: Mapped[int] = mapped_column(BigKey)
    user_id: Mapped[int | None] = mapped_column(ForeignKey('users.id'))  # type: ignore[assignment] # None: an import
    by: Mapped[str]
    from_bureau: Mapped[bool]
    at: Mapped[datetime]
    body: Mapped[str]
    search_key: Mapped[str]
    mentions: Mapped[list[int]] = mapped_column(Json, default=list)
    # drawn by the sender's browser: a message sent again because its receipt got lost is still one message
    key: Mapped[str | None]

    @validates('body')
    def _body(self, _: str, body: str) -> str:
        kept = values.long_text(body, limit=NOTE_LIMIT)
        self.search_key = f' {values.search_key(kept)}'
        return kept

    def event(self, *, new: bool, edited: Mapping[str, Any]) -> Event | None:
        """A message is news to the other side; a note stands in the bureau's own record."""
        named = {'mentions': [None, self.mentions]} if self.mentions else {}
        if self.internal:
            return Event('noted', {'note': [None, self.body], **named}, internal=True)
        return Event('message', {'message': [None, excerpt(self.body)], **named})


class ThreadMark(OfficePart, PersonSigned, Base):
    """How far a thread has reached a person: up to which message it was on one of his pages, and on his screen."""

    __tablename__ = 'thread_marks'
    __table_args__ = (claim_key(), _thread_key(), Index('ix_thread_marks_person', 'user_id', 'thread_id'))
    writable_with: ClassVar[Can] = Can.FOLLOW

    thread_id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey('users.id'), primary_key=True)
    of_bureau: Mapped[bool]
    delivered_id: Mapped[int] = mapped_column(BigKey, default=0)
    read_id: Mapped[int] = mapped_column(BigKey, default=0)


class Draft(PersonOwned, Base):
    """What a person has typed and not sent, as far as his browser told."""

    __tablename__ = 'drafts'
    writable_with: ClassVar[Can] = Can.WRITE_MESSAGE

    user_id: Mapped[int] = mapped_column(ForeignKey('users.id'), primary_key=True)
    thread_id: Mapped[int] = mapped_column(BigKey, ForeignKey('threads.id'), primary_key=True)
    body: Mapped[str]
    internal: Mapped[bool] = mapped_column(default=False)

    @validates('body')
    def _body(self, _: str, body: str) -> str:
        return values.long_text(body, limit=DRAFT_LIMIT)


def excerpt(body: str) -> str:
    """The beginning of a message, as one line."""
    line = ' '.join(body.split())
    return line if len(line) <= EXCERPT else f'{line[:EXCERPT].rsplit(" ", 1)[0]}…'


# ---- questions --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Receipt:
    """How far a person of the other side has come in a thread."""

    name: str
    delivered_id: int
    read_id: int


@dataclass(frozen=True)
class Conversation:
    """A part of a thread as the asker sees it: the newest messages, oldest first."""

    messages: Sequence[Message]
    older: bool
    receipts: Sequence[Receipt]
    read_id: int
    draft: str = ''
    draft_internal: bool = False


@dataclass(frozen=True)
class ThreadLine:
    """A thread in the list of threads."""

    key: ThreadKey
    claim_no: str
    insured_name: str
    plate: str
    office: str
    last: Message
    unread: int


@dataclass(frozen=True)
class Hit:
    """A message that was found, and where it stands."""

    message: Message
    claim_no: str
    insured_name: str
    office: str


def thread_key(session: Session, *, claim_no: str = '', office_id: int | None = None) -> ThreadKey | None:
    """The thread of a claim, or of an office (one's own, for its people); None when the asker may not see it."""
    actor: Actor = session.info['actor']
    if claim_no:
        claim = session.scalars(select(Claim).where(Claim.claim_no == claim_no)).one_or_none()
        return ThreadKey(claim.office_id, claim.id) if claim else None
    office = session.get(AgentOffice, office_id if office_id is not None else actor.office_id or 0)
    return ThreadKey(office.id) if office else None


def conversation(session: Session, key: ThreadKey, *, limit: int = PAGE) -> Conversation:
    """The newest `limit` messages of a thread, who of the other side got and read them, and the asker's own draft."""
    thread = _thread(session, key)
    if thread is None:
        return Conversation((), False, (), 0)
    actor: Actor = session.info['actor']
    newest = list(
        session.scalars(
            select(Message).where(Message.thread_id == thread.id).order_by(Message.id.desc()).limit(limit + 1)
        )
    )
    mark = session.get(ThreadMark, (thread.id, actor.user_id))
    # what a person has not sent is nobody's to read who only looks as he sees it
    draft = None if actor.only_looks else session.get(Draft, (actor.user_id, thread.id))
    return Conversation(
        newest[:limit][::-1],
        len(newest) > limit,
        _receipts(session, thread, of_bureau=not actor.is_bureau),
        mark.read_id if mark else _newest_before(session, thread),
        draft.body if draft else '',
        draft.internal if draft else False,
    )


def _thread(session: Session, key: ThreadKey) -> Thread | None:
    about = Thread.claim_id == key.claim_id if key.claim_id else Thread.claim_id.is_(None)
    return session.scalars(select(Thread).where(about, Thread.office_id == key.office_id)).one_or_none()


def _receipts(session: Session, thread: Thread, *, of_bureau: bool) -> list[Receipt]:
    marks = (
        select(User.name, ThreadMark.delivered_id, ThreadMark.read_id)
        .join(ThreadMark, ThreadMark.user_id == User.id)
        .where(ThreadMark.thread_id == thread.id, ThreadMark.of_bureau.is_(of_bureau))
        .order_by(User.name)
    )
    return [Receipt(*line) for line in session.execute(marks)]


def _newest_before(session: Session, thread: Thread) -> int:
    """Where a newcomer's reading begins: what was said before he came is old news to him."""
    since = _joined_at(session)
    if since is None:
        return 0
    earlier = select(func.max(Message.id)).where(Message.thread_id == thread.id, Message.at < since)
    return session.scalar(earlier) or 0


def _joined_at(session: Session) -> datetime | None:
    actor: Actor = session.info['actor']
    user = session.get(User, actor.user_id) if actor.user_id is not None else None
    return user.created_at if user else None


def threads(session: Session, *, limit: int = PAGE, only_unread: bool = False) -> list[ThreadLine]:
    """The threads in which something was written, newest first, as far as the asker may see them."""
    counted = _unread(session).with_only_columns(Message.thread_id, func.count(Message.id)).group_by(Message.thread_id)
    unread: dict[int, int] = dict(iter(session.execute(counted)))
    lines = (
        select(Thread, Message, Claim.claim_no, Claim.insured_name, Claim.plate, AgentOffice.name)
        .join(Message, Message.id == Thread.last_id)
        .join(AgentOffice, AgentOffice.id == Thread.office_id)
        .outerjoin(Claim, Claim.id == Thread.claim_id)
        .order_by(Thread.last_id.desc())
        .limit(limit)
    )
    if only_unread:
        lines = lines.where(Thread.id.in_(unread))
    return [
        ThreadLine(
            ThreadKey(thread.office_id, thread.claim_id),
            *(claim_no or '', insured_name or '', plate or ''),
            *(office, last, unread.get(thread.id, 0)),
        )
        for thread, last, claim_no, insured_name, plate, office in session.execute(lines)
    ]


def unread_messages(session: Session, key: ThreadKey | None = None) -> int:
    """How many messages wait to be read by the asker, in one thread or in all: the number beside «Messages»."""
    actor: Actor = session.info['actor']
    if key is not None and key.claim_id and actor.user_id is not None:
        asked = {'me': actor.user_id, 'claim': key.claim_id, 'office': key.office_id}
        found = one_answer(session, _unread_about_claim(actor.is_bureau), **asked)
        return int(found[0]) if found else 0
    statement = _unread(session)
    if key is not None:
        about = Message.claim_id == key.claim_id if key.claim_id else Message.claim_id.is_(None)
        statement = statement.where(about, Message.office_id == key.office_id)
    return session.scalar(statement) or 0


@cache
def _unread_about_claim(is_bureau: bool) -> Select[Any]:
    """Made once: every page of a claim asks it."""
    about = Message.claim_id == bindparam('claim'), Message.office_id == bindparam('office')
    me: Any = bindparam('me', type_=Integer)
    unread = unread_question(is_bureau, me, User.created_at).where(*about).correlate(User).scalar_subquery()
    return select(unread).select_from(User).where(User.id == me)


def _unread(session: Session) -> Select[Any]:
    actor: Actor = session.info['actor']
    return unread_question(actor.is_bureau, actor.user_id, _joined_at(session))


def unread_question(is_bureau: bool, reader: Any, since: Any) -> Select[Any]:
    """How many messages the other side wrote and a reader who came `since` has not read.

    What a colleague of the bureau answered waits for nobody there.
    """
    read = func.coalesce(ThreadMark.read_id, 0)
    unread: list[ColumnElement[bool]] = [Message.from_bureau.is_(not is_bureau), Message.internal.is_(False)]
    if is_bureau:
        unread += [Thread.waits_for_bureau.is_(True), Message.id > Thread.last_of_bureau, Thread.last_of_office > read]
    else:
        unread.append(Thread.last_of_bureau > read)
    if since is not None:
        unread.append(Message.at >= since)
    return (
        select(func.count(Message.id))
        .select_from(Thread)
        .join(Message, Message.thread_id == Thread.id)
        .outerjoin(ThreadMark, and_(ThreadMark.thread_id == Thread.id, ThreadMark.user_id == reader))
        .where(Message.id > read, *unread)
    )


def messages_found(session: Session, typed: str) -> list[Hit]:
    """The newest messages that hold every typed word."""
    words = values.search_words(typed)
    if not words:
        return []
    found = (
        select(Message, Claim.claim_no, Claim.insured_name, AgentOffice.name)
        .join(AgentOffice, AgentOffice.id == Message.office_id)
        .outerjoin(Claim, Claim.id == Message.claim_id)
        .where(*(Message.search_key.contains(word, autoescape=True) for word in words))
        .order_by(Message.id.desc())
        .limit(HITS)
    )
    return [Hit(message, no or '', name or '', office) for message, no, name, office in session.execute(found)]


def notes_of(claim_id: int) -> Select[Message]:
    """The bureau's notes on a claim, newest first."""
    return select(Message).where(Message.claim_id == claim_id, Message.internal).order_by(Message.id.desc())


def colleagues(session: Session, key: ThreadKey) -> list[User]:
    """Whom the asker may mention: the bureau's people among each other, an office's people among each other."""
    actor: Actor = session.info['actor']
    found = bureau_people() if actor.is_bureau else people_of(key.office_id)
    return [user for user in session.scalars(found) if user.active and user.id != actor.user_id]


def check_attachable(session: Session, message_id: int, claim: Claim) -> None:
    """Refuse files for anything but an open message of one's own, in the claim's thread or its office's general one."""
    message = _own_open_message(session, message_id)
    if message.office_id != claim.office_id or message.claim_id not in (claim.id, None):
        raise ClaimError(_NOT_ATTACHABLE)


def _own_open_message(session: Session, message_id: int) -> Message:
    message = session.get(Message, message_id)
    if message is None or message.internal or message.user_id != session.info['actor'].user_id:
        raise ClaimError(_NOT_ATTACHABLE)
    return message


# ---- orders -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Letter:
    """What somebody is about to send."""

    body: str
    internal: bool = False
    mentions: Sequence[int] = ()
    key: str | None = None
    # what its box had kept: another window may keep something else
    drafts: Sequence[str] = ()


def write_message(session: Session, key: ThreadKey, letter: Letter, now: datetime) -> Message:
    """Send a message to the other side, or keep a note for the bureau alone. Sent twice with one key, it is one message."""
    actor: Actor = session.info['actor']
    actor.need(Can.WRITE_MESSAGE)
    if letter.internal:
        actor.need(Can.SEE_INTERNAL)
    thread = _thread_to_write(session, key)
    mine = select(Message).where(Message.user_id == actor.user_id, Message.key == letter.key)
    sent = session.scalars(mine).one_or_none() if letter.key else None
    if sent is not None:
        _forget_draft(session, thread, letter)
        return sent
    body = values.long_text(letter.body, limit=NOTE_LIMIT if letter.internal else values.LONG_TEXT_LIMIT)
    if not body:
        raise ClaimError(_NOTHING[letter.internal])
    message = Message(
        thread_id=thread.id,
        office_id=thread.office_id,
        claim_id=thread.claim_id,
        user_id=actor.user_id,
        by=actor.name,
        from_bureau=actor.is_bureau,
        at=now,
        body=body,
        mentions=_mentioned(session, key, letter.mentions),
        internal=letter.internal,
        key=letter.key,
    )
    session.add(message)
    session.flush()
    if not message.internal:
        thread.take(message)
        if actor.user_id is not None:
            _reach(_mark(session, thread), message.id, read=True)
    _forget_draft(session, thread, letter)
    return message


def tell_not_attached(session: Session, message_id: int, name: str, now: datetime) -> None:
    """Say in the thread that a file sent with a message of one's own was refused: whoever read of it would wait for it. Once for each name."""
    message, named = _own_open_message(session, message_id), values.normalise(name)[:_NAME_AT_MOST]
    told = t('The file {name} was not accepted, so it is not attached.', session.info['actor'].language, name=named)
    letter = Letter(told, key=f'not attached {message_id} {named}')
    write_message(session, ThreadKey(message.office_id, message.claim_id), letter, now)


def _mentioned(session: Session, key: ThreadKey, wanted: Iterable[int]) -> list[int]:
    """The browser can send any id: only colleagues are mentioned."""
    asked = set(wanted)
    return [user.id for user in colleagues(session, key) if user.id in asked] if asked else []


def note_internally(session: Session, claim_id: int, body: str, now: datetime, *, key: str | None = None) -> Message:
    """Write a note on a claim that only the bureau can read. Sent twice with one key, it is one note."""
    claim = lock_claim(session, claim_id)
    return write_message(session, ThreadKey(claim.office_id, claim.id), Letter(body, internal=True, key=key), now)


def save_draft(session: Session, key: ThreadKey, body: str, *, internal: bool = False) -> None:
    """Keep what the acting person has typed so far; nothing typed keeps nothing."""
    actor: Actor = session.info['actor']
    actor.need(Can.WRITE_MESSAGE)
    if not body.strip():
        thread = _thread(session, key)
        if thread is not None:
            _forget_draft(session, thread)
        return
    thread = _thread_to_write(session, key)
    take_turns(session, f'draft {actor.user_id} {thread.id}')
    draft = session.get(Draft, (actor.user_id, thread.id))
    if draft is None:
        draft = Draft(user_id=actor.user_id, thread_id=thread.id, body=body)
        session.add(draft)
    draft.body, draft.internal = body, internal and actor.may(Can.SEE_INTERNAL)


def mark_messages_read(session: Session, key: ThreadKey, up_to: int) -> None:
    """The thread stood on the acting person's screen up to this message."""
    thread = _thread(session, key)
    if thread is None:
        return
    # a mark is for both sides to see, so it never tells of a note
    heard = select(func.max(Message.id)).where(Message.thread_id == thread.id, Message.internal.is_(False))
    newest = session.scalar(heard.where(Message.id <= up_to))
    if newest:
        _reach(_mark(session, thread), newest, read=True)


def undelivered(session: Session) -> list[Thread]:
    """The threads with something new for the asker that none of his pages has had yet."""
    actor: Actor = session.info['actor']
    waiting = undelivered_question(actor.is_bureau, actor.user_id, _joined_at(session))
    return list(session.scalars(waiting.order_by(Thread.last_id.desc()).limit(AT_ONCE)))


def undelivered_question(is_bureau: bool, reader: Any, since: Any) -> Select[Thread]:
    """As `undelivered`, of a reader who came `since`, to be asked along with something else."""
    last = Thread.last_of_office if is_bureau else Thread.last_of_bureau
    waiting = (
        select(Thread)
        .outerjoin(ThreadMark, and_(ThreadMark.thread_id == Thread.id, ThreadMark.user_id == reader))
        .where(last > func.coalesce(ThreadMark.delivered_id, 0))
    )
    if is_bureau:
        waiting = waiting.where(Thread.waits_for_bureau)
    return waiting if since is None else waiting.where(Thread.last_at >= since)


def mark_messages_delivered(session: Session) -> None:
    """What is there for the acting person has reached a page of his."""
    for thread in undelivered(session):
        _reach(_mark(session, thread), thread.last_id)


def _reach(mark: ThreadMark, message_id: int, *, read: bool = False) -> None:
    mark.delivered_id = max(mark.delivered_id, message_id)
    if read:
        mark.read_id = max(mark.read_id, message_id)


def _mark(session: Session, thread: Thread) -> ThreadMark:
    """The acting person's mark; he may be there in two windows at once, so they take turns to make it."""
    actor: Actor = session.info['actor']
    take_turns(session, f'thread mark {thread.id} {actor.user_id}')
    mark = session.get(ThreadMark, (thread.id, actor.user_id), populate_existing=True)
    if mark is None:
        mark = ThreadMark(
            thread_id=thread.id,
            user_id=actor.user_id,
            office_id=thread.office_id,
            claim_id=thread.claim_id,
            of_bureau=actor.is_bureau,
            delivered_id=0,
            read_id=_newest_before(session, thread),
        )
        session.add(mark)
    return mark


def _forget_draft(session: Session, thread: Thread, sent: Letter | None = None) -> None:
    """Nothing is kept any more; once a letter is sent, only what was kept of it goes."""
    user_id = session.info['actor'].user_id
    draft = session.get(Draft, (user_id, thread.id)) if user_id is not None else None  # a file has none
    if draft is None:
        return
    if sent is None or draft.body in [values.long_text(kept, limit=DRAFT_LIMIT) for kept in (sent.body, *sent.drafts)]:
        session.delete(draft)


def _thread_to_write(session: Session, key: ThreadKey) -> Thread:
    """The thread, begun when nobody wrote in it before; whoever writes to it takes turns with the others."""
    if key.claim_id is not None:
        office_id = lock_claim(session, key.claim_id).office_id
    else:
        office = session.get(AgentOffice, key.office_id)
        if office is None:
            raise ClaimError(NOT_FOUND)
        office_id = office.id
        take_turns(session, f'general thread {office_id}')
    thread = _thread(session, ThreadKey(office_id, key.claim_id))
    if thread is None:
        thread = Thread(office_id=office_id, claim_id=key.claim_id)
        session.add(thread)
        session.flush()
    return thread
