"""The marks of tests that need a browser."""

import pytest

from docs.making.browser import find_browser

BROWSER_MARKS = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        find_browser() is None,
        reason='needs Chromium on the PATH or in CHROMIUM, which no package of the lock file brings',
    ),
]
