"""Debug pictures over time."""

from pathlib import Path

from PIL import Image

from mmseg.toolbox.reports.previews import find_previews


def drawn(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        Image.new('RGB', (2000, 10), 'red').save(folder / name)


def test_moments_in_order_by_what_they_show(tmp_path: Path) -> None:
    drawn(
        tmp_path / 'class_mix_debug', *(f'{i:06d}_{j}.png' for i in (1001, 1, 501, 1000001) for j in (0, 1))
    )
    drawn(tmp_path / 'class_mix_debug', '000001_0_s.png', '000501_0_s.png')
    drawn(tmp_path / 'preds', 'frankfurt_000000_000001_0.png', '1_0.png')
    found = find_previews(tmp_path)
    assert {kind: [frame.iteration for frame in frames] for kind, frames in found.items()} == {
        'training pictures': [1, 501, 1001, 1000001],
        'two resolutions': [1, 501],
    }
    assert found['training pictures'][0].picture.startswith('data:image/jpeg')


def test_of_many_moments_some_from_first_to_last(tmp_path: Path) -> None:
    drawn(tmp_path / 'debug', *(f'{i:06d}_0.png' for i in range(1, 100)))
    iterations = [frame.iteration for frame in find_previews(tmp_path, 5)['training pictures']]
    assert (len(iterations), iterations[0], iterations[-1]) == (5, 1, 99)


def test_half_a_picture_is_left_out(tmp_path: Path) -> None:
    drawn(tmp_path / 'debug', '000001_0.png')
    whole = (tmp_path / 'debug' / '000001_0.png').read_bytes()
    (tmp_path / 'debug' / '000002_0.png').write_bytes(whole[: len(whole) // 2])
    (tmp_path / 'debug' / '000003_0.png').write_bytes(b'')
    assert [frame.iteration for frame in find_previews(tmp_path)['training pictures']] == [1]
    assert find_previews(tmp_path / 'debug') == {}
