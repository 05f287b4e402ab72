"""`/work`: the bureau's desk."""

from dataclasses import replace

from starlette.requests import Request

from components.frame import misread_note, portal_page
from components.live import ask
from components.shared_words import reference
from components.work_desk import WorkDesk
from db.desk import VIEWS, WHOSE, DeskState
from db.scope import Can
from db.texts import N_
from db.values import misread_choices


@portal_page('/work', title=N_('My desk'), active='work', needs=Can.SEE_INTERNAL, flow=True)
async def work_page(request: Request) -> None:
    """What there is to do, for oneself or for the team."""
    asked, state = request.query_params, DeskState.read(request.query_params)
    parties = (await ask(reference)).waiting
    if state.waiting_on not in parties:
        state = replace(state, waiting_on='')
    page = (str(state.page),)
    misread_note(misread_choices(asked, {'view': VIEWS, 'whose': WHOSE, 'waiting_on': parties, 'page': page}))
    await WorkDesk(state).load()
