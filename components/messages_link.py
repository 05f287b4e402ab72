"""The number beside «Messages» in every tab: how many messages wait to be read; and the receipt that they have arrived."""

from nicegui import ui
from nicegui.element import Element

from components.live import Subscription, ask, current_actor, messages_topic, person_topic, work
from components.words import t
from db.changes import Notice
from db.messages import mark_messages_delivered, undelivered, unread_messages


class MessagesLink(Element, component='messages_link.js'):
    """The link in the top bar; one place keeps the number right, here and in the navigation."""

    def __init__(self, count: int) -> None:
        """`count` is the number of unread messages when the page was built."""
        super().__init__()
        self._props.update(count=count, label=t('Messages'), spoken=t('{n} unread messages', n='{n}'))
        actor = current_actor()
        with self:
            Subscription([messages_topic(actor), person_topic(actor)], self._ring)
        # what happened between the reading of `count` and the subscription, or while the line was down
        ui.context.client.on_connect(self._refresh)

    async def _ring(self, notices: set[Notice]) -> None:
        if any(notice.kind != 'alert' for notice in notices):
            await self._refresh()

    async def _refresh(self) -> None:
        count = await ask(unread_messages)
        if count != self._props['count']:
            self._props['count'] = count
            self.update()
        if await ask(undelivered):
            await work(mark_messages_delivered)
