"""Fixtures that tests of the tools share with those of the data side."""

from tests.datasets.conftest import folders

__all__ = ['folders']
