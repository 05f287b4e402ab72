"""`python -m jobs.verify_record`: compares the record of all claims and the log of access with their seals, and the seals with the heads of the days."""

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from db import schema, values
from db.access_seals import ADDED, CHANGED, MISSING, Tampered, compare, seals_after, stood_here
from db.base import now
from db.claims import Claim
from db.record_seals import Chain, chains, claim_to_verify, claims_after, heads, wrong_heads
from db.scope import Actor
from db.session import connect, fetch, open_session
from db.settings import load
from db.texts import ClaimError

ACTOR = Actor.system('terminal')
BATCH = 100


def main(arguments: Sequence[str] | None = None) -> None:
    """Say what is wrong, line by line; ends with 1 when anything is."""
    parser = argparse.ArgumentParser(
        prog='python -m jobs.verify_record', description='Compare the record of claims with its seals.'
    )
    parser.add_argument('claim', nargs='?', help='the number of one claim; all of them without it')
    parser.add_argument('--against', type=Path, help='a file of heads that was kept elsewhere')
    given, settings = parser.parse_args(arguments), load()
    schema.refuse_unless_newest(settings.database_url)
    database = connect(settings.database_url, patient=True)
    try:
        found = verify(given.claim, given.against.read_text('utf-8-sig') if given.against else '')
    except ClaimError as error:
        raise SystemExit(error.told('en')) from None
    finally:
        database.close()
    raise SystemExit(1 if found else 0)


def verify(claim_no: str | None, kept: str) -> int:
    """Verify one claim, or all of them and the heads; returns how many faults there are."""
    moment = now()
    found = _verify_one(claim_no, moment) if claim_no else _verify_all(moment) + _verify_accesses(moment)
    return found + _verify_heads(kept)


def _verify_one(claim_no: str, moment: datetime) -> int:
    with open_session(ACTOR, reading=True) as session:
        claim = claim_to_verify(session, claim_no)
        chain = chains(session, [claim.id], moment)[claim.id]
    return _tell(claim, chain)


def _verify_all(moment: datetime) -> int:
    last = found = lines = waiting = 0
    while True:
        with open_session(ACTOR, reading=True) as session:
            ids = fetch(session, claims_after(last, BATCH))
            for claim_id, chain in chains(session, ids, moment).items():
                lines, waiting = lines + len(chain.seals), waiting + chain.waiting
                found += _tell(session.get_one(Claim, claim_id), chain) if chain.faults else 0
        if not ids:
            sys.stdout.write(f'{lines} lines compared, {waiting} wait for their seals, {found} faults\n')
            return found
        last = ids[-1]


_TAMPERED = {CHANGED: 'a line was changed', MISSING: 'lines are missing', ADDED: 'lines were put in'}


def _verify_accesses(moment: datetime) -> int:
    before, seals, lines, found = None, 0, 0, 0
    while True:
        with open_session(ACTOR, reading=True) as session:
            following = fetch(session, seals_after(before.number if before else 0, BATCH))
            for fault in compare(session, following, before, moment):
                sys.stdout.write(f'the log of access: {_said(fault)}\n')
                found += 1
        if not following:
            sys.stdout.write(f'{lines} lines of the log of access under {seals} seals compared, {found} faults\n')
            return found
        before, seals, lines = following[-1], seals + len(following), lines + sum(seal.lines for seal in following)


def _said(fault: Tampered) -> str:
    seal = fault.seal
    if fault.kind not in _TAMPERED:
        return f'the seals {fault.number} to {seal.number - 1} are missing'
    until = values.format_exact(seal.newest_at)
    told = f'under the seal {seal.number}, lines {seal.first_id} to {seal.last_id}, up to {until}'
    return f'{_TAMPERED[fault.kind]} {told}: {seal.lines} were sealed, {fault.present} are there'


def _tell(claim: Claim, chain: Chain) -> int:
    for fault in chain.faults:
        sys.stdout.write(f'{claim.claim_no}: {fault.told("en")}\n')
    if not chain.faults:
        sys.stdout.write(
            f'{claim.claim_no}: {len(chain.seals)} lines are as they were sealed, {chain.waiting} wait for their seals\n'
        )
    return len(chain.faults)


def _verify_heads(kept: str) -> int:
    """The heads against the seals, and those that were kept elsewhere against the heads."""
    with open_session(ACTOR, reading=True) as session:
        wrong, known = wrong_heads(session), {head.line for head in heads(session)}
        unknown = [line for line in kept.splitlines() if line and line not in known]
        strangers = [line for line in unknown if not stood_here(session, line)]
    for head in wrong:
        sys.stdout.write(f'the head of {head.day.isoformat()} does not match the seals it is of\n')
    for line in strangers:
        sys.stdout.write(f'a head that was kept is not in the database: {line}\n')
    if not wrong and not strangers:
        sys.stdout.write(f'{len(known)} heads match\n')
    return len(wrong) + len(strangers)


if __name__ == '__main__':
    main()
