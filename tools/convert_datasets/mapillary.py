"""Convert the labels of data/mapillary; see --help."""

from mmseg.cli import run_cli
from mmseg.datasets.conversion_cli import main
from mmseg.datasets.label_formats import MAPILLARY


@run_cli
def program() -> None:
    print(main(MAPILLARY, 'data/mapillary'))


if __name__ == '__main__':
    program()
