"""Debug pictures."""

import numpy as np
import pytest
import torch

from mmseg.fileio import read_image
from mmseg.registry import MODELS
from mmseg.uda.adversarial import AdvSeg
from mmseg.uda.min_entropy import MinEnt, entropy
from mmseg.uda.supervised import Supervised
from mmseg.uda.trainable import LossGroup
from mmseg.visualization.debug_pictures import DebugPictures, Paint, on_host, scale_rows
from tests.uda.networks import (
    DISTANCE,
    MODEL,
    NORMALISATION,
    TWO_SCALES,
    observed,
    small_batch,
    small_method,
    train,
)

PALETTE = [[128, 64, 128], [244, 35, 232], [70, 70, 70], [0, 0, 142]]
PAINT = Paint(PALETTE, NORMALISATION['mean'], NORMALISATION['std'])
METHODS = {
    'MinEnt': (MinEnt, {'lambda_ent': {'main': 0.1}}),
    'AdvSeg': (AdvSeg, {'lambda_adv_target': {'main': 0.1}}),
}


def watched(method, folder, interval):
    """The observer of a method's debug pictures."""
    observer = DebugPictures(folder, method.layout(), interval, PAINT)
    method.watch(observer, interval, observer.finish)
    return observer


def test_files_of_the_published_names_and_size(tmp_path):
    method = small_method(**DISTANCE)
    observer = watched(method, tmp_path, 2)
    train(method, [small_batch(seed=i) for i in range(3)])
    observer.close()
    files = sorted(path.name for path in (tmp_path / 'class_mix_debug').iterdir())
    assert files == ['000001_0.png', '000001_1.png', '000003_0.png', '000003_1.png']
    assert read_image(tmp_path / 'class_mix_debug' / '000003_1.png').shape == (600, 1500, 3)


def test_pictures_are_shown_to_others_too(tmp_path):
    method, shown = small_method(TWO_SCALES), {}
    observer = DebugPictures(
        tmp_path, method.layout(), 1, PAINT, lambda iteration, name, picture: shown.setdefault(name, picture)
    )
    method.watch(observer, 1, observer.finish)
    train(method, [small_batch(size=(64, 64))])
    observer.close()
    assert shown.keys() == {f'class_mix_debug/{name}' for name in ('0', '0_s', '1', '1_s')}
    written = read_image(tmp_path / 'class_mix_debug' / '000001_1_s.png')[..., ::-1]
    np.testing.assert_array_equal(shown['class_mix_debug/1_s'], written)


def test_an_interval_of_0_draws_nothing(tmp_path):
    method = small_method()
    observer = watched(method, tmp_path / 'pictures', 0)
    train(method, [small_batch()])
    observer.close()
    assert not (tmp_path / 'pictures').exists()


def host(method, batch):
    """Arrays by loss group of one step."""
    groups = observed(method)
    train(method, [batch])
    return {name: on_host(group.seen).arrays for name, group in groups.items()}


def drawn(method, batch, j):
    """Panels of image j of one step."""
    return method.layout().rows(host(method, batch), j)


def titles(rows):
    return [[panel.title for panel in panels] for panels in rows]


def test_titles_and_contents():
    batch = small_batch()
    upper, lower = drawn(small_method(**DISTANCE), batch, 1)
    assert [p.title for p in upper] == [
        'Source Image',
        'Source Seg GT',
        'Mixed Image',
        'Pseudo W.',
        'FDist Mask',
    ]
    assert [p.title for p in lower] == [
        'Target Image', 'Target Seg (Pseudo) GT', 'Domain Mask', 'Seg Targ', 'Scaled GT',
    ]  # fmt: skip
    image = batch['img'][1].permute(1, 2, 0) * torch.tensor(NORMALISATION['std']) + torch.tensor(
        NORMALISATION['mean']
    )
    assert np.abs(PAINT(upper[0]) - image.numpy().clip(0, 255)).max() <= 0.51
    label = batch['gt_semantic_seg'][1, 0]
    assert PAINT(upper[1])[label == 2].tolist() == [[70, 70, 70]] * int((label == 2).sum())
    assert not PAINT(upper[1])[label == 255].any()
    assert PAINT(upper[3]).max() <= 1


def test_without_a_feature_distance_there_are_four_columns():
    rows = drawn(small_method(), small_batch(1), 0)
    assert [len(row) for row in rows] == [4, 4]


def small(kind, model=MODEL):
    torch.manual_seed(0)
    method, options = METHODS[kind]
    return method(model, max_iters=10, **options)


def test_entropy_of_the_target():
    batch = small_batch(size=(64, 64))
    method = small('MinEnt')
    groups = observed(method)
    rows = drawn(method, batch, 1)
    assert [row[:2] for row in titles(rows)] == [['Source Image'], ['Target Image', 'Target Seg']]
    low, high = (float(part) for part in rows[1][2].title.removeprefix('Target Ent [')[:-1].split(','))
    stretched = PAINT(rows[1][2])
    assert (stretched.min(), stretched.max()) == (0, 1)
    mean = entropy(groups['entropy'].seen['logits'][1:]).item()
    assert low + (high - low) * stretched.mean() == pytest.approx(mean, abs=0.01)


def test_answers_of_the_discriminator():
    rows = drawn(small('AdvSeg'), small_batch(size=(64, 64)), 0)
    assert [row[:2] for row in titles(rows)] == [
        [f'{domain} Image', f'{domain} Seg'] for domain in ('Source', 'Target')
    ]
    assert all(row[2].title.startswith(row[0].title[:6] + ' Discr [') for row in rows)
    assert PAINT(rows[1][2]).shape == (2, 2)


@pytest.mark.parametrize('kind', METHODS)
def test_pictures_of_methods_without_pseudo_labels(kind, tmp_path):
    method = small(kind, TWO_SCALES)
    observer = watched(method, tmp_path, 2)
    train(method, [small_batch(size=(64, 64), seed=i) for i in range(2)])
    observer.close()
    files = sorted(path.name for path in (tmp_path / 'debug').iterdir())
    assert files == ['000001_0.png', '000001_0_s.png', '000001_1.png', '000001_1_s.png']
    assert read_image(tmp_path / 'debug' / '000001_0.png').shape == (600, 900, 3)
    assert read_image(tmp_path / 'debug' / '000001_0_s.png').shape == (600, 8 * 300, 3)


def test_training_without_a_target_has_no_pictures():
    assert small_method(source_only=True).layout() is None
    assert Supervised(MODELS.build(MODEL)).layout() is None


def test_nothing_is_shown_where_nobody_looks():
    method = small_method(TWO_SCALES)
    empty, groups = [], {}
    method.watch(lambda iteration, group: empty.append(group.seen), interval=0)
    method.watch(lambda iteration, group: groups.setdefault(iteration, []).append(group.seen), interval=2)
    train(method, [small_batch(size=(64, 64), seed=i) for i in range(3)])
    assert not empty
    assert list(groups) == [0, 2]
    for seen in (seen for found in groups.values() for seen in found):
        assert seen['img'].shape == (2, 3, 64, 64)
        assert not any(isinstance(v, torch.Tensor) and v.requires_grad for v in vars(seen['scales']).values())


def test_what_goes_wrong_while_drawing_is_raised(tmp_path):
    observer = watched(small_method(), tmp_path, 1)
    observer(0, LossGroup({}, name='source'))
    observer(0, LossGroup({}, name='mixed', seen={'img': torch.zeros(1, 3, 4, 4)}))
    observer.finish(0)
    with pytest.raises(KeyError):
        observer.close()


def test_a_place_that_cannot_be_written_costs_no_training(tmp_path, logged):
    """A full disk, or a quota, is gone sooner than three days of training."""
    (tmp_path / 'class_mix_debug').write_text('a file where the folder should be')
    method = small_method()
    observer = watched(method, tmp_path, 1)
    train(method, [small_batch(seed=i) for i in range(3)])
    observer.close()
    assert len(logged) == 3
    assert all('class_mix_debug' in line and 'training goes on' in line for line in logged)


def test_two_scales_get_a_picture_of_their_own(tmp_path):
    method = small_method(TWO_SCALES, **DISTANCE)
    observer = watched(method, tmp_path, 1)
    train(method, [small_batch(size=(64, 64))])
    observer.close()
    files = sorted(path.name for path in (tmp_path / 'class_mix_debug').iterdir())
    assert files == ['000001_0.png', '000001_0_s.png', '000001_1.png', '000001_1_s.png']
    assert read_image(tmp_path / 'class_mix_debug' / '000001_1_s.png').shape == (900, 8 * 300, 3)


def test_titles_and_contents_of_the_scales():
    method, groups = small_method(TWO_SCALES), {}
    method.watch(lambda iteration, group: groups.__setitem__(group.name, on_host(group.seen)))
    batch = small_batch(size=(64, 64))
    train(method, [batch])
    source, mixed = groups['source'].scales, groups['mixed']
    titles = [
        'Img 0 Scale 0.5', 'Img 1 Scale 1', 'High Res', 'High Res Inserted', 'Low Res', 'Fused', 'Attention',
        'Cropped GT',
    ]  # fmt: skip
    assert list(source) == list(mixed.scales) == titles
    assert list(mixed.target_scales) == titles[:-1]
    assert source['Img 1 Scale 1'].shape == (2, 3, 32, 32)
    assert mixed.target_scales['Img 1 Scale 1'].shape == (2, 3, 64, 64)
    inside = source['High Res Inserted'][0] == 0
    assert inside.sum() >= 16 * 16 - 8 * 8
    assert 0 <= source['Attention'].min() <= source['Attention'].max() <= 1
    rows = scale_rows({'Source': source}, 0)
    assert [panel.title for panel in rows[0]] == [f'Source {title}' for title in titles]
    label = PAINT(rows[0][-1])
    assert {tuple(colour) for colour in label.reshape(-1, 3).tolist()} <= {(0, 0, 0), *map(tuple, PALETTE)}


def test_a_fixed_attention_is_no_map():
    model = {**TWO_SCALES, 'hr_crop_size': None, 'hr_slide_inference': False}
    model['decode_head'] = {**model['decode_head'], 'fixed_attention': 0.5}
    method, groups = small_method(model), {}
    method.watch(lambda iteration, group: groups.__setitem__(group.name, on_host(group.seen)))
    train(method, [small_batch(size=(64, 64))])
    assert not {'Attention', 'Cropped GT'} & set(groups['source'].scales)
