"""Integration tests run whole programs, which set up the log; put it back afterwards."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _restored_log() -> Iterator[None]:
    logger = logging.getLogger('mmseg')
    handlers, level, propagate = list(logger.handlers), logger.level, logger.propagate
    yield
    for handler in logger.handlers:
        if handler not in handlers:
            handler.close()
    logger.handlers, logger.propagate = handlers, propagate
    logger.setLevel(level)
