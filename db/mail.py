"""Mail that waits to be sent: what is told to whom and when, each thing once, and nothing of it that the person has read meanwhile.

A row holds no words and no address: both are looked up when it goes out, as its person may see them then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ForeignKey, Index, Select, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from db import values
from db.alert_choices import hears_of_claim
from db.alert_kinds import EVENTS
from db.alerts import Alert, alerts_to_mail
from db.base import Base, BigKey, take_turns
from db.bureau import bureau_settings
from db.calendar import Calendar, calendar_of
from db.cheques import REMIND_DAYS, Cheque
from db.claims import Claim
from db.identity import PASSWORD, account_of, make_link
from db.offices import AgentOffice, User, actor_of
from db.scope import Actor, Books, Can, open_books

ALERTS, DIGEST, RESET = 'alerts', 'digest', 'reset'
# whoever forgot his password has this long, for the mail as for the link in it
RESET_FOR = timedelta(hours=1)
WAITING, SENT, DROPPED, FAILED = 'waiting', 'sent', 'dropped', 'failed'
# so long a process may take to send what it took; then it counts as dead
LEASE = timedelta(minutes=5)
# what happened longer ago is no news for a mail of its own
FRESH = timedelta(days=1)
# the waits between the tries; after the last one it is given up, and the health page says so
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720, 1440))
# so long after the hour of the morning mail it still goes out, when nothing ran then
MORNING = timedelta(hours=4)
WEEK = timedelta(days=7)
# what a mail of its own is due for at once in the morning; everything else that was held the morning mail tells as well
URGENT = frozenset({'mentions', *(event for event, about in EVENTS.items() if about.always)})
DATED = frozenset(event for event, about in EVENTS.items() if about.group in {'cheques', 'dates'}) - {'money'}


class Mail(Books, Base):
    """A mail to a person: of one claim's alerts, the summary of a morning, or the way to another password. `key` makes it unique."""

    __tablename__ = 'mails'
    __table_args__ = (
        Index('ix_mails_waiting', 'state', 'due_at'),
        Index('ix_mails_person', 'user_id', 'kind', 'claim_id'),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey('users.id'))
    kind: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    claim_id: Mapped[int | None] = mapped_column(BigKey)
    urgent: Mapped[bool] = mapped_column(default=False)
    made_at: Mapped[datetime]
    due_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default=WAITING)
    tries: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    # why the last try failed: a word and the server's number
    error: Mapped[str] = mapped_column(default='')


class MailedAlert(Books, Base):
    """Which mail tells an alert; an alert is told by one."""

    __tablename__ = 'mailed_alerts'

    alert_id: Mapped[int] = mapped_column(BigKey, ForeignKey('alerts.id', ondelete='CASCADE'), primary_key=True)
    mail_id: Mapped[int] = mapped_column(BigKey, ForeignKey('mails.id'), index=True)


@dataclass(frozen=True)
class News:
    """A claim by its number, and the events of the catalogue that happened to it: all that a mail says of it."""

    claim_no: str
    events: tuple[str, ...]


@dataclass(frozen=True)
class Tidings:
    """What a mail has to say: what happened, and what is due. `alerts` are the alerts it tells."""

    news: tuple[News, ...] = ()
    due: tuple[News, ...] = ()
    alerts: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to say."""
        return bool(self.news or self.due)


@dataclass(frozen=True)
class FailedMail:
    """A mail that was given up, for the health page."""

    name: str
    kind: str
    at: datetime
    error: str


@dataclass(frozen=True)
class MailHealth:
    """How the mail goes: how many wait, since when the oldest is overdue, how many went out in a day, and what was given up."""

    waiting: int
    overdue_since: datetime | None
    sent: int
    failed: tuple[FailedMail, ...]


# ---- questions --------------------------------------------------------------------------------------------------------------


def reachable() -> Select[User]:
    """Whom mail may reach: who works here and has an address."""
    at_work = or_(User.office_id.is_(None), AgentOffice.active)
    people = select(User).outerjoin(AgentOffice, AgentOffice.id == User.office_id)
    return people.where(User.active, User.email.is_not(None), at_work)


def alerts_of(session: Session, mail_id: int) -> list[int]:
    """The alerts that a mail is to tell."""
    told = select(MailedAlert.alert_id).where(MailedAlert.mail_id == mail_id)
    return list(session.scalars(told.order_by(MailedAlert.alert_id)))


def tidings_of(session: Session, alerts: Sequence[int]) -> Tidings:
    """What is still unread of these alerts; asked as their person, who sees what he may see now."""
    return _tidings(session, alerts_to_mail().where(Alert.id.in_(alerts)))


def tidings_of_morning(session: Session, since: datetime, today: date) -> Tidings:
    """What the acting person has not read since the last morning mail, and the cheques of his claims due in the next days."""
    untold = select(Alert).where(Alert.read_at.is_(None), Alert.due_at.is_(None), Alert.at > since)
    told = _tidings(session, untold.order_by(Alert.at, Alert.id))
    soon = Cheque.due_date.between(today, today + timedelta(days=REMIND_DAYS))
    cheques = (
        select(Claim.claim_no)
        .join(Cheque, Cheque.claim_id == Claim.id)
        .join(User, User.id == session.info['actor'].user_id)
        .outerjoin(AgentOffice, AgentOffice.id == User.office_id)
        .where(hears_of_claim(), Cheque.live, soon)
        .order_by(Cheque.due_date, Claim.claim_no)
    )
    named = {news.claim_no for news in told.due if 'cheques' in news.events}
    due = dict.fromkeys(number for number in session.scalars(cheques) if number not in named)
    return Tidings(told.news, (*told.due, *(News(number, ('cheques',)) for number in due)), told.alerts)


def _tidings(session: Session, question: Select[Alert]) -> Tidings:
    asked = question.join(Claim, Claim.id == Alert.claim_id).add_columns(Claim.claim_no)
    happened: dict[str, dict[str, None]] = {}
    due: dict[str, dict[str, None]] = {}
    ids = []
    for alert, claim_no in session.execute(asked):
        side = due if alert.event in DATED else happened
        side.setdefault(claim_no, {})[alert.event] = None
        ids.append(alert.id)
    news, dated = (tuple(News(number, tuple(events)) for number, events in side.items()) for side in (happened, due))
    return Tidings(news, dated, tuple(ids))


def last_morning(session: Session, mail: Mail) -> datetime:
    """Since when a morning mail tells: since the one before it, a week at most."""
    before = select(func.max(Mail.made_at)).where(Mail.user_id == mail.user_id, Mail.kind == DIGEST, Mail.id < mail.id)
    last = session.scalar(before)
    return max(last, mail.made_at - WEEK) if last else mail.made_at - FRESH


def mail_health(session: Session, moment: datetime) -> MailHealth:
    """How the mail goes; for admins."""
    session.info['actor'].need(Can.ADMINISTER)
    with open_books(session):
        waiting, oldest = session.execute(
            select(func.count(Mail.id), func.min(Mail.due_at)).where(Mail.state == WAITING)
        ).one()
        gone = select(func.count(Mail.id)).where(Mail.state == SENT, Mail.ended_at > moment - FRESH)
        lost = select(Mail, User.name).join(User, User.id == Mail.user_id).where(Mail.state == FAILED)
        failed = session.execute(lost.order_by(Mail.ended_at.desc()).limit(20)).all()
        return MailHealth(
            waiting,
            oldest if oldest is not None and oldest < moment - timedelta(minutes=15) else None,
            session.scalar(gone) or 0,
            tuple(FailedMail(name, mail.kind, mail.ended_at or mail.made_at, mail.error) for mail, name in failed),
        )


# ---- orders: the queue ------------------------------------------------------------------------------------------------------


def queue_alerts(session: Session, now: datetime, limit: int = 200) -> int:
    """Queue mail for alerts that nobody has read yet: one for each person and claim. Returns how many alerts found their mail.

    It waits some minutes, so that who reads on the screen gets none, and over the quiet hours; what comes meanwhile joins it.
    """
    session.info['actor'].need(Can.KEEP_BOOKS)
    take_turns(session, 'mail')
    told = select(MailedAlert.alert_id).where(MailedAlert.alert_id == Alert.id).exists()
    people = Alert.user_id.in_(reachable().with_only_columns(User.id))
    alerts = session.scalars(alerts_to_mail().where(Alert.at > now - FRESH, ~told, people).limit(limit)).all()
    if not alerts:
        return 0
    users = {user.id: user for user in session.scalars(reachable().where(User.id.in_({a.user_id for a in alerts})))}
    ready = now + timedelta(minutes=bureau_settings(session).alert_cool_off_minutes)
    calendar = calendar_of(session)
    for alert in alerts:
        mail = _waiting_mail(session, alert) or _new_mail(session, alert, now)
        if mail.tries == 0 and mail.made_at == now:
            mail.due_at = leaves_at(calendar, users[alert.user_id], ready)
        mail.urgent = mail.urgent or alert.event in URGENT
        session.add(MailedAlert(alert_id=alert.id, mail_id=mail.id))
    return len(alerts)


def _waiting_mail(session: Session, alert: Alert) -> Mail | None:
    waits = select(Mail).where(Mail.user_id == alert.user_id, Mail.kind == ALERTS, Mail.claim_id == alert.claim_id)
    return session.scalars(waits.where(Mail.state == WAITING, Mail.leased_until.is_(None)).limit(1)).first()


def _new_mail(session: Session, alert: Alert, now: datetime) -> Mail:
    mail = Mail(
        user_id=alert.user_id,
        kind=ALERTS,
        key=f'alert:{alert.id}:{now.isoformat()}',
        claim_id=alert.claim_id,
        urgent=False,
        made_at=now,
        due_at=now,
        tries=0,
    )
    session.add(mail)
    session.flush()
    return mail


def leaves_at(calendar: Calendar, user: User, ready: datetime) -> datetime:
    """When mail that is ready may go to a person: now, or when the quiet ends that he did not switch off."""
    return ready if user.mail_any_time else calendar.leaves_at(ready)


def queue_digests(session: Session, now: datetime) -> int:
    """On a working morning queue the day's summary for everybody who wants it, once a day. Returns for how many.

    After a pause it still goes out on the same morning; a day that nothing ran on its morning has none.
    """
    session.info['actor'].need(Can.KEEP_BOOKS)
    calendar, local = calendar_of(session), values.israel(now)
    begins = datetime.combine(local.date(), calendar.morning, tzinfo=values.ISRAEL)
    if not begins <= local < begins + MORNING or not calendar.mails_on(local.date()):
        return 0
    take_turns(session, 'mail')
    day = local.date().isoformat()
    has_it = select(Mail.id).where(Mail.user_id == User.id, Mail.kind == DIGEST, Mail.key.endswith(day)).exists()
    people = session.scalars(reachable().where(User.digest, ~has_it)).all()
    session.add_all(
        Mail(user_id=user.id, kind=DIGEST, key=f'digest:{user.id}:{day}', made_at=now, due_at=now) for user in people
    )
    return len(people)


def queue_reset(session: Session, email: str, now: datetime) -> None:
    """Somebody says that he forgot his password: the link to another one goes to the address that is his here, if there is one.

    Who has not chosen a password yet was invited, and that link stays as it is.
    """
    session.info['actor'].need(Can.KEEP_BOOKS)
    user_id, password_hash = account_of(session, email)
    if user_id is None or password_hash is None:
        return
    take_turns(session, 'mail')
    waits = select(Mail.id).where(Mail.user_id == user_id, Mail.kind == RESET, Mail.state == WAITING)
    if session.scalar(waits) is None:
        key = f'reset:{user_id}:{now.isoformat()}'
        session.add(Mail(user_id=user_id, kind=RESET, key=key, urgent=True, made_at=now, due_at=now))


def reset_link(session: Session, mail_id: int, now: datetime) -> str | None:
    """The token for a mail that is about to go; none when it comes too late, or he may not sign in or has no address any more.

    Nobody but the mail knows it.
    """
    mail = _taken(session, mail_id)
    has_address = session.get_one(User, mail.user_id).email is not None
    if now - mail.made_at > RESET_FOR or not has_address or actor_of(session, mail.user_id) is None:
        return None
    return make_link(session, PASSWORD, mail.user_id, now, RESET_FOR // timedelta(hours=1))


# ---- orders: on the way -----------------------------------------------------------------------------------------------------


def lease_mails(session: Session, kind: str, now: datetime, limit: int) -> list[Mail]:
    """Take the next mails that are due, for some minutes; nobody else sends them meanwhile. Each taking is a try."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    take_turns(session, 'mail')
    # one that was taken by a clock far ahead is as free as one whose time is over
    free = or_(Mail.leased_until.is_(None), Mail.leased_until <= now, Mail.leased_until > now + 2 * LEASE)
    due = select(Mail).where(Mail.kind == kind, Mail.state == WAITING, Mail.due_at <= now, free)
    mails = list(session.scalars(due.order_by(Mail.due_at, Mail.id).limit(limit)))
    for mail in mails:
        mail.leased_until, mail.tries = now + LEASE, mail.tries + 1
    return mails


def hold_mail(session: Session, mail_id: int, until: datetime) -> None:
    """It is quiet now, or was not its turn: it goes out later, and this was no try."""
    mail = _taken(session, mail_id)
    mail.due_at, mail.leased_until, mail.tries = until, None, mail.tries - 1


def mail_sent(session: Session, mail_id: int, now: datetime, told: Iterable[int] = ()) -> None:
    """It is out. What a morning mail told needs no mail of its own any more, unless it is urgent."""
    mail = _taken(session, mail_id)
    _end(mail, SENT, now)
    _leave_for_later(session, mail)
    if mail.kind != DIGEST:
        return
    alerts = set(told)
    others = select(Mail).where(Mail.user_id == mail.user_id, Mail.kind == ALERTS, Mail.state == WAITING)
    for other in session.scalars(others.where(Mail.urgent.is_(False), Mail.leased_until.is_(None))).all():
        if alerts.issuperset(alerts_of(session, other.id)):
            _end(other, DROPPED, now)


def drop_mail(session: Session, mail_id: int, now: datetime) -> None:
    """There is nothing to tell any more."""
    mail = _taken(session, mail_id)
    _end(mail, DROPPED, now)
    _leave_for_later(session, mail)


def _leave_for_later(session: Session, mail: Mail) -> None:
    """What was put aside meanwhile was not told, and finds another mail when it comes back."""
    later = select(Alert.id).where(Alert.id == MailedAlert.alert_id, Alert.read_at.is_(None), Alert.due_at.is_not(None))
    for link in session.scalars(select(MailedAlert).where(MailedAlert.mail_id == mail.id, later.exists())):
        session.delete(link)


def mail_failed(session: Session, mail_id: int, now: datetime, error: str, *, for_good: bool = False) -> None:
    """It did not get out: it is tried again later, and given up after the last try, or at once when another try cannot help."""
    mail = _taken(session, mail_id)
    mail.error = error
    if for_good or mail.tries > len(PAUSES):
        _end(mail, FAILED, now)
    else:
        mail.due_at, mail.leased_until = now + PAUSES[mail.tries - 1], None


def _taken(session: Session, mail_id: int) -> Mail:
    session.info['actor'].need(Can.KEEP_BOOKS)
    return session.get_one(Mail, mail_id, with_for_update=True)


def _end(mail: Mail, state: str, now: datetime) -> None:
    mail.state, mail.ended_at, mail.leased_until = state, now, None


def try_failed_again(session: Session, now: datetime) -> int:
    """Send what was given up once more, now that an admin has seen to it. Returns how many."""
    session.info['actor'].need(Can.ADMINISTER)
    with open_books(session):
        failed = session.scalars(select(Mail).where(Mail.state == FAILED)).all()
        for mail in failed:
            mail.state, mail.due_at, mail.tries, mail.ended_at = WAITING, now, 0, None
    return len(failed)


def prefer_mail(session: Session, *, digest: bool, any_time: bool) -> None:
    """Keep the acting person's choice: a summary each working morning, and mail at any hour or not while it is quiet."""
    actor: Actor = session.info['actor']
    actor.need(Can.FOLLOW)
    user = session.get_one(User, actor.user_id)
    user.digest, user.mail_any_time = digest, any_time


def forget_mails(session: Session, before: datetime, limit: int) -> int:
    """Forget what was sent or dropped long ago; what failed stays until it is sent. Returns how many."""
    session.info['actor'].need(Can.KEEP_BOOKS)
    old = select(Mail).where(Mail.state.in_([SENT, DROPPED]), Mail.ended_at < before).limit(limit)
    mails = session.scalars(old).all()
    links = select(MailedAlert).where(MailedAlert.mail_id.in_([mail.id for mail in mails]))
    for link in session.scalars(links):
        session.delete(link)
    session.flush()
    for mail in mails:
        session.delete(mail)
    return len(mails)
