"""Finding files and explaining when there are none."""

from pathlib import Path

import pytest

from mmseg.datasets.files import find_files, missing_files, read_split, spread, walk_files
from mmseg.errors import DataError


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


def test_links_are_searched_once_whatever_they_lead_to(tmp_path: Path) -> None:
    root, outside = tmp_path / 'data/images', tmp_path / 'outside'
    for path in (root / 'a/1.png', tmp_path / 'data/labels/1.png', outside / 'b/2.png'):
        path.parent.mkdir(parents=True)
        path.touch()
    for name, target in {
        'itself': root, 'again': root / 'a', 'up': tmp_path / 'data', 'top': Path('/'), 'loop': root / 'loop',
        'first': outside, 'second': outside / 'b', 'gone': tmp_path / 'gone',
    }.items():  # fmt: skip
        (root / name).symlink_to(target)
    (outside / 'back').symlink_to(root)
    (root / 'loop.png').symlink_to(root / 'loop.png')
    assert find_files(str(root), '.png') == ['a/1.png', 'first/b/2.png', 'loop.png']


def test_folders_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match='absent'):
        list(walk_files(str(tmp_path / 'absent')))


@pytest.mark.parametrize('name', ['../secret', 'a/../../secret', '/etc/secret', '..\\secret', 'C:\\secret'])
def test_split_lines_stay_in_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / 'train.txt').write_text(f'a\n{name}\n')
    with pytest.raises(DataError, match=r'train\.txt: .*secret.* leads out of the folder'):
        read_split(str(tmp_path / 'train.txt'))
