"""Leave with 0 if the pictures are there that a configuration tests on, with 1 if not."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs without an installation, too

from mmseg.config import add_import_option, load_config
from mmseg.datasets.building import single_datasets
from mmseg.engine.build import to_dict
from mmseg.fileio import is_folder

parser = argparse.ArgumentParser()
parser.add_argument('config')
add_import_option(parser)
args, _ = parser.parse_known_args()
data = to_dict(load_config(args.config)).get('data') or {}
folders = [Path(each.get('data_root') or '', each['img_dir']) for each in single_datasets(data.get('test'))]
sys.exit(0 if folders and all(map(is_folder, folders)) else 1)
