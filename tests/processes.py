"""Processes of the tests' own. They come from one that has imported everything once: each begins at once, with nothing open and nothing shared.

They run functions of test modules on the engines of `tests/conftest.py`, so that a portal's server cannot come from there: `tests/e2e/forge.py` makes those.
"""

import multiprocessing

PROCESSES = multiprocessing.get_context('forkserver')
PROCESSES.set_forkserver_preload(['tests.conftest', 'jobs.backup', 'jobs.cheques', 'jobs.mail', 'jobs.schedule'])
