"""Link ProcStreet and CamVid below data/ and count the classes of ProcStreet for rare class sampling.

examples:
  python tools/prepare_procstreet2camvid.py
  python tools/prepare_procstreet2camvid.py --shared ../shared --out data
"""

import argparse
import os
from pathlib import Path

import numpy as np

from mmseg.cli import run_cli
from mmseg.datasets.conversion import LabelStats, write_statistics
from mmseg.datasets.files import find_files
from mmseg.errors import DataError
from mmseg.fileio import read_label

LINKS = {'procstreet': ('images', 'labels'), 'camvid': ('leftImg8bit', 'gtFine')}
LABELS = '_labelTrainIds.png'


def link_folder(source: Path, link: Path) -> None:
    """Make ``link`` point to the folder ``source``.

    Raises:
        DataError: the source is missing, or a file or folder of its own stands where the link should be.
    """
    if not source.is_dir():
        raise DataError(
            f'{source} does not exist. Expected the shared folder with data/procstreet and data/camvid; name it with '
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
    stats = []
    for name in find_files(str(labels), LABELS):
        path = str(labels / name)
        counts = np.bincount(read_label(path).ravel(), minlength=256)[:255]
        stats.append(LabelStats(path, {int(i): int(counts[i]) for i in np.flatnonzero(counts)}))
    return stats


@run_cli
def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    shared = os.environ.get('MMSEG_SHARED', '../shared')
    parser.add_argument(
        '--shared', type=Path, default=Path(shared), help='shared folder (default: %(default)s)'
    )
    parser.add_argument(
        '--out', type=Path, default=Path('data'), help='where the links go (default: %(default)s)'
    )
    args = parser.parse_args()
    for name, folders in LINKS.items():
        for folder in folders:
            link_folder(args.shared / 'data' / name / folder, args.out / name / folder)
    stats = count_classes(args.out / 'procstreet' / 'labels')
    written = write_statistics(str(args.out / 'procstreet'), stats)
    print(f'Linked {args.out}/procstreet and {args.out}/camvid; counted {len(stats)} label maps:')
    print('\n'.join(f'  {path}' for path in written))


if __name__ == '__main__':
    main()
