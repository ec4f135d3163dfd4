"""Weight files: finding and reading them safely, knowing their layout, putting them into a network."""

from mmseg.models.weights.fitting import (
    LoadReport,
    load_into,
    load_pretrained,
    pretrained_path,
)
from mmseg.models.weights.layouts import LAYOUTS, canonical, encoder_weights, layout_of, relayout
from mmseg.models.weights.plain_pickle import read_plain_pickle
from mmseg.models.weights.reading import load_weights, meta_of, read_weight_file, state_dict_of
from mmseg.models.weights.recognition import describe
from mmseg.models.weights.selection import NETWORK_PREFIXES, select_network
from mmseg.models.weights.sources import PRETRAINED_FOLDER, ZOO_FILES, resolve_weights
from mmseg.models.weights.state import State
from mmseg.models.weights.writing import put_hash_into_name, write_weights

__all__ = [
    'LAYOUTS',
    'NETWORK_PREFIXES',
    'PRETRAINED_FOLDER',
    'ZOO_FILES',
    'LoadReport',
    'State',
    'canonical',
    'describe',
    'encoder_weights',
    'layout_of',
    'load_into',
    'load_pretrained',
    'load_weights',
    'meta_of',
    'pretrained_path',
    'put_hash_into_name',
    'read_plain_pickle',
    'read_weight_file',
    'relayout',
    'resolve_weights',
    'select_network',
    'state_dict_of',
    'write_weights',
]
