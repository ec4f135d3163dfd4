"""Errors a user can act on."""

import pytest

from mmseg.errors import ConfigError, DataError, building


@pytest.mark.parametrize(
    'error', [TypeError('no list'), RuntimeError('no memory'), ZeroDivisionError('by zero')]
)
def test_what_a_constructor_raises_is_told_as_a_problem_of_the_configuration(error: Exception) -> None:
    with (
        pytest.raises(
            ConfigError,
            match=rf'^model cannot be built.*{type(error).__name__}: {error} \(.*test_errors\.py:\d+\)',
        ) as caught,
        building('model'),
    ):
        raise error
    assert caught.value.__cause__ is error


def test_our_own_errors_and_interruptions_pass() -> None:
    for error in (DataError('gone'), KeyboardInterrupt()):
        with pytest.raises(type(error)) as caught, building('model'):
            raise error
        assert caught.value is error
