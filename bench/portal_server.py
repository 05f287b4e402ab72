"""The real portal, with the meters beside its own routes."""

import argparse

import app
from bench.live_server import serve
from bench.meter import add_routes
from db.session import connect
from db.settings import load


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser()
    for name in ('port', 'author'):
        parser.add_argument(f'--{name}', type=int, required=True)
    parser.add_argument('--url', required=True)
    given = parser.parse_args()
    settings = load(None, database_url=given.url, port=given.port, base_url=f'http://127.0.0.1:{given.port}')
    connect(settings.database_url)
    portal = app.build(settings)
    own = list(portal.router.routes)
    add_routes(portal, given.author)
    # before NiceGUI, which answers everything that nobody before it does
    portal.router.routes[:] = [*portal.router.routes[len(own) :], *own]
    serve(portal, given.port)


if __name__ == '__main__':
    main()
