"""Count the classes of label maps as they are, for rare class sampling."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too

from mmseg.arguments import Parser
from mmseg.cli import run_cli, whole_number
from mmseg.config import add_config_options

EXAMPLES = """examples:
  python tools/class_statistics.py CONFIG
  python tools/class_statistics.py data/gta/labels --suffix _labelTrainIds.png --out-dir work_dirs/statistics

With a configuration the label maps of its source (data.train.source, or data.train) are counted and the files are
written into its data_root, where rare class sampling looks for them. They hold the ids of the label maps; the table
that is printed shows the classes behind reduce_zero_label, classes, class_merge and ignore_index.
Nothing is converted: for GTA, SYNTHIA, Cityscapes and Mapillary use tools/convert_datasets, which also counts.
"""


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = Parser(
        description='Count the classes of label maps as they are and write the statistics of rare class sampling: '
        'sample_class_stats.json, sample_class_stats_dict.json, samples_with_class.json.',
        epilog=EXAMPLES,
    )
    parser.add_argument('source', help='configuration file (.py, .json), or folder of label maps')
    parser.add_argument(
        '--suffix', default='.png', help='ending of label maps in a folder (default: %(default)s)'
    )
    parser.add_argument('-o', '--out-dir', metavar='DIR',
                        help='where the files go (default: data_root; for a folder, the folder above)')  # fmt: skip
    parser.add_argument(
        '--threads', type=whole_number(1), default=2, metavar='N', help='files at once (default: %(default)s)'
    )
    add_config_options(parser, 'data.train.source.img_dir=images')
    parser.add_argument('--debug', action='store_true', help='show the traceback of errors')
    return parser.parse_args()


@run_cli
def main() -> None:
    """Count, write, print."""
    args = parse_arguments()
    progress = sys.stderr.isatty()
    from mmseg.config import load_config, require_sections
    from mmseg.datasets import build_dataset
    from mmseg.toolbox.preparation.class_use import stored_use
    from mmseg.toolbox.preparation.counting import count_folder, count_source
    from mmseg.toolbox.reports.delivery import use_table

    if Path(args.source).is_dir() or Path(args.source).suffix not in ('.py', '.json'):
        print('\n'.join(count_folder(args.source, args.suffix, args.out_dir, args.threads, progress)))
        return
    cfg = load_config(args.source, args.cfg_options)
    require_sections(cfg, ['data.train'])
    train = cfg.to_dict()['data']['train']
    labelled = (
        [train[key] for key in ('source', 'labelled_target') if train.get(key)]
        if isinstance(train, dict)
        else []
    )
    dataset = build_dataset(labelled or train)
    print('\n'.join(count_source(dataset.parts(), args.out_dir, args.threads, progress)))
    if args.out_dir is None:
        print(use_table([stored_use(dataset)], dataset.CLASSES))


if __name__ == '__main__':
    main()
