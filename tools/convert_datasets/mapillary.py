"""Convert the labels of data/mapillary; see --help."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs without an installation, too

from mmseg.cli import run_cli
from mmseg.toolbox.preparation.conversion_cli import main
from mmseg.toolbox.preparation.label_formats import MAPILLARY


@run_cli
def program() -> None:
    print(main(MAPILLARY, 'data/mapillary'))


if __name__ == '__main__':
    program()
