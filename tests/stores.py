"""An S3-compatible store of our own that can be told to fail: it says no, hangs up, breaks off half-way, or does not answer at all."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

_REFUSALS = {
    'error': (500, 'InternalError'),
    'busy': (503, 'SlowDown'),
    'full': (507, 'StorageFull'),
    'key': (403, 'InvalidAccessKeyId'),
    'bucket': (404, 'NoSuchBucket'),
}
# what every request meets; `full` meets those that bring something, `cut` those that fetch something
FAULTS = ('error', 'busy', 'key', 'bucket', 'hang up', 'slow')


class FailingStore(ThreadingHTTPServer):
    """What lies in it, and how it fails: '' not at all; with `only`, where that is part of the address alone."""

    daemon_threads = True

    def __init__(self) -> None:
        """Empty, and well."""
        super().__init__(('127.0.0.1', 0), _Answer)
        self.kept, self.fault, self.only = dict[str, bytes](), '', ''
        self.over = threading.Event()

    @property
    def url(self) -> str:
        """As DOCUMENTS_URL names it."""
        return f's3://key:secret@claims?endpoint=http://127.0.0.1:{self.server_port}'

    def mend(self) -> None:
        """It is well again."""
        self.fault = self.only = ''


@contextmanager
def failing_store() -> Iterator[FailingStore]:
    """A store that runs for a while."""
    with FailingStore() as store:
        serving = threading.Thread(target=store.serve_forever, args=(0.01,))
        serving.start()
        yield store
        store.over.set()
        store.shutdown()
        serving.join()


class _Answer(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    server: FailingStore

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get('content-length', 0)))
        address = urlsplit(self.path)
        key = unquote(address.path).removeprefix('/claims').strip('/')
        fault = self.server.fault if self.server.only in key else ''
        if fault == 'slow':
            self.server.over.wait()
        if fault in ('slow', 'hang up'):
            self.close_connection = True
        elif fault in _REFUSALS and (fault != 'full' or self.command == 'PUT'):
            status, code = _REFUSALS[fault]
            self._send(status, f'<Error><Code>{code}</Code><Message>no</Message></Error>'.encode())
        elif 'list-type' in parse_qs(address.query):
            self._send(200, self._listed())
        else:
            self._obey(key, body, cut=fault == 'cut')

    do_GET = do_PUT = do_HEAD = do_POST = _answer  # noqa: N815 - as the library calls them

    def _obey(self, key: str, body: bytes, *, cut: bool) -> None:
        kept = self.server.kept
        if self.command == 'PUT':
            kept[key] = body
            self._send(200)
        elif self.command == 'POST':  # several are thrown away at once
            gone = re.findall('<Key>(.*?)</Key>', body.decode())
            for name in gone:
                kept.pop(name, None)
            told = ''.join(f'<Deleted><Key>{name}</Key></Deleted>' for name in gone)
            self._send(200, f'<DeleteResult>{told}</DeleteResult>'.encode())
        elif key not in kept:
            self._send(404, b'<Error><Code>NoSuchKey</Code><Message>no</Message></Error>')
        else:
            self._send(200, kept[key], half=cut and self.command == 'GET')

    def _send(self, status: int, content: bytes = b'', *, half: bool = False) -> None:
        self.send_response(status)
        self.send_header('Content-Length', str(len(content)))
        self.send_header('ETag', '"one"')
        self.send_header('Last-Modified', formatdate(0, usegmt=True))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(content[: len(content) // 2] if half else content)
        self.close_connection |= half

    def _listed(self) -> bytes:
        rows = ''.join(
            f'<Contents><Key>{key}</Key><LastModified>1970-01-01T00:00:00.000Z</LastModified>'
            f'<ETag>"one"</ETag><Size>{len(content)}</Size></Contents>'
            for key, content in self.server.kept.items()
        )
        return (
            f'<ListBucketResult><Name>claims</Name><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>'.encode()
        )
