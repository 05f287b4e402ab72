"""What a person has at hand beside the claims of his list, in one question: most have little of it, and each part would be a question of its own."""

from typing import NamedTuple

from sqlalchemy import Integer, bindparam, or_, select
from sqlalchemy.orm import Session

from db.bulk_orders import BulkOrder
from db.exports import Export
from db.list_looks import USUAL, Looks, looks_in
from db.prepared import one_answer
from db.scope import Actor
from db.views import SavedView, SharedView


class AtHand(NamedTuple):
    """How he likes the list; and whether it pays to ask for saved views, an order's report and workbooks."""

    looks: Looks
    views: bool
    order: bool
    exports: bool


_OF_HOUSE = SharedView.office_id.is_not_distinct_from(bindparam('house', type_=Integer))
_QUESTION = USUAL.add_columns(
    or_(select(SavedView.id).exists(), select(SharedView.id).where(_OF_HOUSE).exists()),
    select(BulkOrder.id).where(BulkOrder.put_away.is_(False)).exists(),
    select(Export.id).where(Export.put_away.is_(False)).exists(),
)


def at_hand(session: Session) -> AtHand:
    """What the acting person has at hand."""
    actor: Actor = session.info['actor']
    # NOTE: what `USUAL` has comes first; the three parts follow it
    found = one_answer(session, _QUESTION, me=actor.user_id, house=actor.office_id)
    return AtHand(looks_in(session, found), *(found[4:] if found is not None else (False, False, False)))
