"""What is printed of a claim, as one plain page: to whoever may see the claim, with everything it shows in the log of access."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from starlette.responses import HTMLResponse, Response

from components import accesses
from components.accesses import Seen
from components.frame import not_found
from components.plain import plain_page
from db.access_log import CLAIM
from db.scope import Actor
from db.texts import ClaimError

# what the template is told
Told = dict[str, Any]


def _no_others(_: Told) -> Iterable[str]:
    return ()


async def claim_printed(
    actor: Actor,
    claim_no: str,
    template: str,
    reading: Awaitable[Told],
    others: Callable[[Told], Iterable[str]] = _no_others,
) -> Response:
    """The page of what was read. What is not there and what is not his look alike; `others` are the claims it shows beside this one."""
    try:
        told = await reading
    except ClaimError:
        accesses.note(actor, Seen(CLAIM, claim_no=claim_no, granted=False))
        return not_found(actor.language)
    for shown in dict.fromkeys((claim_no, *others(told))):
        accesses.note(actor, Seen(CLAIM, claim_no=shown))
    return HTMLResponse(plain_page(template, actor.language, **told))
