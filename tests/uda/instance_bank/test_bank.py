"""Filling, rings, averages, quotas, state and files of the bank."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmseg.errors import CheckpointError, ConfigError
from mmseg.uda.instance_bank.bank import InstanceBank, quotas
from mmseg.uda.instance_bank.files import write_bank
from mmseg.uda.instance_bank.instances import Instances
from mmseg.uda.instance_bank.options import BankOptions


def instances(*images, classes=3, channels=2):
    """One image a dict {class: value}; every class has 4 pixels of that value."""
    counts = torch.zeros(len(images), classes)
    sums = torch.zeros(len(images), classes, channels)
    for i, image in enumerate(images):
        for c, value in image.items():
            counts[i, c], sums[i, c] = 4, 4 * value
    return Instances(sums, counts)


@given(st.integers(1, 40), st.sets(st.integers(0, 29), min_size=1))
def test_quotas_are_equal_up_to_one(extra, classes):
    rows = len(classes) + extra
    found = quotas(rows, sorted(classes), 30)
    assert sum(found) == rows
    given_any = [found[c] for c in sorted(classes)]
    assert sum(x > 0 for x in found) == len(classes)
    assert max(given_any) - min(given_any) <= 1
    assert given_any == sorted(given_any, reverse=True)


def test_an_empty_bank_fills_class_by_class_and_stops():
    bank = InstanceBank([0, 0, 1, 1], 2, 3)
    assert bank.fill_share() == 0
    assert (bank.rows().bias < 0).all()
    bank.put(instances({0: 5, 1: 7}, {0: 6, 2: 9}), only_empty=True)
    assert bank.features[:, 0].tolist() == [5, 6, 7, 0]
    assert bank.filled.tolist() == [True, True, True, False]
    assert bank.fill_of_classes().tolist() == [1, 0.5]
    bank.check_full()
    assert not bank.known_full
    bank.put(instances({0: 1, 1: 8}), only_empty=True)
    assert bank.features[:, 0].tolist() == [5, 6, 7, 8]
    bank.check_full()
    assert bank.known_full
    assert (bank.rows().bias == 0).all()


def test_a_ring_replaces_the_oldest_row_of_each_class():
    bank = InstanceBank([0, 1, 0], 2, 3, np.zeros((3, 2), np.float32))
    for value in (1, 2, 3):
        bank.put(instances({0: value}), only_empty=False)
    assert bank.features[:, 0].tolist() == [3, 0, 2]


def test_average_of_absent_classes_decays_or_keeps():
    features = np.ones((3, 2), np.float32)
    for absent, want in (('decay', 0.5), ('keep', 1.0)):
        bank = InstanceBank([0, 1, 0], 2, 3, features.copy())
        bank.average(instances({0: 3}), 0.5, absent)
        assert bank.features[:, 0].tolist() == [2, want, 2]


def test_average_of_one_row_in_turn():
    bank = InstanceBank([0, 1, 0], 2, 3, np.ones((3, 2), np.float32))
    bank.average(instances({0: 3}), 0.5, 'keep', one_row=True)
    assert bank.features[:, 0].tolist() == [2, 1, 1]
    bank.average(instances({0: 3}), 0.5, 'keep', one_row=True)
    assert bank.features[:, 0].tolist() == [2, 1, 2]


def test_rows_that_are_not_filled_are_not_averaged():
    bank = InstanceBank([0, 0], 2, 3)
    bank.put(instances({0: 2}), only_empty=True)
    bank.average(instances({0: 4}), 0.5, 'decay')
    assert bank.features[:, 0].tolist() == [3, 0]


def test_state_goes_through_a_checkpoint(tmp_path):
    bank = InstanceBank([0, 0, 1], 2, 3)
    bank.put(instances({0: 5, 1: 7}), only_empty=True)
    torch.save(bank.state(), tmp_path / 'state.pth')
    other = InstanceBank([0, 0, 1], 2, 3)
    other.load_state(torch.load(tmp_path / 'state.pth', weights_only=True))
    for name, value in bank.named_buffers():
        assert torch.equal(value, dict(other.named_buffers())[name]), name
    assert bank.state_dict() == {}
    for wrong in (InstanceBank([0, 1, 1], 2, 3), InstanceBank([0, 1], 2, 3)):
        with pytest.raises(CheckpointError, match=r'bank_size.*classes'):
            wrong.load_state(bank.state())


def test_a_bank_of_options(tmp_path):
    empty = InstanceBank.of_options(BankOptions.parse({'bank_size': 5, 'classes': [0, 2]}), 4, 3)
    assert empty.labels.tolist() == [0, 0, 0, 2, 2]
    features = np.random.default_rng(0).random((5, 4), np.float32)
    write_bank(tmp_path, features, np.array([0, 1, 2, 0, 1]))
    options = BankOptions.parse({'bank_size': 5, 'bank_file': str(tmp_path)})
    full = InstanceBank.of_options(options, 4, 3)
    assert full.known_full
    assert np.array_equal(full.features.numpy(), features)
    full.write(str(tmp_path / 'again'))
    assert (tmp_path / 'again' / 'f_buffer_s.npz').read_bytes() == (tmp_path / 'f_buffer_s.npz').read_bytes()
    with pytest.raises(ConfigError, match=r'5 rows of 4 channels; expected 5 rows .* of 8 channels'):
        InstanceBank.of_options(options, 8, 3)


@pytest.mark.parametrize(
    'given_options', [{'classes': [0, 3]}, {'classes': [0, 0]}, {'classes': []}, {'bank_size': 2}]
)
def test_classes_that_do_not_fit(given_options):
    with pytest.raises(ConfigError, match='uda.instance_bank'):
        InstanceBank.of_options(BankOptions.parse(given_options), 4, 3)


def test_a_bank_can_be_described_without_memory():
    with torch.device('meta'):
        bank = InstanceBank([0, 1, 0], 2, 3)
    assert bank.classes == [0, 1]
