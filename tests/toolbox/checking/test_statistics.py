"""What rare class sampling would do with statistics."""

import pytest

from mmseg.toolbox.checking.statistics import check_statistics, rare_classes

STATS = [{'0': 60, '1': 30, 'file': 'a'}, {'0': 10, 'file': 'b'}]
SAMPLES = {0: [('a', 60), ('b', 10)], 1: [('a', 30)]}


def test_shares_probabilities_and_candidates():
    found = rare_classes(STATS, SAMPLES, 20, 0.4)
    assert list(found) == [1, 0]
    assert (found[1].share, found[0].share) == (0.3, 0.7)
    assert (found[1].candidates, found[0].candidates) == (1, 1)
    # softmax of 0.7 / 0.4 and 0.3 / 0.4
    assert found[1].probability == pytest.approx(1 / (1 + 2.718281828**-1))


def test_damaged_files_are_findings(tmp_path):
    (tmp_path / 'sample_class_stats.json').write_text('{')
    (finding,), rare = check_statistics(str(tmp_path), [], {}, 1, 1.0, False, 'Convert again.')
    assert finding.wrong
    assert 'Convert again.' in finding.text
    assert rare == {}
