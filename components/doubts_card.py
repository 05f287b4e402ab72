"""What looks wrong in a claim, quietly and for the bureau only: each doubt with «I checked, it is right»."""

from collections.abc import Awaitable, Callable, Sequence

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.words import label_of, t
from db.sanity import Doubt


class DoubtsCard(Element, component='doubts_card.js'):
    """The card; not there when nothing is doubtful."""

    def __init__(self, confirm: Callable[[str], Awaitable[None]]) -> None:
        """`confirm` is given the mark of the doubt somebody looked at."""
        super().__init__()
        self._marks: dict[str, str] = {}
        self._props.update(
            doubts=[], refused=0, words={'title': t('Worth a second look'), 'right': t('I checked, it is right')}
        )

        async def asked(event: GenericEventArguments) -> None:
            try:
                if isinstance(event.args, str) and event.args in self._marks:
                    await confirm(self._marks[event.args])
            finally:
                self._props['refused'] += 1
                self.update()

        self.on('right', asked)

    def show(self, doubts: Sequence[Doubt], reader: str) -> None:
        """Show these; only what differs is sent."""
        self._marks = {f'{doubt.field}-{place}': doubt.mark for place, doubt in enumerate(doubts)}
        shown = [
            {'id': key, 'field': doubt.field, 'label': label_of(doubt.field, reader), 'text': doubt.told(reader)}
            for key, doubt in zip(self._marks, doubts, strict=True)
        ]
        if shown != self._props['doubts']:
            self._props['doubts'] = shown
            self.update()
