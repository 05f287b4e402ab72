"""Assets are packed once for everybody, and only for those who can unpack them."""

import asyncio
import zlib

import brotli
import httpx
import pytest
from nicegui import core
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from components import packed as packing
from components.packed import Packed, QuicklyPacked

SCRIPT = 'export const claims = 1;\n' * 200
TIGHT = {'Accept-Encoding': 'gzip, br;q=0.9'}


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
async def browser(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> httpx.AsyncClient:
    monkeypatch.setattr(core, 'loop', asyncio.get_running_loop())

    async def script(request: Request) -> Response:
        asked.append(request.url.path)
        # in pieces, as files are sent: whoever sends them listens for a visitor who goes
        pieces = iter([SCRIPT[:100], SCRIPT[100:]])
        told = {'ETag': '"1"', 'X-Request-Id': 'a', 'Cache-Control': 'immutable'}
        return StreamingResponse(pieces, media_type='text/javascript', headers=told)

    async def picture(request: Request) -> Response:
        asked.append(request.url.path)
        return Response(b'x' * 100, media_type='font/woff2')

    async def gone(request: Request) -> Response:
        return PlainTextResponse('no', 404)

    routes = [
        Route('/static/a.js', script),
        Route('/a.js', script),
        Route('/static/a.woff2', picture),
        Route('/static/no.js', gone),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(Packed)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url='http://here')


async def packed(browser: httpx.AsyncClient, path: str, **headers: str) -> httpx.Response:
    """The answer after it had time to be packed."""
    for _ in range(50):
        answer = await browser.get(path, headers={**TIGHT, **headers})
        if 'content-encoding' in answer.headers:
            break
        await asyncio.sleep(0.01)
    return answer


async def test_the_second_visitor_gets_it_packed(browser: httpx.AsyncClient, asked: list[str]) -> None:
    first = await browser.get('/static/a.js', headers=TIGHT)
    assert 'content-encoding' not in first.headers, 'nobody waits for the packing'
    answer = await packed(browser, '/static/a.js')
    assert (answer.text, answer.headers['content-encoding']) == (SCRIPT, 'br')
    assert int(answer.headers['content-length']) == len(brotli.compress(SCRIPT.encode())) < len(SCRIPT) / 10
    assert answer.headers['cache-control'] == 'immutable'
    assert answer.headers['vary'] == 'Accept-Encoding'
    assert not {'etag', 'x-request-id'} & answer.headers.keys(), 'those belong to one answer'
    before = len(asked)
    await packed(browser, '/static/a.js')
    assert len(asked) == before


@pytest.mark.parametrize(
    ('path', 'headers'),
    [
        ('/static/a.js', {'Accept-Encoding': 'gzip'}),
        ('/static/a.js', {'Range': 'bytes=0-9'}),
        ('/static/a.js', {'If-None-Match': '"1"'}),
        ('/static/a.js?x=1', {}),
        ('/a.js', {}),
        ('/static/a.woff2', {}),
        ('/static/no.js', {}),
    ],
)
async def test_everything_else_stays_as_it_is(browser: httpx.AsyncClient, path: str, headers: dict[str, str]) -> None:
    await packed(browser, '/static/a.js')
    assert 'content-encoding' not in (await packed(browser, path, **headers)).headers


@pytest.mark.parametrize('by', ['isal_zlib', 'zlib'])
async def test_what_is_made_anew_is_packed_too(monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    monkeypatch.setattr(packing, 'zlib', zlib if by == 'zlib' else pytest.importorskip('isal.isal_zlib'))

    async def at_once(_: Request) -> Response:
        return PlainTextResponse(SCRIPT)

    async def in_pieces(_: Request) -> Response:
        return StreamingResponse(iter([SCRIPT[:5000], SCRIPT[5000:]]), media_type='text/plain')

    async def small(_: Request) -> Response:
        return PlainTextResponse('no')

    routes = [Route('/once', at_once), Route('/pieces', in_pieces), Route('/small', small)]
    app = Starlette(routes=routes, middleware=[Middleware(QuicklyPacked, minimum_size=1000)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url='http://here') as browser:
        for path in ('/once', '/pieces'):
            answer = await browser.get(path, headers={'Accept-Encoding': 'gzip'})
            assert (answer.text, answer.headers['content-encoding']) == (SCRIPT, 'gzip')
            assert answer.headers['vary'] == 'Accept-Encoding'
            assert answer.num_bytes_downloaded < len(SCRIPT) / 10
            plain = await browser.get(path, headers={'Accept-Encoding': 'identity'})
            assert (plain.text, plain.headers.get('content-encoding')) == (SCRIPT, None)
            assert plain.headers['vary'] == 'Accept-Encoding', 'who keeps it for others has to know'
        assert 'content-encoding' not in (await browser.get('/small', headers={'Accept-Encoding': 'gzip'})).headers
