"""Checkpoints of a folder by name."""

from pathlib import Path

from mmseg.engine.checkpoint_files import best, checkpoints, iteration_of, numbered


def test_by_iteration_and_nothing_else(tmp_path: Path) -> None:
    names = ('iter_10.pth', 'iter_9.pth', 'iter_x.pth', 'best_mIoU_iter_8.pth', 'epoch_2.pth', 'weights.pth')
    for name in (*names, 'best_mIoU.pth', '.iter_11.pth.tmp'):
        (tmp_path / name).touch()
    (tmp_path / 'latest.pth').symlink_to('iter_10.pth')
    assert [path.name for path in numbered(tmp_path)] == ['iter_9.pth', 'iter_10.pth']
    assert [iteration_of(path) for path in (*numbered(tmp_path), *best(tmp_path))] == [9, 10, 8]
    found = [path.name for path in checkpoints(tmp_path)]
    assert found[-2:] == ['iter_9.pth', 'iter_10.pth']
    assert sorted(found[:-2]) == ['best_mIoU.pth', 'best_mIoU_iter_8.pth', 'epoch_2.pth', 'latest.pth']
