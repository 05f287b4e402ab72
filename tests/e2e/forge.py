"""Has imported the portal once and becomes a server at each order: tests start dozens, and to import takes one three seconds.

Nothing of the tests is in it, neither their environment nor what `tests/conftest.py` changes, so that it cannot be the one of `tests/processes.py`.
"""

import gc
import json
import os
import signal
import sys
from functools import partial

import brotli

import app


def become(environment: dict[str, str], log: str) -> None:
    """The server, as `python -m app` is it; what it says goes to `log`."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for stream, name in enumerate((os.devnull, log, log)):
        file = os.open(name, os.O_RDWR | os.O_APPEND)
        os.dup2(file, stream)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    app.main()


def main() -> None:
    """Answer each order with the number of the process that carries it out."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever ordered it sees to its end
    # as tightly as in production, the assets are still being packed when most stories are over
    brotli.compress = partial(brotli.compress, quality=1)
    gc.freeze()
    for order in sys.stdin:
        process = os.fork()
        if not process:
            become(**json.loads(order))
            return
        sys.stdout.write(f'{process}\n')
        sys.stdout.flush()


if __name__ == '__main__':
    main()
