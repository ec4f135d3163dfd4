"""Results come in order, and items are taken only when they are needed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mmseg.in_order import in_order


def test_endless_items_are_taken_a_few_ahead() -> None:
    taken = []

    def items() -> Iterator[int]:
        number = 0
        while True:
            taken.append(number)
            yield number
            number += 1

    with ThreadPoolExecutor(2) as pool:
        results = in_order(pool, lambda n: n * n, items(), 5)
        assert [next(results) for _ in range(10)] == [n * n for n in range(10)]
        results.close()
    assert len(taken) == 14


def test_all_results_in_order_and_errors_at_their_place() -> None:
    with ThreadPoolExecutor(3) as pool:
        assert list(in_order(pool, str, range(7), 100)) == list('0123456')
        results = in_order(pool, lambda n: 1 / n, [1, 2, 0, 4], 2)
        assert (next(results), next(results)) == (1.0, 0.5)
        with pytest.raises(ZeroDivisionError):
            next(results)
