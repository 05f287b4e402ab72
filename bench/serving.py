"""A server process of its own for one run of a measure, and how it is asked."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from components.live import settle

START_SECONDS = 180.0


@contextmanager
def serving(module: Sequence[str], url: str, author: int, **environment: str) -> Iterator[str]:
    """Run a server on a database until the measure is done with it; gives its address."""
    port = free_port()
    command = [sys.executable, '-m', *module, '--port', str(port), '--url', url, '--author', str(author)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env={**os.environ, **environment}) as server:
        try:
            wait_for(server, port)
            settle()  # who listens to it lives here: a look through all of this process would make him hear late
            yield f'http://127.0.0.1:{port}'
        finally:
            server.terminate()


async def ask(client: httpx.AsyncClient, route: str, **query: Any) -> Any:
    """What a meter of the server says."""
    answer = await client.get(route, params=query)
    answer.raise_for_status()
    return answer.json()


def wait_for(server: subprocess.Popen[bytes], port: int) -> None:
    """Until it listens."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(('127.0.0.1', port)) == 0:
                return
        time.sleep(0.1)
    server.kill()
    raise RuntimeError(f'the server did not start: {server.communicate()[1].decode()[-2000:]}')


def free_port() -> int:
    """A port nobody uses now."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return int(probe.getsockname()[1])
