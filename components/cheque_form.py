"""The form of a cheque: to write one down, to put one right, or to enter the one that replaces another."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.answering import KEY_AT_MOST, answering
from components.cheque_shown import draft_of
from components.files_taken import files_taken, refusal_words
from components.live import ask, current_actor, show_changes, work
from components.words import language, said_once, t, tn
from db import values
from db.base import now
from db.calendar import calendar_of
from db.cheques import (
    BANKS,
    DIRECTIONS,
    FIRST_STATES,
    REPLACE_REASONS,
    STATES,
    WARN_DAYS,
    Cheque,
    Slip,
    change_cheque,
    enter_cheque,
    replace_cheque,
)
from db.claims import Claim
from db.documents import document_with, keep
from db.money import Offer
from db.reference import DamageHead
from db.session import fetch_one
from db.texts import N_
from db.values import Malformed

_TYPED_AT_MOST = 400
_TITLES: Mapping[str, str] = {
    'enter': N_('New cheque'),
    'edit': N_('Correct the cheque'),
    'replace': N_('A cheque that replaces another'),
}
_NAMES = ('direction', 'drawer', 'payee', 'chequeNo', 'bank', 'branch', 'account', 'amount', 'due', 'state', 'head')
_FURTHER = ('offer', 'image', 'note', 'reason')


@dataclass(frozen=True)
class Written:
    """What the form sent: the cheque, how far it is, why it replaces another, and the picture of it."""

    slip: Slip
    state: str
    reason: str
    image: str


@dataclass(frozen=True)
class About:
    """What an opened form is for: which cheque, the version that was seen, and its own key, so that saving again writes no second one."""

    what: str
    id: int = 0
    seen: int = 0
    key: str = field(default_factory=lambda: uuid4().hex)


def read_written(sent: object) -> Written:
    """From whatever the browser sent; refuses in words what cannot be a cheque."""
    if not isinstance(sent, dict):
        raise Malformed(N_('It was not saved. Please try again.'))
    typed = {name: sent.get(name, '') for name in (*_NAMES, *_FURTHER)}
    if not all(isinstance(value, str) and len(value) <= _TYPED_AT_MOST for value in typed.values()):
        raise Malformed(N_('It was not saved. Please try again.'))
    if not typed['amount'].strip():
        raise Malformed(N_('Please fill in the sum.'))
    if not typed['due'].strip():
        raise Malformed(N_('Please fill in the due date.'))
    slip = Slip(
        direction=typed['direction'],
        amount=values.money(typed['amount']),
        due_date=values.day(typed['due']),
        **{name: typed[name] for name in ('drawer', 'payee', 'bank', 'branch', 'account', 'note')},
        cheque_no=typed['chequeNo'],
        waiver=sent.get('waiver') is True,
        head=typed['head'] or None,
        offer_id=values.whole(typed['offer']) if typed['offer'] else None,
    )
    return Written(slip, typed['state'], typed['reason'], typed['image'])


def read_about(sent: object) -> About:
    """Likewise what the form that was sent is for."""
    given = sent if isinstance(sent, dict) else {}
    what, key = given.get('what'), given.get('key')
    if not (isinstance(what, str) and what in _TITLES and isinstance(key, str) and 0 < len(key) <= KEY_AT_MOST):
        raise Malformed(N_('It was not saved. Please try again.'))
    return About(what, _number(given.get('id')), _number(given.get('seen')), key)


def _number(given: object) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given < 2**63:
        raise Malformed(N_('It was not saved. Please try again.'))
    return given


def _write(session: Any, claim_id: int, written: Written, about: About) -> Cheque:
    """Enter, change or replace."""
    at = now()
    slip = _with_image(session, written, at)
    if about.what == 'edit':
        return change_cheque(session, about.id, slip, about.seen, at)
    if about.what == 'replace':
        return replace_cheque(session, about.id, slip, written.state, at, written.reason)
    return enter_cheque(session, claim_id, slip, written.state, at, key=about.key)


def _with_image(session: Any, written: Written, at: datetime) -> Slip:
    if not written.image:
        return written.slip
    document = fetch_one(session, document_with(written.image))
    if document is None:
        raise Malformed(N_('The picture of the cheque was not found. Please send it again.'))
    return replace(written.slip, image_id=keep(session, written.image, at).id)


def _why_closed(session: Any, due: date) -> str:
    return calendar_of(session).why_closed(due) or ''


def _day_told(due: date, closed: str) -> dict[str, str]:
    """What one should know of a due date before one saves it: the days left, and why nobody works on it."""
    left = (due - values.israel(now()).date()).days
    days = tn('{n} day left', '{n} days left', left) if left > 0 else t('Due today')
    return {
        'day': due.isoformat(),
        'days': days if left >= 0 else t('The due date has passed'),
        'late': t('The cheque was entered less than 14 days before its due date') if left < WARN_DAYS else '',
        'closed': t('The due date is {reason}', reason=t(closed)) if closed else '',
    }


class ChequeForm(Element, component='cheque_form.js', dependencies=['set_aside.js']):
    """Folded until it is wanted. What is typed lives in the browser with what it is about, and stays there when it is refused."""

    def __init__(self, claim: Claim, follow: Callable[[], Awaitable[None]]) -> None:
        """`follow` has the page read anew after a cheque of this claim was written."""
        super().__init__()
        self._claim_id, self._follow, self._reader, self._opened = claim.id, follow, language(), 0
        self._props.update(opened=None, answer=None, told=None, choices={}, words=_words(), limit=300)
        self._props['limits'] = files_taken()
        self._props['upload'] = f'/files/claims/{quote(claim.claim_no, safe="")}'
        self._props['keep'] = f'{current_actor().user_id}/{claim.id}/cheques'
        self.on('save', self._save)
        self.on('day', self._look_at_day)

    def offer(self, heads: Sequence[DamageHead], offers: Sequence[Offer]) -> None:
        """What one chooses from."""
        choices = {
            'directions': _choices(DIRECTIONS),
            'states': _choices({state: STATES[state] for state in FIRST_STATES}),
            'reasons': _choices(REPLACE_REASONS),
            'banks': [{'id': code, 'label': name} for code, name in BANKS.items()],
            'heads': [{'id': head.id, 'label': head.label_in(self._reader)} for head in heads],
            'offers': [{'id': str(offer.id), 'label': offer_line(offer, self._reader)} for offer in offers],
        }
        show_changes(self, {'choices': choices})

    def begin(self, draft: Mapping[str, Any]) -> None:
        """Open it for a new cheque, with what is known of it already."""
        self._open(About('enter'), draft)

    def edit(self, cheque: Cheque, images: Mapping[int, str]) -> None:
        """Open it to put a cheque right."""
        self._open(About('edit', cheque.id, cheque.version), draft_of(cheque, images))

    def replace(self, cheque: Cheque, images: Mapping[int, str]) -> None:
        """Open it for the cheque that replaces another one."""
        draft = draft_of(cheque, images) | {'chequeNo': '', 'due': '', 'image': '', 'state': 'received'}
        self._open(About('replace', cheque.id, cheque.version), draft)

    def _open(self, about: About, draft: Mapping[str, Any]) -> None:
        self._opened += 1
        self._props['opened'] = {'turn': self._opened, 'about': asdict(about), 'draft': dict(draft)}
        self.update()

    async def _look_at_day(self, event: GenericEventArguments) -> None:
        told = None
        try:
            due = values.day(str(event.args)[:40])
            told = _day_told(due, await ask(_why_closed, due))
        except Malformed:
            told = None  # still being typed; saving says what is wrong
        show_changes(self, {'told': told})

    async def _save(self, event: GenericEventArguments) -> None:
        with answering(self, event.args) as answer:
            cheque = await work(_write, self._claim_id, read_written(event.args), read_about(event.args))
            answer |= {'message': '', 'id': cheque.id, 'seen': cheque.version}
            await self._follow()


def _choices(labels: Mapping[str, str]) -> list[dict[str, str]]:
    return [{'id': key, 'label': t(label)} for key, label in labels.items()]


def offer_line(offer: Offer, reader: str) -> str:
    """An offer in a menu: its sum and its day."""
    return f'{values.format_money(offer.amount, reader)} · {values.format_day(offer.offered_on)}'


@said_once
def _words() -> dict[str, str]:
    return {
        **{what: t(title) for what, title in _TITLES.items()},
        'direction': t('Who pays whom'),
        'state': t('How far is it?'),
        'amount': t('Sum'),
        'due': t('Due date'),
        'no': t('Cheque no.'),
        'bank': t('Bank'),
        'branch': t('Branch'),
        'account': t('Account'),
        'drawer': t('Drawer'),
        'payee': t('Payee'),
        'head': t('Head of damage'),
        'offer': t('Offer it pays'),
        'none': t('None'),
        'waiver': t('Carries a waiver: not to be deposited without confirmation'),
        'note': t('Note'),
        'image': t('Picture of the cheque'),
        'addImage': t('Add a picture'),
        'sending': t('Sending…'),
        'sent': t('The picture is attached'),
        'earlierStays': t('The earlier picture stays.'),
        'failed': t('The picture was not sent. Please try again.'),
        **refusal_words(language()),
        'why': t('Why is it replaced?'),
        'choose': t('Choose a reason'),
        'save': t('Save the cheque'),
        'saving': t('Saving…'),
        'cancel': t('Cancel'),
        'late': t('No answer came. What you typed is kept here; please save it again.'),
    }
