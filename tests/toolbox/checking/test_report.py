"""What a check says."""

import numpy as np

from mmseg.toolbox.checking.report import Finding, FolderReport, RareClass, SplitReport, amount, report_text


def test_what_is_wrong_comes_first_and_decides():
    pixels = np.zeros(256, np.int64)
    pixels[[0, 255]] = 75, 25
    split = SplitReport(
        'train', 2, 2, 2, pixels=pixels, occurs=(pixels > 0) * 2, counts={'a': {0: 75}, 'b': {}}
    )
    split.findings = [Finding('small', wrong=False)]
    report = FolderReport('GTA', 'data/gta', [split], {0: RareClass(1.0, 0.5, 7)}, [Finding('a hole')])
    lines = report_text(report).splitlines()
    assert lines[-3:] == ['WRONG: a hole', 'note: train: small', 'Verdict: to repair: 1']
    (row,) = [line for line in lines if 'road' in line]
    assert [cell.strip() for cell in row.split('|')[1:-1]] == ['0', 'road', '75.000', '100.0', '50.00', '7']
    assert not report.sound


def test_long_lists_are_cut():
    assert amount('cab') == '3 (a, b, c)'
    assert amount('edcba') == '5 (a, b, c, ...)'
