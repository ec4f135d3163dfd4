"""Finding files and explaining when there are none."""

from pathlib import Path

from mmseg.datasets.files import find_files, missing_files, read_split, spread


def test_names_are_relative_sorted_and_not_hidden(tmp_path: Path) -> None:
    for name in ('b/2.png', 'b/10.png', 'a.png', '.hidden.png', '.cache/1.png', 'a.jpg'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert find_files(str(tmp_path), '.png') == ['a.png', 'b/10.png', 'b/2.png']


def test_linked_folders_are_searched(tmp_path: Path) -> None:
    (tmp_path / 'real').mkdir()
    (tmp_path / 'real/1.png').touch()
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data/images').symlink_to(tmp_path / 'real')
    assert find_files(str(tmp_path / 'data'), '.png') == ['images/1.png']


def test_split_lines_are_stripped(tmp_path: Path) -> None:
    (tmp_path / 'train.txt').write_text('aachen/a \n\nbochum/b\n')
    assert read_split(str(tmp_path / 'train.txt')) == ['aachen/a', 'bochum/b']


def test_error_counts_what_was_found(tmp_path: Path) -> None:
    (tmp_path / 'x.jpg').touch()
    message = str(missing_files('pictures', str(tmp_path), '.png', 'Run it.'))
    assert str(tmp_path) in message
    assert '1 files there, 0 of them end in .png' in message
    assert message.endswith('Run it.')


def test_error_for_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert 'does not exist' in str(missing_files('pictures', str(tmp_path / 'no'), '.png', ''))


def test_indices_are_spread() -> None:
    assert spread(10, 3) == [0, 4, 9]
    assert spread(2, 5) == spread(2, 2) == [0, 1]
    assert spread(0, 5) == []
