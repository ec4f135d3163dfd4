"""Two halves of a video data set by time, so that what is chosen on one can be reported on the other."""

from collections.abc import Sequence


def split_by_time(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """The first and the second half of every sequence.

    Neighbouring frames are nearly copies: a random split would put them on both sides. Here only the two frames in
    the middle of a sequence are neighbours. An odd frame goes to the second half.

    Args:
        names: files as ``sequence/file``; a sequence's files are in order of time when sorted.

    Returns:
        Two sorted lists that share nothing and together hold all names.
    """
    sequences: dict[str, list[str]] = {}
    for name in sorted(names):
        sequences.setdefault(name.rpartition('/')[0], []).append(name)
    first = [name for files in sequences.values() for name in files[: len(files) // 2]]
    second = [name for files in sequences.values() for name in files[len(files) // 2 :]]
    return first, second
