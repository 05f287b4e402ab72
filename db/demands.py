"""The demand letter (מכתב דרישה): what is demanded of the third party's insurer for a claim, head of damage by head of damage."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.claims import Claim
from db.money import heads_of
from db.reference import DamageHead

# the type of document that is such a letter
LETTER_TYPE = 'demand_letter'


@dataclass(frozen=True)
class DemandLine:
    """What is demanded on one head of damage, in agorot, and whether its VAT is taken off."""

    label: str
    amount: int
    net: bool


@dataclass(frozen=True)
class Demand:
    """What is demanded of an insurer; without lines where only the sum of a claim is known."""

    lines: Sequence[DemandLine]
    total: int

    def written(self) -> dict[str, Any]:
        """As it is kept."""
        return {'lines': [vars(line) for line in self.lines], 'total': self.total}


def demand_of(session: Session, claim: Claim, language: str) -> Demand | None:
    """What is demanded for a claim now; None as long as nothing is."""
    labels = {head.id: head.label_in(language) for head in session.scalars(select(DamageHead))}
    lines = [
        DemandLine(labels[row.head], row.demanded, row.net_of_vat)
        for row in session.scalars(heads_of(claim.id))
        if row.demanded
    ]
    total = sum(line.amount for line in lines) or claim.demand_amount
    return Demand(lines, total) if total else None
