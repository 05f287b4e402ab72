"""The way back from a slip: a toast that offers to take a change back for some minutes."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from nicegui.element import Element

from components.words import t


class UndoToast(Element, component='undo_toast.js'):
    """Stays hidden until there is something to take back."""

    def __init__(self, undo: Callable[[], Awaitable[None]]) -> None:
        """`undo` takes the change back."""
        super().__init__()
        self._props.update(turn=0, text='', seconds=0, words={'undo': t('Undo'), 'close': t('Close')})

        async def asked() -> None:
            await undo()

        self.on('undo', asked, args=[])

    def offer(self, left: timedelta | None, text: str = '') -> None:
        """Say what was done and offer the way back for as long as it is possible; None: no longer."""
        seconds = 0 if left is None else int(left.total_seconds())
        text = text or t('The stage was updated.')
        self._props.update(turn=self._props['turn'] + 1, text=text, seconds=seconds)
        self.update()
