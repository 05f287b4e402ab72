"""What the matrix of documents may learn: lines that claims sent back propose, each for an admin to take or to leave."""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, NamedTuple

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.answering import answering
from components.claim_head import claim_address
from components.live import Subscription, ask, show_changes, words_topic, work
from components.shared_words import reference
from components.words import language, t, tn
from db.base import now
from db.claims import FIELDS, TRACKS
from db.proposals import UNDECIDED, Counted, Proposal, approve, counted, decline, proposals
from db.reference import Reference
from db.texts import N_
from db.values import Malformed

KEY_AT_MOST = 120
_ORDERS: Mapping[str, Callable[..., None]] = {'approve': approve, 'decline': decline}


# so long a page does not count the claims again, whatever is edited above or below it: no edit changes what insurers asked for
KEPT_SECONDS = 300.0


class _Kept(NamedTuple):
    """What was counted, and when."""

    at: float
    asked: Counted


def _read(session: Any, kept: _Kept | None) -> tuple[list[Proposal], Reference, _Kept]:
    if kept is None or monotonic() - kept.at > KEPT_SECONDS:
        kept = _Kept(monotonic(), counted(session))
    return proposals(session, kept.asked), reference(session), kept


class MatrixProposals(Element, component='matrix_proposals.js'):
    """The card above the matrix; not there when nothing is proposed."""

    _kept: _Kept | None = None

    def __init__(self) -> None:
        """Draw nothing; `load` fills it, and it follows what other admins decide."""
        super().__init__()
        self._props.update(proposals=[], answer=None, words=_words())
        self.on('decide', self._decide)
        with self:
            Subscription([words_topic()], lambda _: self.load())

    async def load(self) -> None:
        """Read anew what is proposed."""
        found, words, self._kept = await ask(_read, self._kept)
        if not self.is_deleted:
            show_changes(self, {'proposals': [_shown(one, words, language()) for one in found]})

    async def _decide(self, event: GenericEventArguments) -> None:
        sent = event.args if isinstance(event.args, dict) else {}
        order, key = sent.get('order'), sent.get('key')
        with answering(self, sent) as answer:
            answer['said'] = ''
            if not (isinstance(order, str) and order in _ORDERS and isinstance(key, str) and len(key) <= KEY_AT_MOST):
                raise Malformed(N_('It was not saved. Please try again.'))
            await work(_ORDERS[order], key, now())
            said = t('The line was added to the matrix.') if order == 'approve' else t('It is not proposed for now.')
            answer |= {'said': said, 'message': ''}
            await self.load()


def _shown(one: Proposal, words: Reference, reader: str) -> dict[str, Any]:
    document = words.document_types[one.type].label_in(reader)
    track = t('Every track') if one.track == UNDECIDED else f'{t("Track")}: {t(TRACKS[one.track])}'
    more = one.claims - len(one.named)
    return {
        'key': one.key,
        'title': t(
            'Add “{document}” by default for {insurer}?', document=document, insurer=words.insurers[one.insurer].name
        ),
        'where': [track, *([f'{t("Condition")}: {t(FIELDS[one.flag].label)}'] if one.flag else [])],
        'asked': tn(
            'Asked for in {n} claim that was sent back:', 'Asked for in {n} claims that were sent back:', one.claims
        ),
        'claims': [{'no': number, 'href': claim_address(number, tab='documents')} for number in one.named],
        'more': t('and {n} more', n=more) if more else '',
    }


def _words() -> dict[str, str]:
    return {
        'title': t('Proposals for the matrix'),
        'hint': t(
            'Insurers keep asking for these when they send claims back, and the matrix does not. What is left out is'
            ' proposed again after three more claims.'
        ),
        'approve': t('Add to the matrix'),
        'decline': t('Leave out'),
        'late': t('No answer came. Please try again: nothing is done twice.'),
    }
