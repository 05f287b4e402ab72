"""The history of a claim: every change as a line, those that were chosen, and the way to more of them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from nicegui import ui
from nicegui.element import Element
from nicegui.elements.html import Html
from nicegui.events import GenericEventArguments

from components.claim_head import ClaimHead
from components.claim_reading import HISTORY_PAGE
from components.claim_rows import Wording
from components.live import ask, show_changes, show_html
from components.timeline import history_html
from components.words import said_once, t
from db.changes import Change
from db.claims import Claim
from db.history import KINDS, WRITERS, HistoryChoice, chosen_history
from db.session import fetch


class HistoryPanel:
    """Shows what the claim's page has read of the history; what was chosen of it, it asks for itself whenever the page follows."""

    def __init__(
        self,
        claim: Claim,
        wording: Callable[[], Wording],
        head: ClaimHead,
        choice: HistoryChoice,
        follow: Callable[[], Awaitable[None]],
    ) -> None:
        """Nothing is drawn before `draw`. `choice` is what the address asks for; `follow` reads the claim anew."""
        self._claim, self._wording, self._head, self._follow = claim, wording, head, follow
        self._choice, self._most = choice, HISTORY_PAGE
        self._read: Sequence[Change] = ()
        self._chosen: Sequence[Change] = ()
        self._asked = 0
        self._lines: Html | None = None
        head.point('history', **choice.told)

    @property
    def reads(self) -> int:
        """How many lines the page reads for it."""
        return (HISTORY_PAGE if self._choice.narrows else self._most) + 1

    def question(self, session: Any) -> Sequence[Change]:
        """The lines that were chosen, and one that tells whether there are more."""
        return fetch(session, chosen_history(self._claim.id, self._choice).limit(self._most + 1))

    def draw(self, found: Sequence[Change], read: Sequence[Change]) -> None:
        """Draw it with the lines that its question found; `read` is what the page knows of the whole history."""
        self._filters = HistoryFilters(self._addresses(), self._choose)
        self._lines = ui.html('')
        self._more = ui.element('button').classes('mk-btn mk-g mk-w').props('type=button data-testid=history-more')
        self._more.on('click', self._show_more, args=[])
        with self._more:
            ui.html(t('Show more'), tag='span')
        self._chosen = found
        self.show(read if self._choice.narrows else found)

    async def refresh(self) -> None:
        """Ask anew for what was chosen; of several questions the newest counts."""
        if self._lines is not None and self._choice.narrows:
            self._asked += 1
            asked, found = self._asked, await ask(self.question)
            if asked == self._asked:
                self._chosen = found

    def show(self, read: Sequence[Change]) -> None:
        """Show what was chosen; all that the page read, when nothing was."""
        self._read = read
        if self._lines is not None and not self._lines.is_deleted:
            lines = self._chosen if self._choice.narrows else read
            show_html(self._lines, history_html(lines[: self._most], self._wording()) if lines else '')
            self._more.set_visibility(len(lines) > self._most)
            self._filters.show(self._choice, none=not lines)

    async def _choose(self, choice: HistoryChoice) -> None:
        self._choice, self._most = choice, HISTORY_PAGE
        self._head.point('history', **choice.told)
        await self.refresh()
        if self._choice == choice:  # or something else was chosen meanwhile
            self.show(self._read)

    async def _show_more(self) -> None:
        self._most += HISTORY_PAGE
        if self._choice.narrows:
            await self.refresh()
            self.show(self._read)
        else:
            await self._follow()

    def _addresses(self) -> dict[str, str]:
        """The address of each choice, by its kind and writer."""
        return {
            f'{kind}/{by}': self._head.address_of('history', **HistoryChoice(kind, by).told)
            for kind in ('', *KINDS)
            for by in ('', *WRITERS)
        }


class HistoryFilters(Element, component='history_filters.js'):
    """What one may choose of the history; each choice is an address of its own."""

    def __init__(self, addresses: dict[str, str], choose: Callable[[HistoryChoice], Awaitable[None]]) -> None:
        """`choose` is called with what was chosen."""
        super().__init__()
        groups = [
            {'name': name, 'label': label, 'choices': _choices(everything, choices)}
            for name, label, everything, choices in (
                ('kind', t('Kind of change'), t('Everything'), KINDS),
                ('by', t('Whose changes'), t('Everybody'), WRITERS),
            )
        ]
        self._props.update(groups=groups, addresses=addresses, kind='', by='', none=False, words=_words())

        async def chosen(event: GenericEventArguments) -> None:
            if isinstance(event.args, dict):
                await choose(HistoryChoice.read(event.args))

        self.on('choose', chosen)

    def show(self, choice: HistoryChoice, *, none: bool) -> None:
        """Show what is chosen, and whether there is nothing of it."""
        show_changes(self, {'kind': choice.kind, 'by': choice.by, 'none': none})


def _choices(everything: str, choices: Any) -> list[dict[str, str]]:
    return [{'key': '', 'label': everything}, *({'key': key, 'label': t(label)} for key, label in choices.items())]


@said_once
def _words() -> dict[str, str]:
    return {'none': t('Nothing in the history matches the filter.'), 'clear': t('Clear filter')}
