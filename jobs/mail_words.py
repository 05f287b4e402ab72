"""The words of a mail: a claim's number, what kind of thing happened, and a link; no name, no plate, no sum ever leaves by mail."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from html import escape
from urllib.parse import quote

from db import texts
from db.alert_kinds import EVENTS
from db.mail import DIGEST, Mail, News, Tidings
from db.texts import N_

_STYLE = 'font-family:Arial,sans-serif;font-size:16px;line-height:24px;color:#1c2434'


@dataclass(frozen=True)
class Sender:
    """Whom mails come from, and the address of the portal they lead to."""

    mail_from: str
    base_url: str

    @property
    def host(self) -> str:
        """The part of the sender's address after the @, which the numbers of mails end with."""
        return parseaddr(self.mail_from)[1].rpartition('@')[2]


@dataclass(frozen=True)
class _Part:
    title: str
    lines: tuple[tuple[str, str, str], ...]  # claim number, what happened, link


def written(sender: Sender, mail: Mail, to: str, tidings: Tidings, reader: str, now: datetime) -> EmailMessage:
    """The mail as it goes out, in the reader's language: plain, and the same in simple HTML."""
    parts = tuple(_parts(sender, mail, tidings, reader))
    message = _addressed(sender, to, _subject(mail, tidings, reader), now)
    # the same each time it is tried: whoever gets it twice is shown it once
    message['Message-ID'] = _number(sender, mail)
    message['List-Unsubscribe'] = f'<{_account(sender)}>'
    message.set_content(_plain(sender, parts, reader))
    message.add_alternative(_html(sender, parts, reader), subtype='html')
    message['Content-Language'] = reader
    return message


def reset_written(sender: Sender, mail: Mail, to: str, token: str, reader: str, now: datetime) -> EmailMessage:
    """The way to another password: a link that works once, and what to do for whoever did not ask for it."""
    message = _addressed(sender, to, texts.t('Choose another password', reader), now)
    # another each time: the link of the one before works no longer
    message['Message-ID'] = _number(sender, mail, mail.tries)
    lines = (
        texts.t('Hello,', reader),
        texts.t('Somebody asked for another password for this address. This link works once, for an hour:', reader),
        f'{sender.base_url}/setup/{token}',
        texts.t('If it was not you, nothing has to be done: the password stays as it is.', reader),
    )
    message.set_content('\n\n'.join(lines))
    message['Content-Language'] = reader
    return message


def _addressed(sender: Sender, to: str, subject: str, now: datetime) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    name, address = parseaddr(sender.mail_from)
    message['From'] = Address(name, addr_spec=address)
    message['To'] = Address(addr_spec=to)
    message['Subject'] = subject
    message['Date'] = format_datetime(now)
    message['Auto-Submitted'] = 'auto-generated'
    return message


def _number(sender: Sender, mail: Mail, *more: int) -> str:
    parts = '-'.join(map(str, (mail.id, f'{mail.made_at:%Y%m%d%H%M%S}', *more)))
    return f'<maakav-{parts}@{sender.host}>'


def _subject(mail: Mail, tidings: Tidings, reader: str) -> str:
    claims = list(dict.fromkeys(news.claim_no for news in (*tidings.due, *tidings.news)))
    if mail.kind == DIGEST:
        return texts.tn('Good morning: news of one claim', 'Good morning: news of {n} claims', len(claims), reader)
    return texts.t('News of claim {claim_no}', reader, claim_no=claims[0])


def _parts(sender: Sender, mail: Mail, tidings: Tidings, reader: str) -> Iterable[_Part]:
    if mail.kind != DIGEST:
        yield _Part('', tuple(_line(sender, news, reader) for news in (*tidings.due, *tidings.news)))
        return
    for title, told in ((N_('What is due'), tidings.due), (N_('News'), tidings.news)):
        if told:
            yield _Part(texts.t(title, reader), tuple(_line(sender, news, reader) for news in told))


def _line(sender: Sender, news: News, reader: str) -> tuple[str, str, str]:
    events = ' · '.join(texts.t(EVENTS[event].label, reader) for event in news.events if event in EVENTS)
    return news.claim_no, events, f'{sender.base_url}/claims/{quote(news.claim_no)}'


def _account(sender: Sender) -> str:
    return f'{sender.base_url}/account'


def _plain(sender: Sender, parts: Iterable[_Part], reader: str) -> str:
    lines = [texts.t('Hello,', reader), '']
    for part in parts:
        lines += [part.title, ''] if part.title else []
        for claim_no, events, link in part.lines:
            lines += [f'{texts.t("Claim {claim_no}", reader, claim_no=claim_no)}: {events}', link, '']
    lines += ['--', texts.t('To keep people’s details safe, they are not in this mail.', reader)]
    lines.append(f'{texts.t("Change what you get by mail:", reader)} {_account(sender)}')
    return '\n'.join(lines) + '\n'


def _html(sender: Sender, parts: Iterable[_Part], reader: str) -> str:
    side, language = ('rtl' if texts.is_rtl(reader) else 'ltr'), escape(reader)
    body = f'<p>{escape(texts.t("Hello,", reader))}</p>'
    for part in parts:
        body += f'<h3>{escape(part.title)}</h3>' if part.title else ''
        for claim_no, events, link in part.lines:
            number = f'<bdi dir="ltr">{escape(claim_no)}</bdi>'
            body += f'<p><a href="{escape(link)}">{_claim(reader, number)}</a><br>{escape(events)}</p>'
    small = escape(texts.t('To keep people’s details safe, they are not in this mail.', reader))
    change = escape(texts.t('Change what you get by mail:', reader))
    account = escape(_account(sender))
    return (
        f'<!doctype html><html lang="{language}" dir="{side}"><head><meta charset="utf-8"></head>'
        f'<body dir="{side}" style="{_STYLE}">{body}<hr>'
        f'<p style="font-size:13px;color:#5b6472">{small}<br>{change} <a href="{account}" dir="ltr">{account}</a></p>'
        '</body></html>'
    )


def _claim(reader: str, number: str) -> str:
    return escape(texts.t('Claim {claim_no}', reader)).replace('{claim_no}', number)
