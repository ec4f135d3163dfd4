"""Convert the labels of data/synthia; see --help."""

from mmseg.cli import run_cli
from mmseg.toolbox.preparation.conversion_cli import main
from mmseg.toolbox.preparation.label_formats import SYNTHIA


@run_cli
def program() -> None:
    print(main(SYNTHIA, 'data/synthia'))


if __name__ == '__main__':
    program()
