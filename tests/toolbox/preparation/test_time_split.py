"""Halves of sequences by time."""

from hypothesis import given
from hypothesis import strategies as st

from mmseg.toolbox.preparation.time_split import split_by_time

NAMES = st.lists(
    st.builds('{}/{:04d}'.format, st.sampled_from(['a', 'b', 'c']), st.integers(0, 9999)), unique=True
)


@given(NAMES)
def test_halves_are_all_names_and_every_first_is_before_every_second_of_its_sequence(
    names: list[str],
) -> None:
    first, second = split_by_time(names)
    assert sorted(first + second) == sorted(names)
    for sequence in 'abc':
        earlier = [name for name in first if name.startswith(sequence)]
        later = [name for name in second if name.startswith(sequence)]
        assert len(later) - len(earlier) in (0, 1)
        assert not earlier or max(earlier) < min(later)


@given(NAMES, st.randoms())
def test_order_of_the_names_does_not_matter(names: list[str], random) -> None:
    shuffled = random.sample(names, len(names))
    assert split_by_time(shuffled) == split_by_time(names)
