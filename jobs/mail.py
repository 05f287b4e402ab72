"""Mail: queues what is to be told, and brings what is due to the mail server; a server that fails is tried again for two days."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTP, SMTPException

from db import values
from db.base import now
from db.calendar import calendar_of
from db.mail import (
    ALERTS,
    DIGEST,
    PAUSES,
    RESET,
    Mail,
    alerts_of,
    drop_mail,
    forget_mails,
    hold_mail,
    last_morning,
    lease_mails,
    leaves_at,
    mail_failed,
    mail_sent,
    queue_alerts,
    queue_digests,
    reset_link,
    tidings_of,
    tidings_of_morning,
)
from db.offices import User, actor_of
from db.scope import Actor
from db.session import open_session
from db.settings import Settings
from jobs.mail_words import Sender, reset_written, written

log = logging.getLogger(__name__)
ACTOR = Actor.system('mail')
BATCH, QUEUED_AT_ONCE = 20, 200
PATIENCE_SECONDS = 20.0
KEPT = timedelta(days=30)


@dataclass(frozen=True)
class Server:
    """The mail server as SMTP_URL names it."""

    host: str
    port: int
    tls: bool
    user: str | None
    password: str | None

    @classmethod
    def of(cls, url: str) -> 'Server':
        """Read it from the address."""
        parts = urlsplit(url)
        tls = parts.scheme == 'smtps'
        user, password = (unquote(part) if part else None for part in (parts.username, parts.password))
        return cls(parts.hostname or '', parts.port or (465 if tls else 587), tls, user, password)

    def client(self) -> SMTP:
        """A client of it. A password travels encrypted, or within this machine."""
        start_tls = None if self.tls or self.user is None or self._is_here() else True
        return SMTP(
            hostname=self.host,
            port=self.port,
            use_tls=self.tls,
            start_tls=False if self.tls else start_tls,
            username=self.user,
            password=self.password,
            timeout=PATIENCE_SECONDS,
        )

    def _is_here(self) -> bool:
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == 'localhost'


@dataclass(frozen=True)
class Post:
    """Where mail goes and whom it comes from."""

    server: Server
    sender: Sender


_post: Post | None = None


def use(settings: Settings) -> None:
    """Send mail as the settings say; not at all without a server."""
    global _post  # noqa: PLW0603 - the one post of the process, chosen by app and tests
    _post = None
    if settings.smtp_url:
        _post = Post(Server.of(settings.smtp_url), Sender(settings.mail_from, settings.base_url))


def is_on() -> bool:
    """Whether mail is sent at all."""
    return _post is not None


def send_mails(at: datetime | None = None) -> int:
    """Queue what is to be told and send what is due; may run at any time, in several processes. Returns how many went out."""
    if _post is None:
        return 0
    moment = at or now()
    with open_session(ACTOR) as session:
        queue_digests(session, moment)
    queued = QUEUED_AT_ONCE
    while queued == QUEUED_AT_ONCE:
        with open_session(ACTOR) as session:
            queued = queue_alerts(session, moment, QUEUED_AT_ONCE)
    return sum(
        _send_all(_post, kind, moment) for kind in (RESET, DIGEST, ALERTS)
    )  # what the summary told needs no mail any more


def clear_mails(at: datetime | None = None) -> int:
    """Forget what went out a month ago; may run at any time. Returns how many."""
    cleared, forgotten = 0, BATCH
    while forgotten == BATCH:
        with open_session(ACTOR) as session:
            forgotten = forget_mails(session, (at or now()) - KEPT, BATCH)
        cleared += forgotten
    return cleared


# ---- what goes out ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Ready:
    mail_id: int
    message: EmailMessage
    alerts: tuple[int, ...]


def _send_all(post: Post, kind: str, moment: datetime) -> int:
    sent, taken = 0, BATCH
    while taken == BATCH:
        with open_session(ACTOR) as session:
            mails = lease_mails(session, kind, moment, BATCH)
        taken = len(mails)
        ready = [one for mail in mails if (one := _ready_or_failed(post.sender, mail, moment))]
        took = asyncio.run(_bring(post.server, ready, moment)) if ready else 0
        sent += took
        if ready and not took:
            break  # the others need not wait for a server that takes nothing now
    return sent


def _ready_or_failed(sender: Sender, mail: Mail, moment: datetime) -> _Ready | None:
    """One mail that cannot be written keeps nobody else's back."""
    try:
        return _ready(sender, mail, moment)
    except Exception:  # the words are everybody's: what cannot be told of one claim is still told of the others
        log.exception('mail %s could not be written', mail.id)
        with open_session(ACTOR) as session:
            mail_failed(session, mail.id, moment, 'unwritten')
        return None


def _ready(sender: Sender, mail: Mail, moment: datetime) -> _Ready | None:
    """The mail in words; None when it is quiet, or nothing is left to tell: then it is held or dropped."""
    if mail.kind == RESET:
        return _ready_to_reset(sender, mail, moment)
    with open_session(ACTOR) as session:
        user, actor = session.get_one(User, mail.user_id), actor_of(session, mail.user_id)
        leaves = leaves_at(calendar_of(session), user, moment)
        if leaves > moment:
            hold_mail(session, mail.id, leaves)
            return None
        wanted = actor is not None and user.email and (mail.kind != DIGEST or user.digest)
        alerts, since = alerts_of(session, mail.id), last_morning(session, mail)
    if actor is not None and wanted:
        with open_session(actor, reading=True) as session:
            if mail.kind == DIGEST:
                tidings = tidings_of_morning(session, since, values.israel(moment).date())
            else:
                tidings = tidings_of(session, alerts)
        if tidings:
            message = written(sender, mail, user.email or '', tidings, actor.language, moment)
            return _Ready(mail.id, message, tidings.alerts)
    with open_session(ACTOR) as session:
        drop_mail(session, mail.id, moment)
    return None


def _ready_to_reset(sender: Sender, mail: Mail, moment: datetime) -> _Ready | None:
    """The way to another password, with a link of its own at each try; whoever forgot it waits for it at any hour."""
    with open_session(ACTOR) as session:
        user, token = session.get_one(User, mail.user_id), reset_link(session, mail.id, moment)
        if token is None:
            drop_mail(session, mail.id, moment)
            return None
        return _Ready(mail.id, reset_written(sender, mail, user.email or '', token, user.language, moment), ())


# ---- on the way -------------------------------------------------------------------------------------------------------------


async def _bring(server: Server, ready: list[_Ready], moment: datetime) -> int:
    """Hand mails to the server; returns how many it took. When it is not there that was a try of all, later of the one at hand alone."""
    sent, waiting, tried = 0, list(ready), len(ready)
    try:
        async with _connected(server) as client:
            while waiting:
                tried = 1
                if not client.is_connected:  # it hung up with its answer to the last one
                    await client.connect()
                sent += await _hand_over(client, waiting[0], moment)
                waiting.pop(0)
    except (SMTPException, OSError) as error:  # the server, or what it makes of this letter
        reason = _reason(error)
        log.warning('the mail server failed: %s; %s mails are tried again later', reason, len(waiting))
        for place, one in enumerate(waiting):
            with open_session(ACTOR) as session:
                if place < tried:
                    mail_failed(session, one.mail_id, moment, reason)
                else:
                    hold_mail(session, one.mail_id, moment + PAUSES[0])
    return sent


@asynccontextmanager
async def _connected(server: Server) -> AsyncIterator[SMTP]:
    client = server.client()
    await client.connect()
    try:
        yield client
        with suppress(SMTPException, OSError):  # everything is handed over already
            await client.quit()
    finally:
        client.close()


async def _hand_over(client: SMTP, one: _Ready, moment: datetime) -> bool:
    """Whether the server took it. What it says about this mail alone is that mail's; any other failure is raised."""
    try:
        await client.send_message(one.message)
    except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPDataError) as error:
        code = error.recipients[0].code if isinstance(error, aiosmtplib.SMTPRecipientsRefused) else error.code
        log.warning('the mail server refused mail %s: %s', one.mail_id, code)
        with open_session(ACTOR) as session:
            mail_failed(session, one.mail_id, moment, f'refused {code}', for_good=code >= 500)
        return False
    with open_session(ACTOR) as session:
        mail_sent(session, one.mail_id, moment, one.alerts)
    return True


def _reason(error: SMTPException | OSError) -> str:
    """A word for people and the server's number, and nothing of what it said: that may hold an address."""
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return f'sign-in {error.code}'
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f'server {error.code}'
    if isinstance(error, TimeoutError):  # also the one of aiosmtplib
        return 'timeout'
    return 'unreachable'
