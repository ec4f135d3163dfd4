"""Inputs of decode heads."""

import pytest
from torch import Tensor

from tests.models.tiny import mit_features


@pytest.fixture
def features() -> list[Tensor]:
    return mit_features()
