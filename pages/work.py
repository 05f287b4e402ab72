"""`/work`: the bureau's desk."""

from starlette.requests import Request

from components.frame import misread_note, portal_page
from components.work_desk import WorkDesk
from db.desk import VIEWS, WHOSE, DeskState
from db.scope import Can
from db.texts import N_
from db.values import misread_choices


@portal_page('/work', title=N_('My desk'), active='work', needs=Can.SEE_INTERNAL, flow=True)
async def work_page(request: Request) -> None:
    """What there is to do, for oneself or for the team."""
    asked, state = request.query_params, DeskState.read(request.query_params)
    misread_note(misread_choices(asked, {'view': VIEWS, 'whose': WHOSE, 'waiting_on': (state.waiting_on,)}))
    await WorkDesk(state).load()
