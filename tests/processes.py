"""Processes of the tests' own. They come from one that has imported everything once: each begins at once, with nothing open and nothing shared.

They run functions of test modules on the engines of `tests/conftest.py`, so that a portal's server cannot come from there: `tests/e2e/forge.py` makes those.
"""

import multiprocessing

PROCESSES = multiprocessing.get_context('forkserver')
# with what the modules import whose functions run there: else each process imports it anew, for seconds
_IMPORTED = ['tests.conftest', 'tests.e2e.conftest', 'jobs.backup', 'jobs.restore', 'jobs.schedule']
PROCESSES.set_forkserver_preload(_IMPORTED)
