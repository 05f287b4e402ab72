"""`/work`: the bureau's desk."""

from starlette.requests import Request

from components.frame import portal_page
from components.work_desk import WorkDesk
from db.desk import DeskState
from db.scope import Can
from db.texts import N_


@portal_page('/work', title=N_('My desk'), active='work', needs=Can.SEE_INTERNAL, flow=True)
async def work_page(request: Request) -> None:
    """What there is to do, for oneself or for the team."""
    await WorkDesk(DeskState.read(request.query_params)).load()
