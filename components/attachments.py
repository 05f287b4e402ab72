"""Files of a message: documents of its claim like any other, which also stand where they were sent."""

import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from components.files_taken import files_taken, queue_words
from components.theme import Look
from components.words import language, t
from db import texts, values
from db.claims import Claim
from db.documents import FREE_TYPE, Document
from db.reference import DocumentType
from db.texts import N_

_LOOKS = {'application/pdf': Look('red', 'picture_as_pdf')}
# the words of a name that say nothing of the kind of a document
_EMPTY_WORDS = N_(
    'photo photos image picture scan document form letter report invoice confirmation original copy the for of on to'
)
_PICTURE, _OTHER = Look('blue', 'image'), Look('slate', 'description')


def attached_to(documents: Iterable[Document], kinds: Iterable[DocumentType], reader: str) -> dict[int, list[Any]]:
    """The documents that came with messages, by message and name: they arrive side by side, so their order says nothing."""
    named = {kind.id: kind.label_in(reader) for kind in kinds}
    attached: dict[int, list[Any]] = {}
    for document in sorted(documents, key=lambda document: (document.title, document.id)):
        if document.message_id is not None:
            attached.setdefault(document.message_id, []).append(_file(document, named))
    return attached


def _file(document: Document, named: dict[str, str]) -> dict[str, Any]:
    look = _LOOKS.get(document.media_type) or (_PICTURE if document.media_type.startswith('image/') else _OTHER)
    return {
        'uuid': document.uuid,
        'href': f'/files/{document.uuid}?download=1',
        'title': document.title,
        'size': values.format_size(document.size),
        'bytes': document.size,
        'kind': '' if document.type == FREE_TYPE else named.get(document.type, ''),
        'hue': look.hue,
        'icon': look.icon,
    }


def attaching(claim: Claim | None, kinds: Sequence[DocumentType], reader: str) -> dict[str, Any]:
    """What the box needs to attach files: where they go ('' when a claim must be chosen first), what is accepted, filed as what."""
    return {
        'address': _address(claim) if claim else '',
        'taken': files_taken(),
        'free': FREE_TYPE,
        'types': kinds_offered(kinds, reader),
    }


def kinds_offered(kinds: Iterable[DocumentType], reader: str) -> list[dict[str, Any]]:
    """What a file may be filed as, with the words by which the name of a file says so."""
    return [{'id': kind.id, 'label': kind.label_in(reader), 'names': names_of(kind)} for kind in kinds if kind.active]


def names_of(kind: DocumentType) -> list[list[str]]:
    """The words a file of this kind is named by, in both languages."""
    names = []
    for label, language_of in ((kind.label, 'he'), (kind.label_en, 'en')):
        empty = texts.t(_EMPTY_WORDS, language_of).split()
        words = re.findall(r'[^\W\d_]{2,}', re.sub(r'["\'״׳]', '', label.lower()))
        names.append([word for word in words if word not in empty])
    return [words for words in names if words]


def choosable(claim: Claim) -> dict[str, str]:
    """A claim that files in a general thread can go to."""
    plate = values.format_plate(claim.plate) if claim.plate else ''
    return {'address': _address(claim), 'number': claim.claim_no, 'name': claim.insured_name, 'plate': plate}


def _address(claim: Claim) -> str:
    return f'/files/claims/{quote(claim.claim_no, safe="")}'


def attachment_words() -> dict[str, str]:
    """What is said of the files of a message."""
    return {
        **queue_words(language()),
        'attach': t('Attach files'),
        'filedAs': t('Filed as'),
        'without': t('Remove'),
        # nobody knows yet which of them will be accepted
        'files': t('Sending files: {names}', names='{names}'),
        'noneInNotes': t(
            'Files cannot be attached to an internal note: documents of the claim are there for the office too.'
        ),
        'whichClaim': t('Which claim are the files for?'),
        'findClaim': t('Claim number, plate or name'),
        'noClaim': t('No claims found'),
        'anotherClaim': t('Choose another claim'),
        'uploading': t('Uploading…'),
        'retry': t('Try again'),
        'savedAs': t('saved in the documents'),
    }
