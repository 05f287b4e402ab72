"""The documents of a claim on its page: what is missing and from whom, what came and in which state, and the orders about them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.answering import answering
from components.attachments import kinds_offered
from components.files_taken import MOST_MEGABYTES, files_taken, queue_words
from components.live import Subscription, ask, claim_topic, current_actor, show_changes, words_topic, work
from components.shared_words import reference
from components.words import isolated, language, reject_reason, said_once, t, tn
from db import documents, packs, requirements, texts, values
from db.base import now
from db.claims import Claim
from db.documents import (
    FREE_TYPE,
    GROUPS,
    REJECT_REASONS,
    Document,
    DocumentView,
    current,
    document_with,
    documents_of,
    trash_of,
    views_of,
)
from db.packs import SubmissionPack
from db.reference import Reference
from db.requirements import STATES, ChecklistItem, checklist, missing_count
from db.scope import Actor, Can
from db.sendings import WAYS, PackSending, SendingNote, note_sending, sendings_of
from db.session import fetch, fetch_one
from db.texts import N_
from db.values import Malformed

VIEWS_SHOWN, PACKS_SHOWN = 50, 5
TYPED_AT_MOST = 1000
# the kinds that are taken, as `jobs/decoding.py` knows them
_KINDS: Mapping[str, tuple[str, str]] = {
    'application/pdf': ('PDF', 'picture_as_pdf'),
    'image/jpeg': ('JPG', 'image'),
    'image/png': ('PNG', 'image'),
    'image/webp': ('WebP', 'image'),
    'image/heic': ('HEIC', 'image'),
    'image/tiff': ('TIFF', 'image'),
    'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': ('XLSX', 'table_rows'),
    'application/vnd.openxmlformats-officedocument.wordprocessingml.document': ('DOCX', 'description'),
}
_STATE_HUES = {
    'required': ('amber', 'error'),
    'received': ('blue', 'schedule'),
    'accepted': ('green', 'check_circle'),
    'rejected': ('red', 'cancel'),
    'not_required': ('slate', 'remove'),
}
_VIEWED = {
    'previewed': N_('looked at it'),
    'downloaded': N_('downloaded it'),
    'original': N_('downloaded the original'),
    'packed': N_('downloaded it in a ZIP'),
    'submitted': N_('downloaded it in a submission pack'),
}


@dataclass(frozen=True)
class Shelf:
    """What the panel reads of a claim: the checklist, every version that is there, the trash, the packs and where they went, and the words for them."""

    claim: Claim
    items: Sequence[ChecklistItem]
    documents: Sequence[Document]
    trash: Sequence[Document]
    packs: Sequence[SubmissionPack]
    sendings: Sequence[PackSending]
    reference: Reference


def read_shelf(session: Any, claim_id: int, packs_at_most: int | None = PACKS_SHOWN + 1) -> Shelf | None:
    """Read the documents under the asker's scope; None when the claim is not his (any more)."""
    claim = session.get(Claim, claim_id)
    if claim is None:
        return None
    items = checklist(session, claim)
    return Shelf(
        claim,
        items,
        fetch(session, documents_of(claim_id)),
        fetch(session, trash_of(claim_id)),
        fetch(session, packs.packs_of(claim_id).limit(packs_at_most)),
        fetch(session, sendings_of(claim_id)),
        reference(session),
    )


def read_views(session: Any, address: str) -> list[DocumentView]:
    """Who looked at a document; for the bureau only."""
    document = fetch_one(session, document_with(address))
    return fetch(session, views_of(document.id).limit(VIEWS_SHOWN)) if document else []


class DocumentsPanel(
    Element, component='documents_panel.js', dependencies=['document_viewer.js', 'set_aside.js', 'upload_queue.js']
):
    """Follows the documents of one claim live. Files go straight to their route; every other order comes here."""

    def __init__(self, claim: Claim, last_visit: datetime | None) -> None:
        """What came after `last_visit` from others is marked as new."""
        super().__init__()
        self._claim_id, self._last_visit = claim.id, last_visit
        self._actor, self._reader = current_actor(), language()
        self._looked_at, self._all_packs = '', False
        address = f'/files/claims/{quote(claim.claim_no, safe="")}'
        self._props.update(
            claimNo=claim.claim_no,
            address=address,
            person=str(self._actor.user_id),
            keep=f'{self._actor.user_id}/{claim.id}/documents',
            taken=files_taken(),
            kinds=', '.join(name for name, _ in _KINDS.values()),
            mayUpload=self._actor.may(Can.UPLOAD),
            mayJudge=self._actor.may(Can.EDIT_CLAIM),
            ways=[{'id': key, 'label': t(label)} for key, label in WAYS.items()],
            reasons=[{'id': key, 'label': t(label)} for key, label in REJECT_REASONS.items()],
            words=_words(),
            items=[],
            documents=[],
            trash=[],
            packs=[],
            today='',
            morePacks=False,
            groups=[],
            types=[],
            sums={},
            views=None,
            answer=None,
        )
        self.on('order', self._order)
        self.on('look', self._look)
        self.on('all_packs', self._show_all_packs)
        with self:
            Subscription([claim_topic(claim.id), words_topic()], lambda _: self.refresh())

    async def refresh(self) -> None:
        """Read the documents anew and show what differs."""
        shelf = await ask(read_shelf, self._claim_id, None if self._all_packs else PACKS_SHOWN + 1)
        if shelf is not None and not self.is_deleted:
            self.show(shelf)

    def show(self, shelf: Shelf) -> None:
        """Show what was read."""
        sent = shelf.packs if self._all_packs else shelf.packs[:PACKS_SHOWN]
        drawn = {
            'packs': [_pack(pack, shelf.sendings) for pack in sent],
            'morePacks': len(sent) < len(shelf.packs),
            'today': values.israel(now()).date().isoformat(),
        }
        show_changes(self, drawn | _shown(shelf, self._actor, self._reader, self._last_visit))

    async def _show_all_packs(self) -> None:
        self._all_packs = True
        await self.refresh()

    async def _look(self, event: GenericEventArguments) -> None:
        """A document was opened (or, with nothing, closed): tell the bureau who saw it before."""
        self._looked_at = event.args[:40] if isinstance(event.args, str) else ''
        if self._actor.may(Can.SEE_INTERNAL):
            address = self._looked_at
            views = await ask(read_views, address) if address else []
            if address == self._looked_at and not self.is_deleted:
                self._props['views'] = {'document': address, 'lines': [_viewed(view, self._reader) for view in views]}
                self.update()

    async def _order(self, event: GenericEventArguments) -> None:
        """Do what was asked, and answer the form it came from; refused, what was typed stays there with the reason."""
        with answering(self, event.args) as answer:
            answer |= {'said': '', 'form': _typed(_mapping(event.args), 'form')}
            answer |= {'said': await self._done(_mapping(event.args)), 'message': ''}
            await self.refresh()

    async def _done(self, sent: Mapping[str, Any]) -> str:
        """Obey an order and return what to say about it."""
        name, address = _typed(sent, 'order'), _typed(sent, 'document')
        kind, need = _typed(sent, 'type'), _number(sent.get('need'))
        claim_id, moment, blocking = self._claim_id, now(), sent.get('blocking') is True
        orders: Mapping[str, tuple[str, Callable[[], Any]]] = {
            'accept': (t('Marked as in order'), lambda: work(documents.accept, address, moment)),
            'reject': (
                t('Rejected. The office sees the reason.'),
                lambda: work(documents.reject, address, _typed(sent, 'reason'), moment),
            ),
            'reopen': (t('Waiting to be checked again'), lambda: work(documents.reopen, address, moment)),
            'retype': (t('Filed anew'), lambda: work(documents.retype, address, kind, need_id=need)),
            'remove': (t('Moved to the trash'), lambda: work(documents.remove, address, moment)),
            'restore': (t('Back from the trash'), lambda: work(documents.restore, address)),
            'waive': (
                t('Not required in this claim'),
                lambda: work(requirements.waive, claim_id, kind, _typed(sent, 'reason'), moment),
            ),
            'require': (
                t('Required in this claim'),
                lambda: work(requirements.require, claim_id, kind, moment, blocking=blocking),
            ),
            'ask_for': (
                t('Required in this claim'),
                lambda: work(requirements.ask_for, claim_id, _typed(sent, 'label'), moment, blocking=blocking),
            ),
            'withdraw': (
                t('Not required in this claim'),
                lambda: work(requirements.withdraw, claim_id, need or 0, moment),
            ),
            'sent': (t('The sending was recorded'), lambda: work(note_sending, address, _sending(sent), moment)),
            'recheck': (t('The documents were counted'), lambda: work(requirements.recheck, claim_id)),
        }
        if name not in orders:
            raise Malformed(N_('It was not saved. Please try again.'))
        said, obey = orders[name]
        await obey()
        return said


def _mapping(sent: object) -> Mapping[str, Any]:
    return sent if isinstance(sent, dict) else {}


def _typed(sent: Mapping[str, Any], name: str) -> str:
    typed = sent.get(name)
    return typed if isinstance(typed, str) and len(typed) <= TYPED_AT_MOST else ''


def _sending(sent: Mapping[str, Any]) -> SendingNote:
    return SendingNote(_typed(sent, 'to'), values.day(_typed(sent, 'on')), _typed(sent, 'way'))


def _number(given: object) -> int | None:
    return given if isinstance(given, int) and not isinstance(given, bool) and 0 < given < 2**53 else None


# ---- what the browser draws -------------------------------------------------------------------------------------------------


def _shown(shelf: Shelf, actor: Actor, reader: str, last_visit: datetime | None) -> dict[str, Any]:
    moment = now()
    required = sum(item.required for item in shelf.items)
    missing = missing_count(shelf.items)
    tiles = _documents(shelf, actor, reader, moment, last_visit)
    return {
        'items': [_item(item, shelf.reference, actor, reader) for item in shelf.items],
        'documents': tiles,
        'trash': [
            _document(document, _title(document, shelf, reader), reader, moment)
            | {'deleted': _who(document.deleted_by, document.deleted_at, moment, reader)}
            for document in shelf.trash
            if document.may_remove(actor)
        ],
        'groups': _groups(tiles, shelf.items, reader),
        'types': kinds_offered(shelf.reference.document_types.values(), reader),
        'sums': _sums(shelf, required, missing),
    }


def _sums(shelf: Shelf, required: int, missing: int) -> dict[str, Any]:
    """The ring and what stands beside it."""
    insurer = shelf.reference.insurers.get(shelf.claim.tp_insurer or 0)
    purpose = ''
    if missing:
        purpose = t('to complete the demand to {insurer}', insurer=insurer.name) if insurer else t('for the demand')
    return {
        'required': required,
        'received': required - missing,
        'missing': missing,
        'title': t(
            '{received} of {required} required documents received', received=required - missing, required=required
        ),
        'missingText': tn('{n} document is missing', '{n} documents are missing', missing) if missing else '',
        'purpose': purpose,
        'unchecked': shelf.claim.documents == 'unchecked',
    }


def _item(item: ChecklistItem, words: Reference, actor: Actor, reader: str) -> dict[str, Any]:
    hue, icon = _STATE_HUES[item.state]
    rejected = item.documents[0].uuid if item.state == 'rejected' else None
    return {
        'key': f'{item.type.id}:{item.need_id or ""}',
        'type': item.type.id,
        'need': item.need_id,
        'label': item.label_in(reader),
        'group': item.type.group,
        'who': _from_whom(item, words, reader),
        'yours': item.missing and item.from_office and not actor.is_bureau,
        'state': item.state,
        'stateLabel': t(STATES[item.state]),
        'reason': reject_reason(item.reason, reader),
        'hue': hue,
        'icon': icon,
        'required': item.required,
        'blocking': item.blocking,
        'waived': item.waived,
        'missing': item.missing,
        'replaces': rejected,
    }


def _from_whom(item: ChecklistItem, words: Reference, reader: str) -> str:
    """Who brings it, and that the insurer asked for it."""
    who = t('From: {who}', who=' / '.join(_supplier(key, words, reader) for key in item.type.suppliers))
    return f'{who} · {t("The insurer asked for it")}' if item.asked else who


def _supplier(key: str, words: Reference, reader: str) -> str:
    if key == 'bureau':
        return t('the bureau')
    return words.waiting[key].label_in(reader) if key in words.waiting else key


def _groups(tiles: Sequence[Mapping[str, Any]], items: Sequence[ChecklistItem], reader: str) -> list[dict[str, Any]]:
    came = Counter(tile['group'] for tile in tiles if tile['current'])
    missing = Counter(item.type.group for item in items if item.missing)
    return [
        {
            'id': key,
            'label': texts.t(label, reader),
            'count': came[key],
            'missing': missing[key],
            'counted': ' · '.join(
                filter(
                    None,
                    (
                        tn('{n} document', '{n} documents', came[key]) if came[key] else '',
                        tn('{n} missing', '{n} missing', missing[key]) if missing[key] else '',
                    ),
                )
            ),
        }
        for key, label in GROUPS.items()
    ]


def _documents(
    shelf: Shelf, actor: Actor, reader: str, moment: datetime, last_visit: datetime | None
) -> list[dict[str, Any]]:
    shown_now = {document.uuid for document in current(shelf.documents)}
    by_id = {document.id: document for document in shelf.documents}
    titles = _titles(shelf, shown_now, reader)
    return [
        {
            **_document(document, titles[document.uuid], reader, moment),
            'group': shelf.reference.document_types[document.type].group,
            'current': document.uuid in shown_now,
            'replaces': by_id[document.replaces].uuid if document.replaces in by_id else None,
            'fresh': bool(last_visit and document.at > last_visit and document.uploaded_by != actor.user_id),
            'mine': document.uploaded_by == actor.user_id,
            'mayRemove': document.may_remove(actor),
        }
        for document in shelf.documents
    ]


def _title(document: Document, shelf: Shelf, reader: str) -> str:
    """What a document is called: what was asked for, its type, or by its own name where the type says nothing."""
    asked = next((item.label for item in shelf.items if item.need_id and item.need_id == document.need_id), '')
    kind = shelf.reference.document_types[document.type]
    if not asked and (kind.id == FREE_TYPE or kind.group == 'photos'):
        return document.title.rpartition('.')[0] or document.title
    return asked or kind.label_in(reader)


def _titles(shelf: Shelf, shown_now: set[str], reader: str) -> dict[str, str]:
    """The names of all documents; where several of a kind are there, they are numbered from the oldest."""
    names = {document.uuid: _title(document, shelf, reader) for document in shelf.documents}
    often = Counter(name for address, name in names.items() if address in shown_now)
    number: Counter[str] = Counter()
    for document in reversed(shelf.documents):
        name = names[document.uuid]
        if document.uuid in shown_now and often[name] > 1:
            number[name] += 1
            names[document.uuid] = f'{name} ({number[name]})'
    return names


def _document(document: Document, title: str, reader: str, moment: datetime) -> dict[str, Any]:
    kind, icon = _KINDS.get(document.media_type, ('', 'description'))
    hue, state_icon = _STATE_HUES[document.state]
    today = values.israel(moment).date()
    on = values.israel(document.at).date()
    return {
        'uuid': document.uuid,
        'type': document.type,
        'need': document.need_id,
        'title': title,
        'file': document.title,
        'kind': kind,
        'icon': icon,
        'bytes': document.size,
        'size': values.format_size(document.size),
        'pages': document.pages or 0,
        'pagesText': tn('{n} page', '{n} pages', document.pages) if document.pages and document.pages > 1 else '',
        'preview': document.preview_state in ('waiting', 'ready') and bool(document.pages),
        'state': document.state,
        'stateLabel': t(STATES[document.state]),
        'reason': reject_reason(document.reject_reason, reader),
        'hue': hue,
        'stateIcon': state_icon,
        'decided': _who(document.decided_by, document.decided_at, moment, reader),
        'version': document.version,
        'versionText': t('Version {n}', n=document.version) if document.version > 1 else '',
        'at': document.at.isoformat(),
        'day': t('Today') if on == today else values.format_day(on, today),
        'received': t('Received at the bureau {when}', when=values.format_moment(document.at, moment, reader)),
        'exact': values.format_exact(document.at),
        'by': document.by,
        'scanned': document.scanned,
    }


def _pack(pack: SubmissionPack, sendings: Sequence[PackSending]) -> dict[str, Any]:
    apart = len(pack.sent_apart)
    return {
        'uuid': pack.uuid,
        'at': values.format_exact(pack.at),
        'day': values.israel(pack.at).date().isoformat(),
        'by': pack.by,
        'sent': [_sent(sending) for sending in sendings if sending.pack_id == pack.id],
        'insurer': pack.insurer,
        'pages': tn('{n} page', '{n} pages', pack.pages),
        'size': values.format_size(pack.size),
        'apart': tn('{n} document sent apart', '{n} documents sent apart', apart) if apart else '',
        'lines': [
            *_no_letter(pack),
            *((entry['title'], t('p. {page}', page=_span(entry)), entry['first']) for entry in pack.parts),
            *((title, t('Sent apart'), 0) for title in pack.sent_apart),
            *((title, t('The file is missing in the system'), 0) for title in pack.lost),
        ],
    }


def _sent(sending: PackSending) -> str:
    to, day, way = isolated(sending.sent_to), values.format_day(sending.sent_on), t(WAYS[sending.way])
    return f'{t("Sent to {to} on {day}: {way}", to=to, day=day, way=way)} · {isolated(sending.by)}'


def _no_letter(pack: SubmissionPack) -> list[tuple[str, str, int]]:
    """That it has no demand letter and why; of one that was uploaded it tells like of every document."""
    why = (pack.letter or {}).get('why', 'uploaded')
    return [] if why == 'uploaded' else [(t('No demand letter'), t(packs.NO_LETTER[why]), 0)]


def _span(entry: Mapping[str, Any]) -> str:
    first, last = entry['first'], entry['first'] + entry['pages'] - 1
    return isolated(f'{first}–{last}' if last > first else str(first))


def _who(name: str, at: datetime | None, moment: datetime, reader: str) -> str:
    return f'{isolated(name)}, {values.format_moment(at, moment, reader)}' if at else ''


def _viewed(view: DocumentView, reader: str) -> dict[str, str]:
    return {
        'key': str(view.id),
        'by': view.by,
        'how': texts.t(_VIEWED.get(view.how, view.how), reader),
        'when': values.format_exact(view.at),
    }


@said_once
def _words() -> dict[str, str]:
    return {
        'documents': t('Documents'),
        'required': t('Required documents'),
        'received': t('Documents received'),
        'receivedAt': t('Received at the bureau {when}', when='{time}'),
        'complete': t('Everything required is here'),
        'nothingRequired': t('Nothing is required in this claim yet.'),
        'nothing': t('No documents yet'),
        'nothingHint': t('What is sent here reaches the bureau at once.'),
        'unchecked': t('Nobody has checked the documents of this claim yet; some may be at the bureau already.'),
        'recheck': t('Count them now'),
        'blocking': t('Holds the submission'),
        'yours': t('Needed from you'),
        'upload': t('Upload'),
        'uploadNamed': t('Upload: {name}', name='{name}'),
        'uploadMissing': t('Missing · upload'),
        'uploadBetter': t('Upload a better one'),
        'photograph': t('Photograph a document'),
        'photographWhat': t('What is photographed?'),
        'other': t('Another document'),
        'chooseFile': t('Choose a file'),
        'drop': t('Drag files here'),
        'or': t('or'),
        'choose': t('choose them from the computer'),
        'dropHere': t('Drop to upload'),
        'limit': t('up to {size} a file', size=f'\u2066{MOST_MEGABYTES} MB\u2069'),
        'sorted': t('The kind is guessed from the name; the bureau files it where it belongs.'),
        'all': t('All'),
        'groups': t('Kinds of documents'),
        'pick': t('Select'),
        'pickDone': t('Done selecting'),
        'downloadAll': t('Download all'),
        'downloadPicked': t('Download the selected'),
        'makePack': t('Submission pack'),
        'packHint': t(
            'With a demand letter of what is demanded, and all documents but what came from the insurer and the waiver and release; select to choose others'
        ),
        'makePackPicked': t('Submission pack of the selected'),
        'withLetter': t('With a demand letter'),
        'packing': t('The pack is being made…'),
        'packLost': t('No answer came. If the pack was made, it appears under the documents.'),
        'packs': t('Submission packs'),
        'downloadPart': t('Download {name} from the pack of {when}', name='{name}', when='{when}'),
        'sent': t('Record a sending'),
        'sentTo': t('Sent to'),
        'sentOn': t('Sent on'),
        'sentBy': t('Sent by'),
        'choosing': t('Please choose'),
        'allPacks': t('Show all'),
        'uploads': t('Uploads'),
        'arrivedOf': t('Arrived: {done} of {all}', done='{done}', all='{all}'),
        'clear': t('Clear the list'),
        **queue_words(language()),
        'sending': t('Sending…'),
        'retry': t('Send it again'),
        'fresh': t('New since your last visit'),
        'actions': t('Actions'),
        'open': t('Open it'),
        'download': t('Download'),
        'original': t('The original file'),
        'newVersion': t('Upload a new version'),
        'accept': t('In order'),
        'reject': t('Reject…'),
        'rejectTitle': t('Why is it rejected?'),
        'rejectFree': t('Something else, in words'),
        'rejectSend': t('Reject and tell the office'),
        'reopen': t('Take the decision back'),
        'retype': t('Filed as'),
        'late': t('No answer came. Please try again: nothing is done twice.'),
        'remove': t('Move to the trash'),
        'restore': t('Restore'),
        'trash': t('Trash'),
        'notRequired': t('Not required'),
        'waive': t('Not required in this claim'),
        'waiveWhy': t('Why (optional)'),
        'requireAgain': t('Required after all'),
        'requireOther': t('Require another document'),
        'which': t('Which document'),
        'what': t('What is needed'),
        'withdraw': t('Not needed after all'),
        'save': t('Save'),
        'cancel': t('Cancel'),
        'viewer': t('Document'),
        'close': t('Close'),
        'gone': t('The document that was open here is in the trash now.'),
        'expand': t('Full screen'),
        'shrink': t('Beside the list'),
        'nextPage': t('Next page'),
        'previousPage': t('Previous page'),
        'pageOf': t('{page} of {pages}', page='{page}', pages='{pages}'),
        'pageAlt': t('{name}, page {page} of {pages}', name='{name}', page='{page}', pages='{pages}'),
        'nextDocument': t('Next document'),
        'previousDocument': t('Previous document'),
        'zoomIn': t('Zoom in'),
        'zoomOut': t('Zoom out'),
        'rotate': t('Rotate'),
        'noPreview': t('This file has no picture. Download it to see it.'),
        'drawing': t('The page is being drawn…'),
        'versions': t('Versions'),
        'version': t('Version {n}', n='{n}'),
        'viewed': t('Who has seen it'),
        'notViewed': t('Nobody yet'),
        'scanned': t('Scanned, no threats'),
    }
