"""The HTML report, without a browser; what only a browser shows is in tests/integration/test_report_page.py."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from mmseg.errors import DataError
from mmseg.toolbox.reports.details import Details
from mmseg.toolbox.reports.grid import PictureRow, picture_grid
from mmseg.toolbox.reports.report import SECTIONS, write_report
from mmseg.toolbox.reports.results import RunResult
from mmseg.toolbox.reports.run_folders import find_run_folders
from tests.toolbox.reports.pages import LONG, NAMES, Page, addresses_in, full_page, trained

PALETTE = [(128, 64, 128), (70, 130, 180)]
RUNS = [
    RunResult('source-only', {'road': 70.0, 'sky': 50.0}),
    RunResult('DACS', {'road': 80.0, 'sky': 45.0}, np.array([[9, 1], [2, 8]])),
]


def picture() -> PictureRow:
    image = np.full((8, 10, 3), 90, np.uint8)
    label = np.zeros((8, 10), np.uint8)
    return PictureRow('crossing', image, {'source-only': label, 'DACS': label + 1}, label)


@pytest.fixture(scope='module')
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    return full_page(tmp_path_factory.mktemp('report')).read_text(encoding='utf-8')


def test_what_is_told_names_programs_as_they_were_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders, _ = find_run_folders([trained(tmp_path / 'a')])
    monkeypatch.setattr('sys.argv', ['mmseg-uda report'])
    details = Details(folders=folders, problems=['Run python tools/test.py again.'])
    page = write_report(tmp_path, [], details=details).read_text(encoding='utf-8')
    assert 'Run mmseg-uda test again.' in page
    assert 'mmseg-uda train ' in page
    assert 'tools/train.py' not in page


def test_the_page_is_whole_html_with_every_section(text: str) -> None:
    page = Page(text)
    assert {*SECTIONS} <= {*page.ids}
    assert len(page.ids) == len(set(page.ids))
    assert page.tags['h1'] == page.tags['main'] == 1


def test_nothing_is_loaded_from_anywhere(text: str) -> None:
    page = Page(text)
    assert all(address.startswith(('data:', '#')) for address in page.addresses)
    loaded = [found for part in (*page.texts['style'], *page.texts['script']) for found in addresses_in(part)]
    elsewhere = [found for found in loaded if not found[0].startswith('#')]  # parts of a drawing
    assert elsewhere == [('', 'version')], 'the one address of its own that a served page asks'
    assert not re.findall(r'https?://(?!www\.w3\.org/2000/svg)', text)
    assert "default-src 'none'" in text


def test_every_link_leads_to_a_section(text: str) -> None:
    page = Page(text)
    assert {address[1:] for address in page.addresses if address.startswith('#')} <= {*page.ids}


def test_no_width_is_larger_than_a_phone(text: str) -> None:
    """But for pictures over time, which have a scroll bar of their own."""
    style = Page(text).texts['style'][0]
    fixed = {int(pixels) for pixels in re.findall(r'(?<![-\w])(?:min-)?width: *(\d+)px', style)}
    assert max(fixed - {760}) <= 320
    assert re.search(r'\.film \.frames \{ overflow-x: auto', style)
    columns = re.findall(r'minmax\(([^,]*,[^,]*),', style)
    assert columns
    assert all('min(100%' in column for column in columns), columns


def test_what_scripts_draw_is_in_the_page(text: str) -> None:
    drawn = Page(text).drawn
    assert drawn['runs'] == [LONG, 'source', 'untested']
    groups = {group['heading']: group for group in drawn['curves']}
    classes = groups['Validation IoU by class (%)']
    assert [panel['name'] for panel in classes['panels']] == NAMES
    assert classes['range'] == [0.0, 100.0]
    assert [line['run'] for line in classes['panels'][0]['lines']] == [0, 1, 2]
    assert [len(one['names']) for one in drawn['confusions']] == [19, 19, 19]


def test_student_teacher_and_the_run_that_is_not_tested(text: str) -> None:
    assert f'{LONG} (teacher)' in text
    assert 'evaluated during training, after iteration 500; not tested yet' in text
    assert f'with the lowest IoU of “{LONG}”' in text
    for fact in ('0.1.0+1234567', '600 of 2000', 'Python', '3.11.7', 'max_iters=2000', '--network teacher'):
        assert fact in text


def test_differences_are_to_the_first_run(tmp_path: Path) -> None:
    page = write_report(tmp_path, RUNS).read_text()
    assert '+2.5' in page
    assert 'differences are to “source-only”' in page


def test_one_file_that_needs_no_other(tmp_path: Path) -> None:
    log = tmp_path / 'a.log.json'
    log.write_text(json.dumps({'mode': 'train', 'iter': 50, 'decode.loss_seg': 1.0}))
    runs = [RUNS[0], RunResult('DACS', RUNS[1].class_iou, RUNS[1].confusion, log)]
    path = write_report(
        tmp_path / 'new',
        runs,
        [picture()],
        palette=PALETTE,
        class_names=['road', 'sky'],
        title='A & <b>',
        commands=['make demo'],
        file_name='mine.html',
    )
    assert [file.name for file in path.parent.iterdir()] == ['mine.html']
    text = path.read_text()
    page = Page(text)
    assert 'A &amp; &lt;b&gt;' in text
    assert page.tags['img'] == 3
    assert {'scales', 'worst', 'bank', 'delivered', 'previews'}.isdisjoint(page.ids)
    assert [panel['name'] for group in page.drawn['curves'] for panel in group['panels']] == [
        'decode.loss_seg'
    ]
    assert 'make demo' in text


def test_names_from_logs_cannot_become_part_of_the_page(tmp_path: Path) -> None:
    evil = '</script><script>alert(1)</script>'
    trained(tmp_path / 'run')
    log = next((tmp_path / 'run').glob('*.log.json'))
    log.write_text(
        log.read_text().replace('"decode.loss_seg"', json.dumps(evil)).replace('"run"', json.dumps(evil))
    )
    runs, _ = find_run_folders([tmp_path / 'run'])
    text = write_report(tmp_path, [], details=Details(runs)).read_text()
    assert 'alert(1)' in text
    assert Page(text).tags['script'] == Page(write_report(tmp_path, RUNS).read_text()).tags['script']


def test_a_long_training_gives_a_small_page(tmp_path: Path) -> None:
    trained(tmp_path / 'run', steps=4000)
    runs, _ = find_run_folders([tmp_path / 'run'])
    assert write_report(tmp_path, [], details=Details(runs)).stat().st_size < 700_000


def test_only_a_served_page_asks_for_news(tmp_path: Path) -> None:
    runs, _ = find_run_folders([trained(tmp_path / 'run')])
    assert '<body>' in write_report(tmp_path, [], details=Details(runs)).read_text()
    assert (
        '<body data-version="v7">' in write_report(tmp_path, [], details=Details(runs, live='v7')).read_text()
    )


def test_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='at least one run'):
        write_report(tmp_path, [])


def test_grid_has_a_line_for_each_row() -> None:
    figure = picture_grid([picture(), picture()], PALETTE)
    assert len(figure.axes) == 8
    assert [axis.get_title() for axis in figure.axes[:4]] == ['image', 'source-only', 'DACS', 'truth']
