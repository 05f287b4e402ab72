"""The log: one line of JSON per event, in UTC, with the request, the user and the office it belongs to, and nothing that people wrote.

What comes from outside (a browser's complaint, a library's error) may quote anything; `clean` leaves the words of the program
and takes out the rest. Of an exception its kind and its way through the code stay.
"""

import logging
import re
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

_ROOT = Path(__file__).parents[1]
_MOST_FRAMES, _MOST_LETTERS = 12, 400
_MAIL = re.compile(r"[\w.%+'-]+@[\w.-]+")
# identity numbers, phones, plates, policies: seven digits and more, whatever stands between them
_NUMBER = re.compile(r'(?<![\w-])\+?\d(?:[\d ()-]{5,}\d)(?![\w-])')
_HEBREW = re.compile(r'[\u0590-\u05ff\ufb1d-\ufb4f](?:[^\x00-\x1f]*[\u0590-\u05ff\ufb1d-\ufb4f])?')
_QUOTED = re.compile(r"""'[^'\n]*'|"[^"\n]*"|`[^`\n]*`|“[^”\n]*”|=\([^)\n]*\)""")
# what our own code fills in, and no person
_OURS = frozenset({'at', 'level', 'logger', 'request', 'user', 'office', 'where', 'address'})
_TRACEBACK = 'Traceback (most recent call last)'
# they speak of every step and connection
_TALKATIVE = ('alembic', 'apscheduler', 'uvicorn.error', 'httpx')


def use(level: str) -> None:
    """Write like this from now on, whoever writes: our code, the server, every library."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt='iso', utc=True, key='at'),
    ]
    last: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        _tell_exception,
        _without_people,
        structlog.processors.JSONRenderer(),
    ]
    handler = logging.StreamHandler()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=last, foreign_pre_chain=shared))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def clean(told: str, *, foreign: bool = False) -> str:
    """A text without mail addresses, long numbers and Hebrew; a foreign one also without what it quotes."""
    told = _MAIL.sub('<mail>', told[: 4 * _MOST_LETTERS])
    if foreign:
        told = _QUOTED.sub('<…>', told)
    return _HEBREW.sub('<…>', _NUMBER.sub('<number>', told))[:_MOST_LETTERS]


def _without_people(_: Any, __: str, event: EventDict) -> EventDict:
    return {name: value if name in _OURS else _cleaned(value) for name, value in event.items()}


def _cleaned(value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    told = str(value)
    return clean(_last_words(told), foreign=True) if told.startswith(_TRACEBACK) else clean(told)


def _last_words(told: str) -> str:
    """What an exception says, of a whole story told as text, as the server does when it cannot start."""
    return re.split(r'\n +[^\n]*(?=\n)', told)[-1].strip()


def _tell_exception(_: Any, __: str, event: EventDict) -> EventDict:
    """An exception becomes its kind, what it says in the words of the program, and where it happened."""
    given = event.pop('exc_info', None)
    event.pop('exc_text', None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        told, where = list[str](), list[str]()
        seen: BaseException | None = error
        while seen is not None and len(told) < 4:
            told.append(f'{type(seen).__module__}.{type(seen).__qualname__}: {clean(str(seen), foreign=True)}')
            where += _way(seen.__traceback__)
            seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
        event.update({'error': ' ← '.join(told), 'where': where})
    return event


def _way(path: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(path)[-_MOST_FRAMES:]
    return [f'{_short(frame.filename)}:{frame.lineno} {frame.name}' for frame in frames]


def _short(filename: str) -> str:
    path = Path(filename)
    if 'site-packages' in path.parts:
        return '/'.join(path.parts[path.parts.index('site-packages') + 1 :])
    return str(path.relative_to(_ROOT)) if path.is_relative_to(_ROOT) else path.name
