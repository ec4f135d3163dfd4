"""The command line of the conversion programs."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmseg.errors import DataError
from mmseg.toolbox.preparation.conversion_cli import build_parser, main
from mmseg.toolbox.preparation.label_formats import CITYSCAPES, FORMATS, GTA, LabelFormat


@pytest.mark.parametrize('label_format', FORMATS.values(), ids=str.lower(' '.join(FORMATS)).split())
def test_help_has_two_examples_and_the_published_defaults(label_format: LabelFormat) -> None:
    text = build_parser(label_format, 'data/x').format_help()
    program = f'python tools/convert_datasets/{label_format.name.lower()}.py data/x'
    assert text.count(program) == 2
    args = build_parser(label_format, 'data/x').parse_args(['here'])
    assert (args.root, args.gt_dir, args.out_dir) == ('here', label_format.folder, None)
    assert args.nproc == (1 if label_format is CITYSCAPES else 4)


def test_foreign_ids_are_reported(tmp_path: Path) -> None:
    (tmp_path / 'ids').mkdir()
    Image.fromarray(np.array([[7, 99], [8, 200]], np.uint8)).save(tmp_path / 'ids/1.png')
    said = main(GTA, 'data/gta', [str(tmp_path), '--gt-dir', 'ids', '--out-dir', str(tmp_path / 'out')])
    assert said.startswith('1 labels converted')
    assert '99, 200' in said
    assert (tmp_path / 'out/samples_with_class.json').exists()


def test_wrong_numbers_and_missing_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(GTA, 'data/gta', [str(tmp_path), '--nproc', '0'])
    assert stop.value.code == 2
    assert 'whole number from 1' in capsys.readouterr().err
    with pytest.raises(DataError, match='--gt-dir'):
        main(GTA, 'data/gta', [str(tmp_path)])
