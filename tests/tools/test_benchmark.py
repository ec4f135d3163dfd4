"""The benchmarks compare like with like: both sides give the same result."""

import importlib
import json
import platform
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


def run(
    names: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], size: int = 64
) -> list[dict[str, Any]]:
    """Results of tools/benchmark.py at the smallest sizes."""
    monkeypatch.syspath_prepend(str(TOOLS))
    sizes = ['--device', 'cpu', '--encoder', 'mit_b0', '--size', str(size), '--batch', '1', '--rounds', '1']
    monkeypatch.setattr(sys, 'argv', ['benchmark.py', *names, *sizes, '--json'])
    with pytest.raises(SystemExit) as leaving:
        runpy.run_path(str(TOOLS / 'benchmark.py'), run_name='__main__')
    assert leaving.value.code in (0, None)
    found = json.loads(capsys.readouterr().out)
    assert found['machine']['commit']
    results: list[dict[str, Any]] = found['results']
    return results


def test_parts_agree(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    results = run(['attention', 'ema', 'optimizer', 'blur', 'convert'], monkeypatch, capsys)
    assert len(results) == 9
    for result in results:
        assert result['difference'] < 1e-5, result['name']
        assert result['ours_ms'] > 0


@pytest.mark.slow
def test_samples_and_steps_agree(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    sampling, step = run(['sampling', 'step'], monkeypatch, capsys)
    assert sampling['difference'] == 0
    assert step['difference'] < 1e-4
    assert len(step['parts_ms']) == 5


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='the memory of other libraries is theirs')
def test_kept_memory_changes_no_loss_and_asks_for_fewer_pages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for result in run(['pages'], monkeypatch, capsys, size=128):
        assert result['kept']['loss'] == result['plain']['loss']
        assert result['kept']['faults'] < result['plain']['faults'] / 2


@pytest.mark.slow
def test_a_test_side_by_side_and_in_turn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The benchmark itself fails where the two ways count differently."""
    monkeypatch.syspath_prepend(str(TOOLS))
    # This process is not the benchmark's alone.
    monkeypatch.setattr(importlib.import_module('benchmarks.testing'), 'keep_tensor_memory', lambda: None)
    (found,) = run(['testing'], monkeypatch, capsys)
    assert 'pictures of 256x128' in found['name']
    assert len(found['parts_ms']) == 4
    assert sum(found['parts_ms'].values()) == pytest.approx(found['in_turn_ms'])


@pytest.mark.slow
def test_what_a_card_would_show(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """On the processor, without compiling (tests/engine/test_compilation.py does)."""
    monkeypatch.syspath_prepend(str(TOOLS))
    card = importlib.import_module('benchmarks.card')
    monkeypatch.setattr(card, 'FURTHER', [speed for speed in card.FURTHER if not speed.get('compile')])
    monkeypatch.setattr(card, 'METHODS', ('daformer', 'mic'))
    results = run(['card', '--out', str(tmp_path / 'out')], monkeypatch, capsys, size=32)
    assert len(results) == 2 * 2 + 1 + 4
    for found in results:
        assert found['ms'] > 0
        assert found['images_per_second'] > 0
        assert found['share'] > 0
        assert found['tflop'] > 0
    steps = {found['name'].split(' step')[0]: found for found in results if found['plain']}
    assert list(steps) == ['DAFormer', 'MIC(HRDA)']
    table = (tmp_path / 'out' / 'results.md').read_text(encoding='utf-8').splitlines()
    assert [line.count('|') for line in table if line.startswith('|')] == [len(card.HEADS) + 1] * (
        2 + len(results)
    )
    assert json.loads((tmp_path / 'out/results.json').read_text(encoding='utf-8'))['results'] == results


@pytest.mark.slow
def test_two_processes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    step, traffic = run(['ranks'], monkeypatch, capsys)
    assert step['difference'] == 0
    assert ' 0 buckets early' not in step['name']
    assert traffic['mib']['gradients'] > 20 * traffic['mib']['other'] > 0


@pytest.mark.slow
def test_whole_steps_without_and_with_a_bank(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results = run(['hrda-dida'], monkeypatch, capsys)
    assert ['no bank' in result['name'] for result in results] == [True, False, False]
    for result in results:
        assert result['seconds'] > 0
        assert result['peak_mib'] > result['before_mib'] > 0


def test_samples_beside_decoding_and_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    *samples, counting = run(['data', 'confusion'], monkeypatch, capsys)
    kinds = ['source', 'rare classes', 'target', 'source kept decoded']
    assert [found['name'].split(', ')[:2] for found in samples] == [
        [scale, kind] for scale in ('DAFormer', 'HRDA') for kind in kinds
    ]
    for found in samples:
        assert found['ours_ms'] > 0
        assert found['per_second'] * found['ours_ms'] == pytest.approx(1000)
        assert found['plain_ratio'] == pytest.approx(found['plain_ms'] / found['decode_ms'])
    assert counting['difference'] == 0


def test_the_start_with_many_labels(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    statistics, listed, sampler = run(['start'], monkeypatch, capsys)
    assert '300 label maps' in statistics['name']
    for found in (statistics, listed, sampler):
        assert found['seconds'] > 0
    assert 0 < listed['pickled_mib'] < sampler['pickled_mib'] < 1


def test_what_the_page_measures_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests beside this one run it at small sizes."""
    monkeypatch.syspath_prepend(str(TOOLS))
    known = runpy.run_path(str(TOOLS / 'benchmark.py'))['BENCHMARKS']
    page = (TOOLS.parent / 'docs/performance.md').read_text(encoding='utf-8')
    named = re.findall(
        r'^(?:OMP_NUM_THREADS=1 )?python tools/benchmark\.py ((?:[a-z-]+ ?)+?)(?= --|$)', page, re.MULTILINE
    )
    assert len(named) > 6
    assert {name for names in named for name in names.split()} <= set(known)
