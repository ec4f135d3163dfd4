"""Link the small data sets below data/, count the classes of labelled sources, split the validation of CamVid by time.

ProcStreet (rendered) and CamVid (real) at 480 x 360, unless others are named: both at 960 x 720, and carla800, frames
of a game engine. The first half of every validation sequence is listed in val_choose.txt, to choose settings by, the
second in val_report.txt, for the scores that are reported.

examples:
  python tools/prepare_procstreet2camvid.py
  python tools/prepare_procstreet2camvid.py procstreet carla800 camvid
  python tools/prepare_procstreet2camvid.py procstreet960 camvid960 --shared ../shared --out data
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too


from mmseg.arguments import Parser
from mmseg.cli import run_cli
from mmseg.errors import DataError

if TYPE_CHECKING:
    from mmseg.toolbox.preparation.statistics_files import LabelStats

SOURCE, TARGET = ('images', 'labels'), ('leftImg8bit', 'gtFine')
LINKS = {
    'procstreet': SOURCE,
    'camvid': TARGET,
    'procstreet960': SOURCE,
    'camvid960': TARGET,
    'carla800': SOURCE,
}
DEFAULT = ('procstreet', 'camvid')
LABELS = '_labelTrainIds.png'
PICTURES = '_leftImg8bit.jpg'


def link_folder(source: Path, link: Path) -> None:
    """Make ``link`` point to the folder ``source``.

    Raises:
        DataError: the source is missing, or a file or folder of its own stands where the link should be.
    """
    if not source.is_dir():
        raise DataError(
            f'{source} does not exist. Expected the shared folder with data/{source.parent.name}; name it with '
            '--shared or the environment variable MMSEG_SHARED.'
        )
    if link.is_symlink():
        link.unlink()
    elif link.exists():
        raise DataError(f'{link} exists and is no link. Move it away, or choose another folder with --out.')
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(source.resolve(), target_is_directory=True)


def count_classes(labels: Path) -> list[LabelStats]:
    """Pixels of each train id (255 left out) in every label map below ``labels``."""
    import numpy as np

    from mmseg.datasets.files import find_files
    from mmseg.fileio import read_label
    from mmseg.toolbox.preparation.statistics_files import LabelStats

    stats = []
    for name in find_files(str(labels), LABELS):
        path = str(labels / name)
        counts = np.bincount(read_label(path).ravel(), minlength=256)[:255]
        stats.append(LabelStats(path, {int(i): int(counts[i]) for i in np.flatnonzero(counts)}))
    return stats


def prepare_source(folder: Path) -> list[str]:
    """Count the classes of a labelled source; returns the files written."""
    from mmseg.toolbox.preparation.statistics_files import write_statistics

    return write_statistics(str(folder), count_classes(folder / 'labels'))


def prepare_target(folder: Path) -> list[str]:
    """Split the validation pictures by time; returns the files written."""
    from mmseg.datasets.files import find_files
    from mmseg.toolbox.preparation.time_split import split_by_time

    names = find_files(str(folder / 'leftImg8bit' / 'val'), PICTURES)
    written = []
    for part, chosen in zip(('choose', 'report'), split_by_time(names), strict=True):
        path = folder / f'val_{part}.txt'
        path.write_text(''.join(f'{name.removesuffix(PICTURES)}\n' for name in chosen), encoding='utf-8')
        written.append(str(path))
    return written


@run_cli
def main() -> None:
    parser = Parser(description=__doc__)
    shared = os.environ.get('MMSEG_SHARED', '../shared')
    parser.add_argument(
        '--shared', type=Path, default=Path(shared), help='shared folder (default: %(default)s)'
    )
    parser.add_argument(
        '--out', type=Path, default=Path('data'), help='where the links go (default: %(default)s)'
    )
    parser.add_argument(
        'names',
        nargs='*',
        metavar='NAME',
        help=f'data sets out of {", ".join(LINKS)} (default: {" ".join(DEFAULT)})',
    )
    args = parser.parse_args()
    if unknown := sorted(set(args.names) - set(LINKS)):
        parser.error(f'{", ".join(unknown)}: not known; expected some of {", ".join(LINKS)}')
    for name in args.names or DEFAULT:
        for folder in LINKS[name]:
            link_folder(args.shared / 'data' / name / folder, args.out / name / folder)
        written = (prepare_source if LINKS[name] == SOURCE else prepare_target)(args.out / name)
        print(f'{args.out / name} linked; written: {" ".join(written)}')


if __name__ == '__main__':
    main()
