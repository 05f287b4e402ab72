"""What a form is answered when somebody has sent it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nicegui.element import Element

from components.frame import told_of
from components.live import heard_later
from components.words import language, t
from db.texts import Told


@contextmanager
def answering(form: Element, failed: str = '') -> Iterator[dict[str, Any]]:
    """Do in here what a form asked for; it is answered whatever comes of it, and what was typed stays in it unless it was kept.

    What it did is shown with its answer, not before by the bell it rang: the form it came from would still be there.

    `message` of the answer says why not (`failed`, until it is known better): who has kept it sets it to ''. Whatever else the form
    is to be told stands beside it.
    """
    reader, answer = language(), {'message': failed or t('It was not saved. Please try again.')}
    with heard_later(form.client):
        try:
            yield answer
        except Exception as error:
            if not (answer['message'] or isinstance(error, Told)):  # it is kept: only showing it failed
                raise
            answer['message'] = told_of(error, reader)
        finally:
            if not form.is_deleted:
                answered = form._props.get('answer') or {'turn': 0}
                form._props['answer'] = {**answer, 'turn': answered['turn'] + 1}
                form.update()
