"""MIC's tables: numbers of runs and the masking part of names; values are checked by the parity cases."""

from mmseg.toolbox.experiments import mic
from mmseg.toolbox.experiments.generate import compose
from mmseg.toolbox.experiments.rows import Masking


def test_published_numbers_of_runs():
    runs = {entry.id: sum(len(row.seeds) for row in entry.rows) for entry in mic.EXPERIMENTS}
    assert runs == {'80': 12, '81': 18, '82': 12, '83': 12, '84': 45, '85': 3}


def test_names_tell_what_differs_from_the_usual_masking():
    assert Masking(64).name() == '_m64-0.7-spta'
    other = Masking(32, 'separate', 0, mask_alpha=0, mask_pseudo_threshold=None, mask_lambda=0.5)
    assert other.name() == '_m32-0-a0-pNone-sep-w0.5'


def test_methods_without_mixing_get_masking_and_no_pairing():
    config = compose(mic.TABLE_1[0], 0, 81)
    assert config['data']['train'] == {}
    assert config['uda']['mask_generator']['mask_block_size'] == 32
    assert '_m32-07-spta_' in config['name']
