"""Make a submission pack: the documents are bound into one PDF by a child under limits, the store keeps it, and it is written down.
Another child takes one document out of it again, on the pages it was submitted on.

Called off the loop. A document that the child cannot bind, or does not survive, is sent apart and named so, as is one whose file is
lost; nothing is left out without a word.
"""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from db import files, packs, values
from db.demands import Demand, DemandLine
from db.files import FileMissing, FileStore
from db.packs import LANGUAGE, LOST, Bound, Paper, Submission, SubmissionPack
from db.scope import Actor
from db.session import open_session
from db.texts import N_, ClaimError, t
from jobs import children
from jobs.intake import hash_of

log = logging.getLogger(__name__)

# so long it may take: a photo of 12 million pixels or a scan of 300 dots takes some 0.4 seconds, a page of a PDF 0.1 at most
SECONDS, SECONDS_A_PAGE = 60, 1
CUT_SECONDS = 60
# so many documents may kill the child before it is given up
MOST_DEATHS = 3
_FONTS = tuple(
    Path(__file__).resolve().parent.parent / 'static' / 'fonts' / f'heebo-print-{weight}.ttf' for weight in (400, 700)
)

# why a document is not among the pages
APART: Mapping[str, str] = MappingProxyType(
    {
        'kind': N_('Neither a PDF nor a picture'),
        'locked': N_('Locked with a password'),
        'damaged': N_('Damaged'),
        'too_heavy': N_('Too heavy'),
        'too_many_pages': N_('Too many pages'),
        'too_many_pixels': N_('Too many pixels'),
        LOST: N_('The file is missing in the system'),
    }
)

_ASKED = N_(
    "In our insured's name you are asked to pay for the damage that the vehicle insured with you caused in this event:"
)
_TOO_HEAVY = N_('The documents are too heavy for one PDF. Please select some of them.')


def make_pack(
    actor: Actor, claim_no: str, picked: Sequence[str], moment: datetime, *, letter: bool = True
) -> tuple[SubmissionPack, Sequence[str]]:
    """Make a pack of what a claim's documents are now, or of those picked; returns it and what goes only when picked."""
    with open_session(actor, reading=True) as session:
        made = packs.submission(session, claim_no, picked, letter=letter)
    keeper = files.store()
    with files.new_file(keeper) as (path, _):
        told = _bound(made, path, keeper, _front(made, actor, moment))
        if not any(isinstance(came, list) for came in told['came']):
            if all(came == LOST for came in told['came']):
                titles = ', '.join(paper.title for paper in made.papers)
                again = N_(
                    'The files of these documents are missing in the system: {titles}. Please upload them again.'
                )
                raise ClaimError(again, titles=titles)
            raise ClaimError(N_('None of the documents can be put into one PDF. Please send them one by one.'))
        outcomes = [came if isinstance(came, str) else (came[0], came[1]) for came in told['came']]
        if (size := path.stat().st_size) > packs.MOST_BYTES:
            raise ClaimError(_TOO_HEAVY)
        drawn = (told['letter'][0], told['letter'][1]) if told['letter'] else None
        bound = Bound(hash_of(path), size, told['pages'], outcomes, drawn)
        keeper.put(files.key_of(bound.sha256), path)
    with open_session(actor) as session:
        return packs.keep_pack(session, made, bound, moment), made.left_out


def pages_of(pack: SubmissionPack, first: int, pages: int) -> bytes:
    """So many pages of a pack as it was made, from the `first` on, as a PDF of their own."""
    keeper = files.store()
    with keeper.local(files.key_of(pack.sha256)) as whole, files.new_file(keeper) as (path, _):
        order = {'source': str(whole.resolve()), 'target': str(path.resolve()), 'first': first, 'pages': pages}
        done = children.run(['-m', 'jobs.cutting'], CUT_SECONDS, json.dumps(order | {'seconds': CUT_SECONDS}).encode())
        if done.code != 0:
            raise ClaimError(N_('These pages could not be taken out of the pack. Please download all of it.'))
        return path.read_bytes()


def _bound(made: Submission, target: Path, keeper: FileStore, front: Mapping[str, Any]) -> dict[str, Any]:
    with ExitStack() as stack:
        places = [_place(stack, paper, keeper) for paper in made.papers]
        order: dict[str, Any] = {
            'target': str(target.resolve()),
            'papers': [
                {
                    'path': place,
                    'media': paper.document.media_type,
                    'pages': paper.document.pages or 1,
                    'title': paper.title,
                    'group': paper.group,
                }
                for paper, place in zip(made.papers, places, strict=True)
            ],
            **front,
        }
        order |= {'fonts': [str(font) for font in _FONTS]}
        order |= {'apart': {str(number): LOST for number, place in enumerate(places) if not place}}
        order['seconds'] = SECONDS + SECONDS_A_PAGE * sum(paper['pages'] for paper in order['papers'])
        over = time.monotonic() + order['seconds']
        for _ in range(MOST_DEATHS + 1):
            told = _child(order, over - time.monotonic())
            if 'bound' in told:
                bound: dict[str, Any] = told['bound']
                return bound
            if 'at' not in told or str(told['at']) in order['apart']:
                break
            order['apart'][str(told['at'])] = 'too_heavy'
    raise ClaimError(_TOO_HEAVY)


def _place(stack: ExitStack, paper: Paper, keeper: FileStore) -> str:
    """Where the file of a document lies for now; nowhere when it is lost."""
    try:
        return str(stack.enter_context(keeper.local(files.key_of(paper.document.served_sha256))).resolve())
    except FileMissing:
        log.error('the file of document %s is missing', paper.document.id)
        return ''


def _child(order: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """The last thing the child told; nothing when its time was over, which is the fault of all documents together."""
    done = children.run(['-m', 'jobs.binding'], seconds, json.dumps(order).encode(), long=True)
    return {} if done.code is None else _last(done.told)


def _last(told: bytes) -> dict[str, Any]:
    lines = told.decode().splitlines()
    last: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    return last


def _front(made: Submission, actor: Actor, moment: datetime) -> dict[str, Any]:
    """What stands before the documents, in words."""
    day = values.format_day(values.israel(moment).date())
    return {
        'facts': _facts(made, day),
        'letter': _letter(made, made.demand, actor, day) if made.demand else None,
        'words': _words(),
    }


def _facts(made: Submission, day: str) -> list[tuple[str, str]]:
    claim = made.claim
    facts = (
        (N_('Claim'), claim.claim_no),
        (N_('Insured'), claim.insured_name),
        (N_('Vehicle no.'), values.format_plate(claim.plate)),
        (N_('Event date'), values.format_day(claim.event_date)),
        (N_('Third-party insurer'), made.insurer),
        (N_("Insurer's claim no."), claim.insurer_claim_no),
        (N_('Pack made on'), day),
    )
    return _known(facts)


def _known(facts: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(t(label, LANGUAGE), value) for label, value in facts if value]


def _letter(made: Submission, demand: Demand, actor: Actor, day: str) -> dict[str, Any]:
    """The demand letter, in the words that demand letters are written in."""
    claim = made.claim
    facts = (
        (N_('Your claim no.'), claim.insurer_claim_no),
        (N_('Our claim no.'), claim.claim_no),
        (N_('Our insured'), claim.insured_name),
        (N_("Our insured's vehicle"), values.format_plate(claim.plate)),
        (N_('Vehicle insured with you'), values.format_plate(claim.tp_plate)),
        (N_('Event date'), values.format_day(claim.event_date)),
    )
    return {
        'date': t('Date: {day}', LANGUAGE, day=day),
        'to': [t('To:', LANGUAGE), made.insurer or t("The third party's insurer", LANGUAGE)],
        'subject': t(
            'Re: demand for the damage of the event of {day}', LANGUAGE, day=values.format_day(claim.event_date)
        ),
        'title': t('Demand letter', LANGUAGE),
        'facts': _known(facts),
        'text': t(_ASKED, LANGUAGE),
        'columns': [t('Head of damage', LANGUAGE), t('Sum demanded', LANGUAGE)],
        'rows': [(_head(line), values.format_money(line.amount, cents=True)) for line in demand.lines],
        'total': (t('Total demanded', LANGUAGE), values.format_money(demand.total, cents=True)),
        'enclosed': t('Enclosed', LANGUAGE),
        'closing': [t('Sincerely,', LANGUAGE), t('{name}, the bureau', LANGUAGE, name=actor.name)],
        'signature': t('Signature', LANGUAGE),
    }


def _head(line: DemandLine) -> str:
    return f'{line.label} ({t("Without VAT", LANGUAGE)})' if line.net else line.label


def _words() -> dict[str, Any]:
    apart, not_in = t('Sent apart', LANGUAGE), t('Not in the pack', LANGUAGE)
    return {
        'title': t('Submission pack', LANGUAGE),
        'contents': t('Contents', LANGUAGE),
        'at': t('p. {page}', LANGUAGE),
        'page': t('Page {page} of {pages}', LANGUAGE),
        'reasons': {why: t(reason, LANGUAGE) for why, reason in APART.items()},
        'headings': {why: not_in if why == LOST else apart for why in APART},
        'lost': LOST,
    }
