"""The record of a claim as a proof: what its seals say in words, and line by line with the hash of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from components.claim_rows import Wording
from components.shared_words import people_known_to, reference
from components.timeline import OPENED, entry_of, what_html
from db import values
from db.changes import Change, history_of
from db.claims import Claim
from db.record_seals import Chain, ChangeSeal, claim_to_verify
from db.session import fetch
from db.texts import t, tn


@dataclass(frozen=True)
class Seen:
    """What the asker may see of a claim's record, and how it is put into words."""

    claim: Claim
    changes: Mapping[int, Change]
    wording: Wording


def read_record(session: Any, claim_no: str) -> Seen:
    """The record of a claim as far as it is the asker's."""
    claim = claim_to_verify(session, claim_no)
    wording = Wording(reference(session), people_known_to(session), session.info['actor'].language)
    return Seen(claim, {change.id: change for change in fetch(session, history_of(claim.id))}, wording)


def record_told(seen: Seen, chain: Chain) -> dict[str, Any]:
    """What the page is told: the verdict, and every line; of one the asker may not see its number and its hash."""
    reader = seen.wording.reader
    sealed = {seal.change_id for seal in chain.seals}
    told = {fault.number: fault.told(reader) for fault in chain.faults}
    loose = [change for change in reversed([*seen.changes.values()]) if change.id not in sealed]
    return {
        'claim': seen.claim,
        'verdict': _verdict(chain, reader),
        'faults': [fault.told(reader) for fault in chain.faults],
        'waiting': tn(
            '{n} newer line is not sealed yet; it is within minutes.',
            '{n} newer lines are not sealed yet; they are within minutes.',
            chain.waiting,
            reader,
        )
        if chain.waiting
        else '',
        'lines': [{**_line(seal, seen), 'fault': told.get(seal.number, '')} for seal in chain.seals]
        + [_said(change, seen.wording) for change in loose],
    }


def _verdict(chain: Chain, reader: str) -> str:
    if chain.faults:
        return t('The log is not as it was sealed:', reader)
    if not chain.seals:
        return t('Nothing of this log is sealed yet.', reader)
    return tn(
        'The one sealed line of the log is as it was sealed, on {when}.',
        'All {n} sealed lines of the log are as they were sealed, the last of them on {when}.',
        len(chain.seals),
        reader,
        when=values.format_exact(chain.seals[-1].sealed_at),
    )


def _line(seal: ChangeSeal, seen: Seen) -> dict[str, Any]:
    change = seen.changes.get(seal.change_id)
    sealed: dict[str, Any] = {'number': seal.number, 'entry': seal.change_id, 'hash': seal.hash}
    if change is None:
        return {**_EMPTY, **sealed}
    return {**_said(change, seen.wording), **sealed, 'sealed': values.format_exact(seal.sealed_at)}


# what is not the asker's to see, or not there any more
_EMPTY: Mapping[str, Any] = {
    'when': '',
    'by': '',
    'title': '',
    'fault': '',
    'what': '',
    'internal': False,
    'sealed': '',
    'hash': '',
}


def _said(change: Change, wording: Wording) -> dict[str, Any]:
    return {
        **_EMPTY,
        'number': 0,
        'entry': change.id,
        'when': values.format_exact(change.at),
        'by': change.by,
        'title': t('The claim was opened', wording.reader) if change.kind == OPENED else '',
        'what': Markup(what_html(entry_of(change, wording), wording)),  # noqa: S704  made of escaped pieces
        'internal': change.internal,
    }
