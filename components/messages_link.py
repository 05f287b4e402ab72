"""The number beside «Messages» in every tab: how many messages wait to be read; and the receipt that they have arrived."""

from nicegui.element import Element

from components.live import Subscription, ask, current_actor, jot, messages_topic, person_topic, show_changes
from components.words import said_once, t
from db.doorbell import Notice
from db.messages import mark_messages_delivered
from db.standing import standing_of


class MessagesLink(Element, component='messages_link.js'):
    """The link in the top bar; one place keeps the number right, here and in the navigation."""

    def __init__(self, count: int, since: int) -> None:
        """`count` is the number of unread messages when the page was asked for, when `live.rung()` said `since`."""
        super().__init__()
        self._props.update(count=count, label=t('Messages'), words=_words())
        actor = current_actor()
        with self:
            Subscription([messages_topic(actor), person_topic(actor)], self._ring, since=since)

    async def _ring(self, notices: set[Notice]) -> None:
        if any(notice.kind != 'alert' for notice in notices):
            await self._refresh()

    async def _refresh(self) -> None:
        standing = await ask(standing_of)
        show_changes(self, {'count': standing.messages})
        if standing.undelivered:
            await jot(mark_messages_delivered)


@said_once
def _words() -> dict[str, str]:
    return {'one': t('One unread message'), 'many': t('{n} unread messages', n='{n}')}
