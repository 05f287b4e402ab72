"""What stands between NiceGUI and a page that costs little."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from nicegui import Client, helpers
from nicegui.element import Element
from nicegui.page import page

from components import live
from db import doorbell


class Part:
    def hears(self, event: object) -> None:
        """Wants to know."""

    def just_rung(self, *_: object, **__: object) -> None:
        """Does not."""


def test_nicegui_looks_at_the_signature_of_a_method_once_for_all_elements(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    original = live._look_at

    def look(handler: Callable[..., Any]) -> bool:
        looked.append(handler.__name__)
        return original(handler)

    monkeypatch.setattr(live, '_look_at', look)
    for _ in range(3):
        part = Part()
        assert helpers.expects_arguments(part.hears)
        assert not helpers.expects_arguments(part.just_rung)
    assert helpers.expects_arguments(lambda event: event)
    assert not helpers.expects_arguments(lambda event=1: event)
    assert looked == ['hears', 'just_rung', '<lambda>', '<lambda>']


def test_what_an_element_shows_is_kept_as_it_was_given() -> None:
    rows = [{'name': 'x', 'tags': ['y']}]
    element = Element('div', _client=Client(page('')))
    element._props['rows'] = rows
    assert element._props['rows'] is rows, 'no copy that watches itself'
    element.client.delete()


async def answer(_: object) -> None:
    """Nothing to say."""


def test_what_begins_to_listen_after_its_page_was_cut_off_does_not() -> None:
    client = Client(page(''))
    with client:
        part = Element('div')
        client.delete()
        with part:
            live.Subscription([live.words_topic()], answer)
    assert live.words_topic() not in live._subscribers


def test_what_listens_leaves_with_the_part_it_stands_in() -> None:
    topics = [live.claim_topic(1), live.words_topic()]
    client = Client(page(''))
    with client:
        outer = Element('div')
        with outer:
            live.Subscription(topics, answer)
            live.Subscription(topics[:1], answer)
    heard = [len(live._subscribers[topic]) for topic in topics]
    outer.delete()
    assert heard == [2, 1]
    assert not set(topics) & live._subscribers.keys()
    assert outer.id not in client.elements
    client.delete()


@pytest.mark.parametrize('from_the_start', [True, False])
def test_whatever_listens_catches_up_when_the_line_comes_back_also_what_began_later(
    monkeypatch: pytest.MonkeyPatch, from_the_start: bool
) -> None:
    rang: list[tuple[live.Topic, doorbell.Notice]] = []
    monkeypatch.setattr(live.Subscription, 'ring', lambda self, notice: rang.append((vars(self)['topic'], notice)))
    client = Client(page(''))

    def connect() -> None:
        for handler in client.connect_handlers:
            client.safe_invoke(handler)

    def begin(topic: live.Topic) -> None:
        with client:
            live.Subscription([topic], answer, since=live.rung()).__dict__['topic'] = topic

    if from_the_start:
        begin(live.words_topic())
    connect()
    client.tab_id = 'his'
    begin(live.imports_topic())  # a menu that was opened, say
    assert rang == []
    connect()
    first = [(live.words_topic(), live.MISSED)] if from_the_start else []
    assert rang == [*first, (live.imports_topic(), live.MISSED)]
    client.delete()
    connect()
    assert len(rang) == len(first) + 1, 'nobody is left'


def test_what_travels_is_kept_in_as_much_room_as_it_takes() -> None:
    value = ['מעקב'] * 300
    tracemalloc.start()
    try:
        kept = [live.written(value) for _ in range(20)]
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert orjson.loads(kept[0]) == value
    assert held < 1.5 * sum(map(len, kept))
