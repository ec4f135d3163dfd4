"""Zip and tar archives are folders to whoever reads or lists files; damaged and strange ones are refused."""

import io
import os
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mmseg import archives
from mmseg.archives import divided, is_archived_folder, member_state, walk_archive
from mmseg.datasets.files import find_files, missing_files, missing_labels, read_split, walk_files
from mmseg.errors import DataError
from mmseg.fileio import exists, file_state, is_folder, read_bytes

FILES = {
    'images/b/2.png': b'second',
    'images/1.png': b'first' * 400,
    'x.txt': b'0',
    'images/.hidden/3.png': b'h',
}


def pack(path: Path, files: dict[str, bytes] = FILES) -> Path:
    """An archive of the kind that the name says, deflated members and entries of folders among it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == '.zip':
        with zipfile.ZipFile(path, 'w') as file:
            file.writestr('images/', b'')
            for number, (name, content) in enumerate(files.items()):
                file.writestr(name, content, (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED)[number % 2])
        return path
    with tarfile.open(path, 'w') as tar:
        folder = tarfile.TarInfo('./images')
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, content in files.items():
            info = tarfile.TarInfo(f'./{name}')
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture(params=['data/all.zip', 'data/all.tar', 'data/All.ZIP'])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / request.param
    return (
        path.with_suffix('.zip').replace(path)
        if (pack(path.with_suffix(path.suffix.lower()))) != path
        else path
    )


def test_members_are_read_like_files(archive: Path) -> None:
    for name, content in FILES.items():
        assert read_bytes(archive / name) == content
        assert exists(archive / name)
        assert not is_folder(archive / name)
        assert file_state(archive / name) == (len(content), archive.stat().st_mtime_ns)
    assert read_bytes(archive)[:1] in (b'P', b'.'), 'the archive itself is a file'
    assert is_folder(archive)
    assert is_folder(archive / 'images/b')
    for missing in ('images/2.png', 'image', 'images/1.png/x', 'imag'):
        assert not exists(archive / missing)
        assert file_state(archive / missing) is None
        with pytest.raises(DataError, match='no such file'):
            read_bytes(archive / missing)


def test_members_are_listed_like_files(archive: Path) -> None:
    assert find_files(str(archive / 'images'), '.png') == ['1.png', 'b/2.png']
    assert sorted(walk_files(str(archive))) == [
        str(archive / n) for n in ('images/1.png', 'images/b/2.png', 'x.txt')
    ]
    (archive.parent / 'split.txt').write_text('b/2\n1.png\n')
    assert read_split(str(archive.parent / 'split.txt'), str(archive / 'images'), '.png') == [
        'b/2.png',
        '1.png',
    ]
    assert '2 files there, 0 of them end in .jpg, most end in .png' in str(
        missing_files('pictures', str(archive / 'images'), '.jpg', '')
    )
    labels = missing_labels(str(archive / 'images'), '1_x.png', '1.jpg', '1', '')
    assert "set seg_map_suffix='.png'" in str(labels)


def test_paths_without_an_archive(tmp_path: Path) -> None:
    (tmp_path / 'folder.zip').mkdir()
    (tmp_path / 'folder.zip/a.png').write_bytes(b'a')
    assert divided(tmp_path / 'folder.zip/a.png') is None
    assert divided('') is None
    assert divided('nothing.zip/a') is None
    assert read_bytes(tmp_path / 'folder.zip/a.png') == b'a'
    assert find_files(str(tmp_path / 'folder.zip'), '.png') == ['a.png']
    assert list(walk_archive(str(tmp_path))) == []
    assert not is_archived_folder(tmp_path)
    assert member_state(tmp_path) is None


def test_an_archive_is_indexed_once_and_again_when_it_changes(tmp_path: Path) -> None:
    path = pack(tmp_path / 'a.zip')
    first = archives.opened(str(path))
    assert archives.opened(str(path)) is first
    pack(path, {'images/1.png': b'other'})
    os.utime(path, ns=(1, 1))
    assert read_bytes(path / 'images/1.png') == b'other'
    assert not exists(path / 'x.txt')


def test_threads_and_forked_processes_read_at_the_same_time(archive: Path) -> None:
    names = list(FILES) * 50
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda name: read_bytes(archive / name), names)) == [
            FILES[name] for name in names
        ]


@pytest.mark.parametrize(
    'name', ['../out.png', '/etc/out.png', 'a/../../out.png', 'C:\\out.png', '..\\out.png']
)
@pytest.mark.parametrize('kind', ['a.zip', 'a.tar'])
def test_members_outside_are_refused(tmp_path: Path, kind: str, name: str) -> None:
    path = tmp_path / kind
    if kind == 'a.zip':
        pack(path, {'1.png': b'1', name: b'2'})
    else:
        with tarfile.open(path, 'w') as tar:
            tar.addfile(tarfile.TarInfo(name))
    with pytest.raises(DataError, match='leads out of the archive'):
        read_bytes(path / '1.png')


@pytest.mark.parametrize('kind', ['zip', 'tar'])
@pytest.mark.parametrize('share', [0.02, 0.3, 0.6, 0.9])
def test_archives_that_are_cut_off(tmp_path: Path, kind: str, share: float) -> None:
    path = pack(tmp_path / f'a.{kind}')
    content = path.read_bytes().rstrip(b'\0')
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match='damaged archive'):
        list(walk_files(str(path)))


def test_a_damaged_tar_header_is_not_taken_for_the_end(tmp_path: Path) -> None:
    path = pack(tmp_path / 'a.tar')
    content = bytearray(path.read_bytes())
    content[content.index(b'./x.txt') + 100] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match='damaged archive'):
        read_bytes(path / 'x.txt')


@pytest.mark.parametrize('name', ['images/b/2.png', 'images/1.png'])
def test_damaged_zip_members_are_named(tmp_path: Path, name: str) -> None:
    path = pack(tmp_path / 'a.zip')
    content = bytearray(path.read_bytes())
    content[content.index(name.encode()) + len(name) + 3] ^= 8
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match=f'damaged archive, .*{name}'):
        read_bytes(path / name)
    assert read_bytes(path / 'x.txt') == b'0'


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / 'link.tar', 'w') as tar:
        link = tarfile.TarInfo('1.png')
        link.type, link.linkname = tarfile.SYMTYPE, '/etc/passwd'
        tar.addfile(link)
    with tarfile.open(tmp_path / 'a.tar.gz', 'w:gz') as tar:
        tar.addfile(tarfile.TarInfo('1.png'))
    with zipfile.ZipFile(tmp_path / 'bz.zip', 'w', zipfile.ZIP_BZIP2) as file:
        file.writestr('1.png', b'1')
    with zipfile.ZipFile(tmp_path / 'link.zip', 'w') as file:
        info = zipfile.ZipInfo('1.png')
        info.external_attr = 0o120777 << 16
        file.writestr(info, '/etc/passwd')
    (tmp_path / 'empty.zip').write_bytes(b'PK\5\6' + bytes(18))
    for name, text in {
        'link.tar': 'a link', 'link.zip': 'a link', 'bz.zip': 'compressed by method 12',
        'a.tar.gz': 'compressed tar archive', 'empty.zip': 'without a file',
    }.items():  # fmt: skip
        with pytest.raises(DataError, match=text):
            read_bytes(tmp_path / name / '1.png')


def test_a_member_that_claims_to_be_huge(tmp_path: Path) -> None:
    path = pack(tmp_path / 'a.zip', {'1.png': b'1' * 100})
    content = path.read_bytes()
    at = content.rindex(b'PK\1\2') + 24
    path.write_bytes(content[:at] + (2**31).to_bytes(4, 'little') + content[at + 4 :])
    with pytest.raises(DataError, match='larger than deflate'):
        read_bytes(path / '1.png')


def test_a_tar_member_of_negative_size(tmp_path: Path) -> None:
    """Older versions of tarfile go round in circles."""
    info = tarfile.TarInfo('1.png')
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = (256**12 - 1024).to_bytes(12, 'big')
    header[148:156] = b' ' * 8
    header[148:156] = b'%06o\0 ' % sum(header)
    (tmp_path / 'a.tar').write_bytes(bytes(header) * 2 + bytes(1024))
    with pytest.raises(DataError, match='damaged archive'):
        read_bytes(tmp_path / 'a.tar/1.png')
