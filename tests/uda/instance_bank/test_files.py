"""The published file format and its damages."""

import zipfile

import numpy as np
import pytest

from mmseg.errors import DataError
from mmseg.uda.instance_bank.files import read_bank, write_bank

FEATURES = np.arange(6, dtype=np.float32).reshape(3, 2)
LABELS = np.array([0, 4, 2])


def test_round_trip_of_folder_and_pair(tmp_path):
    paths = write_bank(tmp_path / 'bank', FEATURES, LABELS)
    for bank in (tmp_path / 'bank', str(tmp_path / 'bank'), list(paths)):
        features, labels = read_bank(bank, 5)
        assert np.array_equal(features, FEATURES)
        assert np.array_equal(labels, LABELS)
    with np.load(paths[0]) as archive:
        assert list(archive) == ['arr_0']
        assert archive['arr_0'].dtype == np.float32
    with np.load(paths[1]) as archive:
        assert archive['arr_0'].dtype == np.int64


@pytest.mark.parametrize(
    'features, labels, message',
    [
        (FEATURES[0], LABELS, r'f_buffer_s.npz: the array is float32 \(2,\)'),
        (FEATURES, LABELS[:2], r'l_buffer_s.npz: the array is int64 \(2,\)'),
        (FEATURES, LABELS + 1, 'labels go from 1 to 5; expected class ids from 0 to 4'),
        (FEATURES, LABELS - 1, 'labels go from -1 to 3'),
        (FEATURES * np.nan, LABELS, 'not finite'),
    ],
)
def test_content_that_makes_no_bank(tmp_path, features, labels, message):
    write_bank(tmp_path, features, labels)
    with pytest.raises(DataError, match=message):
        read_bank(tmp_path, 5)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(DataError, match=r'f_buffer_s.npz: no such file.*build_bank'):
        read_bank(tmp_path)
    write_bank(tmp_path, FEATURES, LABELS)
    file = tmp_path / 'f_buffer_s.npz'
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(DataError, match='f_buffer_s.npz: cannot be read'):
        read_bank(tmp_path)
    for header in (b'\x93NUMPY\x01\x00\x08\x00{"shape"', b'no array at all'):
        with zipfile.ZipFile(file, 'w') as archive:
            archive.writestr('arr_0.npy', header)
        with pytest.raises(DataError, match='f_buffer_s.npz: cannot be read'):
            read_bank(tmp_path)
    np.savez(file, features=FEATURES)
    with pytest.raises(DataError, match='holds features; expected one array arr_0'):
        read_bank(tmp_path)
    with pytest.raises(DataError, match='found 3'):
        read_bank(['a', 'b', 'c'])


def test_labels_beyond_any_class(tmp_path):
    """Also where nobody knows how many classes there are; as unsigned numbers they would become negative ones."""
    paths = write_bank(tmp_path, FEATURES, LABELS)
    for wrong in (LABELS.astype(np.uint64) + np.uint64(2**63), LABELS + 10**12, LABELS + 251):
        np.savez(paths[1], wrong)
        with pytest.raises(DataError, match='expected class ids from 0 to 254'):
            read_bank(tmp_path)


@pytest.mark.slow
def test_an_archive_that_would_fill_the_memory(tmp_path):
    """Zeros pack well: two gigabytes fit into two megabytes."""
    path = write_bank(tmp_path, FEATURES, LABELS)[0]
    with (
        zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open('arr_0.npy', 'w', force_zip64=True) as stream,
    ):
        header = {'descr': '<f4', 'fortran_order': False, 'shape': (2**21, 256)}
        np.lib.format.write_array_header_1_0(stream, header)
        for _ in range(2**7):
            stream.write(bytes(2**24))
    with pytest.raises(DataError, match='f_buffer_s.npz: unpacks to 2147483'):
        read_bank(tmp_path)
