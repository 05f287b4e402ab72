"""The panels around the sections of the claim page: what changed, what the status means, the daily update, internal notes."""

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Any

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.answering import answering
from components.claim_rows import SECTIONS, News, Wording, names_in, row_of, section_summary, title_of
from components.claim_sections import Written
from components.marks import hue_of, initials_of
from components.messages_panel import read_letter
from components.theme import section_icon, status_look
from components.words import isolated, said_once, t, tn
from db import texts, values
from db.claims import Claim
from db.messages import Letter

NOTE_AT_MOST = 5000


class ChangesBar(Element, component='changes_bar.js'):
    """«3 changes since your last visit», with a walk through them; not there when there is nothing to say."""

    def __init__(self, last_visit: datetime | None, read: Callable[[], Awaitable[None]]) -> None:
        """`read` is called when the person has had enough of the marks."""
        super().__init__()
        self._last_visit = last_visit
        self._props.update(count=0, counted='', since='', words=_bar_words())

        async def asked() -> None:
            await read()

        self.on('read', asked, args=[])

    def show(self, news: News, now: datetime, reader: str) -> None:
        """Say how many fields changed."""
        count = len(news.before)
        counted = tn('{n} change', '{n} changes', count)
        at = self._last_visit
        since = t('that you have not seen yet')
        if at is not None:
            since = t('since your last visit ({when})', when=values.format_moment(at, now, reader))
        shown = {'count': count, 'counted': counted, 'since': since}
        if any(self._props[name] != value for name, value in shown.items()):
            self._props.update(shown)
            self.update()


@said_once
def _bar_words() -> dict[str, str]:
    return {
        'title': t('Changed since your last visit'),
        'walk': t('Step through the changes'),
        'read': t('Mark as read'),
    }


def write_sections(
    claim: Claim, wording: Wording, news: News, moment: datetime, *, editable: Collection[str]
) -> Written:
    """All rows of a claim, section by section, with what stands around them. `editable`: the fields the reader may change."""
    reader, today = wording.reader, values.israel(moment).date()
    around: dict[str, dict[str, Any]] = {
        'status': {'title': t('Status'), 'look': 'why', 'columns': 2, 'explained': status_explained(claim, wording)},
        'daily': {
            'title': t('Daily update from the claims team'),
            'look': 'daily',
            'explained': daily_explained(claim, moment, reader),
        },
        **{section: _card_of(section, claim, wording) for section in SECTIONS},
    }
    for section, shown in around.items():
        rows = (
            row_of(name, claim, wording, news, editable=name in editable, today=today) for name in names_in(section)
        )
        shown['fields'] = [row for row in rows if row]
    return Written.of(around)


def _card_of(section: str, claim: Claim, wording: Wording) -> dict[str, Any]:
    return {
        'title': title_of(section, wording.reader),
        'icon': section_icon(section),
        'unfold': section == 'insured',
        'summary': section_summary(section, claim, wording),
    }


def status_explained(claim: Claim, wording: Wording) -> dict[str, Any]:
    """The status in plain words: what it is called and what happens now."""
    look = status_look(claim.status)
    status = wording.reference.statuses.get(claim.status)
    text = status.explanation_in(wording.reader) if status else ''
    if claim.next_action:
        text = t('{explanation}. Next: {action}', explanation=text.rstrip('.'), action=claim.next_action)
    return {
        'hue': look.hue,
        'icon': look.icon,
        'title': t('What happens now: {status}', status=wording.text('status', claim.status)),
        'text': text,
    }


def daily_explained(claim: Claim, now: datetime, reader: str) -> dict[str, Any]:
    """Who wrote the daily update and when, and whether somebody looked today."""
    explained: dict[str, Any] = {'fresh': _freshness(claim, now, reader)}
    if claim.daily_note and claim.daily_note_at:
        explained |= {
            'initials': initials_of(claim.daily_note_by),
            'hue': hue_of(claim.daily_note_by),
            'by': claim.daily_note_by,
            'at': claim.daily_note_at.isoformat(),
            'when': values.format_moment(claim.daily_note_at, now, reader),
            'exact': values.format_exact(claim.daily_note_at),
        }
    return explained


def _freshness(claim: Claim, now: datetime, reader: str) -> str:
    checked, today = claim.checked_at, values.israel(now).date()
    if checked is not None and values.israel(checked).date() == today and checked >= claim.updated_at:
        time = values.format_time(checked)
        return texts.t('Checked today, no change · {name}, {time}', reader, name=isolated(claim.checked_by), time=time)
    seen = max(claim.updated_at, checked) if checked else claim.updated_at
    days = (today - values.israel(seen).date()).days
    return '' if days < 1 else texts.tn('Last updated {n} day ago', 'Last updated {n} days ago', days, reader)


class NoteBox(Element, component='note_box.js'):
    """Where the bureau writes a note that no agent can read."""

    def __init__(self, write: Callable[[Letter], Awaitable[None]], keep: str) -> None:
        """`write` keeps the note; when it raises, what was typed stays. The browser's tab remembers it under `keep`."""
        super().__init__()
        self._props.update(
            answer=None,
            keep=keep,
            limit=NOTE_AT_MOST,
            words={
                'label': t('Internal note'),
                'hint': t('Note for the bureau only…'),
                'who': t('Only the bureau sees it'),
                'write': t('Add note'),
                'going': t('No answer yet. What you wrote is still on its way; it will be kept only once.'),
            },
        )

        async def asked(event: GenericEventArguments) -> None:
            with answering(self, event.args) as answer:
                letter = read_letter(event.args)
                if len(letter.body) <= NOTE_AT_MOST:
                    await write(letter)
                    answer['message'] = ''

        self.on('write', asked)
