"""Distance to a frozen encoder: meaning, gradients, every method, resume, options."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from mmseg.config.check import inspect_config
from mmseg.errors import ConfigError
from mmseg.registry import MODELS
from mmseg.uda.frozen_encoder import FrozenEncoderDistance, distance
from mmseg.uda.self_training import DACS
from tests.uda.networks import MODEL, TWO_SCALES, observed, small_batch, small_method, train
from tests.uda.test_part import METHODS

RESNET = {'type': 'ResNet', 'depth': 50, 'base_channels': 4, 'stem_channels': 8, 'out_indices': (0, 1)}
"""Another encoder: 16 and 32 channels where the student has 6 and 8, strides 4 and 8."""
SAME = {'type': 'TwoConvolutions'}


def part(backbone: dict[str, Any] = RESNET, **options: Any) -> dict[str, Any]:
    return {'type': 'FrozenEncoderDistance', 'backbone': backbone, **options}


def built(backbone: dict[str, Any] = RESNET, model: dict[str, Any] = MODEL, **options: Any) -> DACS:
    return small_method(model, parts=[part(backbone, **options)])


def only(method: DACS) -> FrozenEncoderDistance:
    return method.part(FrozenEncoderDistance)


@pytest.mark.parametrize('metric', ['cosine', 'euclidean'])
def test_the_logged_distance_is_that_of_the_deepest_features(metric: str) -> None:
    method, batch = built(SAME, weight=0.5, metric=metric), small_batch()
    method.train()
    found = only(method)
    (logged,) = train(method, [batch])
    again = built(SAME, weight=0.5, metric=metric).train()
    own, frozen = again.student, only(again).frozen.eval()
    for name, images in (('src', batch['img']), ('trg', batch['target_img'])):
        a, b = own.extract_feat(images)[-1], frozen(images)[-1]
        wanted = (1 - F.cosine_similarity(a, b)).mean() if metric == 'cosine' else (a - b).norm(dim=1).mean()
        torch.testing.assert_close(logged[f'{name}.loss_frozen_dist'], 0.5 * wanted.detach())
    assert found.projection is None


def test_equal_features_have_no_distance() -> None:
    x = torch.randn(2, 5, 3, 3, requires_grad=True)
    assert distance(x, x.detach(), 'cosine').item() == pytest.approx(0, abs=1e-6)
    assert distance(x, 2 * x.detach(), 'cosine').item() == pytest.approx(0, abs=1e-6)
    assert distance(x, x.detach(), 'euclidean').item() == 0


def test_channels_and_strides_may_differ() -> None:
    method = built({**RESNET, 'out_indices': (0, 2)})  # the frozen map has stride 16, the student's 8
    groups = observed(method)
    (logged,) = train(method, [small_batch(size=(37, 45))])
    assert only(method).projection.weight.shape == (64, 8, 1, 1)
    assert logged['src.loss_frozen_dist'].isfinite()
    assert groups['target_distance'].losses.keys() == {'trg.loss_frozen_dist'}
    keys = {key.split('.')[0] for key in method.state_dict()}
    assert {'distance_encoder', 'distance_projection'} <= keys


def test_the_student_and_the_projection_learn_the_frozen_encoder_stays() -> None:
    method = built()
    before = {key: value.clone() for key, value in only(method).frozen.state_dict().items()}
    train(method, [small_batch(), small_batch(seed=1)])
    after = only(method).frozen.state_dict()
    assert all(torch.equal(value, before[key]) for key, value in after.items())
    assert only(method).projection.weight.grad.abs().sum() > 0
    assert not any(p.requires_grad for p in only(method).frozen.parameters())


@pytest.mark.parametrize('domains', [['source'], ['target'], ['source', 'target']])
def test_domains(domains: list[str]) -> None:
    (logged,) = train(built(domains=domains), [small_batch()])
    found = {name.partition('.')[0] for name in logged if 'frozen_dist' in name}
    assert found == {domain[:1] + {'source': 'rc', 'target': 'rg'}[domain] for domain in domains}


@pytest.mark.parametrize('scale', [0.5, 'all'])
def test_two_scales_are_compared_in_the_same_views(scale: Any) -> None:
    method = built(model={**TWO_SCALES, 'feature_scale': scale})
    (logged,) = train(method, [small_batch(size=(64, 64))])
    assert logged['src.loss_frozen_dist'].isfinite()
    assert logged['trg.loss_frozen_dist'].isfinite()


@pytest.mark.parametrize('name', METHODS)
def test_every_method_takes_it(name: str) -> None:
    kind, options = METHODS[name]
    torch.manual_seed(0)
    method = kind(MODEL, max_iters=10, parts=[part()], **options)
    (logged,) = train(method, [small_batch(size=(64, 64))])
    assert logged['src.loss_frozen_dist'] > 0
    assert logged['trg.loss_frozen_dist'] > 0


def test_without_a_target_only_the_source_counts() -> None:
    method = small_method(source_only=True, parts=[part()])
    (logged,) = train(method, [small_batch()])
    assert [name for name in logged if 'frozen_dist' in name] == ['src.loss_frozen_dist']


def test_the_published_distance_goes_beside_it() -> None:
    method = small_method(parts=[part()], imnet_feature_dist_lambda=0.1)
    (logged,) = train(method, [small_batch()])
    assert {'src.loss_imnet_feat_dist', 'src.loss_frozen_dist'} <= set(logged)


def test_a_state_dict_is_enough_to_go_on() -> None:
    batches = [small_batch(seed=seed) for seed in range(3)]
    first, second = built(), built()
    start = only(first).projection.weight.detach().clone()
    train(first, batches[:2])
    second.load_state_dict(first.state_dict())
    second.load_training_state(first.training_state())
    found = []
    for method in (first, second):
        torch.manual_seed(1)  # dropout
        found += train(method, batches[2:])
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])
    weights = [only(method).projection.weight for method in (first, second)]
    assert torch.equal(*weights)
    assert not torch.equal(weights[0], start)


@pytest.mark.parametrize(
    ('backbone', 'options', 'message'),
    [
        ({'type': 'ResNt'}, {}, "backbone.type: no model is called 'ResNt'"),
        ({'type': 'ResNet'}, {}, 'backbone.depth: missing'),
        ({**RESNET, 'deph': 3}, {}, "backbone.deph: unknown key; the nearest valid name is 'depth'"),
        ({**RESNET, 'depth': 'x'}, {}, "backbone.depth: found 'x', expected a whole number"),
        (RESNET, {'domains': ['sauce']}, r"domains: found \['sauce'\]"),
        (RESNET, {'metric': 'l1'}, "metric: found 'l1', expected 'cosine' or 'euclidean'"),
    ],
)
def test_wrong_options_are_told_with_their_place(backbone: Any, options: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=r'uda\.parts\.0\.' + message):
        built(backbone, **options)
    values = {'model': MODEL, 'uda': {'type': 'DACS', 'parts': [part(backbone, **options)]}}
    assert any('uda.parts.0.' in problem for problem in inspect_config(values).problems)


def test_the_encoder_is_any_that_is_registered() -> None:
    assert MODELS.get('TimmBackbone') is not None
    vit = {'type': 'TimmBackbone', 'model_name': 'test_vit', 'pyramid_channels': None}
    (logged,) = train(built(vit), [small_batch(size=(64, 64))])
    assert logged['trg.loss_frozen_dist'].isfinite()
