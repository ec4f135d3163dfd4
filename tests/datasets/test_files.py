"""Finding files and explaining when there are none."""

from pathlib import Path

import pytest

from mmseg.datasets.files import (
    find_files,
    has_suffix,
    how_to_prepare,
    label_names,
    missing_files,
    missing_labels,
    read_split,
    spellings,
    spread,
    stem_of,
    unique_names,
    walk_files,
)
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


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for name in ('aachen/a.png', 'my b.png', 'c.PNG'):
        (tmp_path / 'images' / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / 'images' / name).touch()
    return tmp_path / 'images'


@pytest.mark.parametrize(
    'content',
    [
        b'aachen/a \n\nmy b\nc\n',
        b'\xef\xbb\xbfaachen/a\r\nmy b\r\nc\r\n',
        b'aachen/a.png\nmy b.png\nc.PNG\n',
        b'aachen\\a\nmy b\nc',
    ],
)
def test_split_files_as_editors_write_them(pictures: Path, content: bytes) -> None:
    split = pictures.parent / 'train.txt'
    split.write_bytes(content)
    assert read_split(str(split), str(pictures), '.png') == ['aachen/a.png', 'my b.png', 'c.PNG']


@pytest.mark.parametrize(
    ('line', 'hint'),
    [('images/a.png labels/a.png', 'several columns'), ('aachen/z', 'without the ending .png')],
)
def test_split_lines_without_a_picture(pictures: Path, line: str, hint: str) -> None:
    split = pictures.parent / 'train.txt'
    split.write_text(f'aachen/a\n{line}\n')
    with pytest.raises(DataError, match='line 2') as error:
        read_split(str(split), str(pictures), '.png')
    assert str(split) in str(error.value)
    assert str(pictures / line.removesuffix('.png')) in str(error.value)
    assert hint in str(error.value)


def test_a_suffix_has_several_spellings(tmp_path: Path) -> None:
    for name in ('a.jpg', 'b.JPG', 'c.jpeg', 'd.png', 'e_x.jpg'):
        (tmp_path / name).touch()
    assert find_files(str(tmp_path), '.jpg') == ['a.jpg', 'b.JPG', 'c.jpeg', 'e_x.jpg']
    assert find_files(str(tmp_path), '_x.jpg') == ['e_x.jpg']
    assert spellings('_x.jpg')[0] == '_x.jpg'
    assert [stem_of(name, '.jpg') for name in ('a.jpg', 'b.JPG', 'c.jpeg')] == ['a', 'b', 'c']
    assert spellings('') == ('',)


def test_result_names_never_meet() -> None:
    assert unique_names(['a/x.png', 'b/y.png', 'a/x.png']) == ['x.png', 'y.png', 'x.png']
    assert unique_names(['a/x.png', 'b/x.png']) == ['a/x.png', 'b/x.png']
    assert unique_names(['a/x.png', 'b/X.png']) == ['a/x.png', 'b/X.png']


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
    (tmp_path / 'a.png').touch()
    (tmp_path / 'train.txt').write_text(f'a\n{name}\n')
    with pytest.raises(DataError, match=r'train\.txt, line 2: .*secret.* leads out of the folder'):
        read_split(str(tmp_path / 'train.txt'), str(tmp_path), '.png')


def test_endings_in_mixed_case_and_of_one_format(tmp_path: Path) -> None:
    names = ('a.jpg', 'b.JPG', 'c.jpeg', 'd.Jpg')
    for name in (*names, 'e.png'):
        (tmp_path / name).touch()
    assert find_files(str(tmp_path), '.jpg') == list(names)
    assert [stem_of(name, '.jpg') for name in names] == ['a', 'b', 'c', 'd']
    assert has_suffix('x_rgb.TIFF', '_rgb.tif')
    assert not has_suffix('x.tif', '_rgb.tif')
    assert has_suffix('notes', '')


def test_label_maps_may_have_another_spelling_than_pictures(tmp_path: Path) -> None:
    for name in ('a_gt.png', 'b_gt.PNG', 'c_gt.png', 'c_gt.PNG'):
        (tmp_path / name).touch()
    found = label_names(str(tmp_path), ['a', 'b', 'c', 'd'], '_gt.png')
    assert found == {'a': 'a_gt.png', 'b': 'b_gt.PNG', 'c': 'c_gt.png', 'd': 'd_gt.png'}
    assert label_names(str(tmp_path / 'none'), ['a'], '.png') == {'a': 'a.png'}


def test_label_maps_of_another_suffix_are_proposed(tmp_path: Path) -> None:
    (tmp_path / 'flight 1').mkdir()
    for name in ('flight 1/a_mask.png', 'flight 1/ab.png', 'flight 1/b_mask.png'):
        (tmp_path / name).touch()
    told = str(missing_labels(str(tmp_path), 'flight 1/b.png', 'flight 1/b.jpg', 'flight 1/b', 'Help.'))
    assert 'flight 1/b.png, that of the first picture (flight 1/b.jpg), does not exist' in told
    assert told.endswith("end in _mask.png: set seg_map_suffix='_mask.png'.")
    assert str(missing_labels(str(tmp_path), 'x.png', 'x.jpg', 'x', 'Help.')).endswith(
        'does not exist. 3 other files there. Help.'
    )
    assert 'the folder does not exist' in str(
        missing_labels(str(tmp_path / 'no'), 'x.png', 'x.jpg', 'x', 'Help.')
    )


def test_pictures_of_another_ending_are_named(tmp_path: Path) -> None:
    (tmp_path / 'x.tif').touch()
    assert '0 of them end in .png, most end in .tif' in str(
        missing_files('pictures', str(tmp_path), '.png', '')
    )


def test_split_that_lists_nothing(pictures: Path) -> None:
    (pictures.parent / 'train.txt').write_text('\n\n')
    with pytest.raises(DataError, match=r'train\.txt: lists no pictures'):
        read_split(str(pictures.parent / 'train.txt'), str(pictures), '.png')


def test_split_lines_that_mean_the_same_picture(pictures: Path, caplog: pytest.LogCaptureFixture) -> None:
    (pictures.parent / 'train.txt').write_text('aachen/a\n./aachen/a\n\ufeffaachen/a.png\n', encoding='utf-8')
    with caplog.at_level('WARNING', 'mmseg'):
        found = read_split(str(pictures.parent / 'train.txt'), str(pictures), '.png')
    assert found == ['aachen/a.png'] * 3
    assert '2 of 3 lines repeat a picture (aachen/a.png, ...)' in caplog.text


@pytest.mark.parametrize('line', ['aachen/a,labels/a', 'aachen/a;1', 'aachen/a\t0'])
def test_columns_are_recognised(pictures: Path, line: str) -> None:
    (pictures.parent / 'train.txt').write_text(line)
    with pytest.raises(DataError, match='several columns'):
        read_split(str(pictures.parent / 'train.txt'), str(pictures), '.png')


def test_names_with_blanks_are_no_columns(pictures: Path) -> None:
    (pictures.parent / 'train.txt').write_text('flight A/IMG 1')
    with pytest.raises(DataError, match='line 1') as error:
        read_split(str(pictures.parent / 'train.txt'), str(pictures), '.png')
    assert 'columns' not in str(error.value)


@pytest.mark.parametrize('root', ['data/builtin/gta/', 'data/builtin/cityscapes'])
def test_the_built_in_scenes_are_drawn(root: str) -> None:
    """Nobody has pictures of GTA to put there."""
    told = how_to_prepare('Put them below {data_root}.', root)
    assert told == 'Draw the built-in scenes: `python tools/make_scenes.py data/builtin --layout builtin`.'
    assert how_to_prepare('Put them below {data_root}.', 'data/my gta/') == "Put them below 'data/my gta'."
    assert how_to_prepare('', root) == ''
