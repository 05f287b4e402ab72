"""What a form is answered when somebody has sent it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from nicegui.element import Element

from components.frame import told_of
from components.live import heard_later
from components.words import language, t

KEY_AT_MOST = 64


def key_of(sent: Mapping[str, Any], name: str = 'key') -> str | None:
    """By what a browser calls what it sent, so that it is carried out once however often it comes; None: by nothing."""
    key = sent.get(name)
    return key[:KEY_AT_MOST] if isinstance(key, str) and key else None


@contextmanager
def answering(form: Element, sent: object = None) -> Iterator[dict[str, Any]]:
    """Do in here what a form asked for; it is answered whatever comes of it, and what was typed stays in it unless it was kept.

    What it did is shown with its answer, not before by the bell it rang: the form it came from would still be there.

    `message` of the answer says why not: who has kept it sets it to '' at once, and what fails from there on is the page's to tell.
    Whatever else the form is to be told stands beside it, and the `number` that the browser gave what it sent: it may have sent
    something else since.
    """
    number = sent.get('number') if isinstance(sent, dict) else None
    reader, answer = language(), {'message': t('It was not saved. Please try again.'), 'number': number}
    with heard_later(form.client):
        try:
            yield answer
        except Exception as error:
            # nobody reads it there any more; or it is kept, and only showing it failed
            if form.is_deleted or not answer['message']:
                raise
            answer['message'] = told_of(error, reader)
        finally:
            if not form.is_deleted:
                answered = form._props.get('answer') or {'turn': 0}
                form._props['answer'] = {**answer, 'turn': answered['turn'] + 1}
                form.update()
