"""Ways in which a training step can stop being finite, over all methods, and runs to try them in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmseg.batch import Batch
from mmseg.config.translate import TrainSettings
from mmseg.engine.hooks import CheckpointHook, LogHook
from mmseg.engine.log import LogWriter
from mmseg.engine.loop import Hook, Run
from mmseg.engine.optimizer import build_optimizer
from mmseg.registry import MODELS
from mmseg.uda.adversarial import AdvSeg
from mmseg.uda.feature_distance import FeatureDistance
from mmseg.uda.instance_bank import InstanceConsistency
from mmseg.uda.masking import MaskedConsistency
from mmseg.uda.min_entropy import MinEnt
from mmseg.uda.supervised import Supervised
from mmseg.uda.trainable import Trainable
from tests.uda.networks import DISTANCE, MODEL, TWO_SCALES, small_batch, small_method

AT = 3
"""The iteration (from 1) that goes wrong."""

MASKING = {
    'mask_mode': 'separatetrg',
    'mask_lambda': 1,
    'mask_generator': {'type': 'block', 'mask_ratio': 0.5, 'mask_block_size': 8},
}
BANK = {'mode': 'clean', 'bank_size': 8, 'min_fill': 0.0}
OPTIMIZER = {'type': 'AdamW', 'lr': 1e-3}
NAN, INF = float('nan'), float('inf')


def _others(kind: type, **options: Any) -> Trainable:
    torch.manual_seed(0)
    return kind(MODEL, max_iters=10, **options)


METHODS: dict[str, Callable[[], Trainable]] = {
    'supervised': lambda: Supervised(MODELS.build(MODEL)),
    'dacs': small_method,
    'daformer': lambda: small_method(**DISTANCE),
    'hrda': lambda: small_method(TWO_SCALES, **DISTANCE),
    'mic': lambda: small_method(**MASKING, mask_alpha=0.9),
    'dida': lambda: small_method(instance_bank=BANK),
    'minent': lambda: _others(MinEnt, lambda_ent={'main': 0.1}),
    'advseg': lambda: _others(AdvSeg, lambda_adv_target={'main': 0.1}, **MASKING),
}


@dataclass(frozen=True)
class Injection:
    """One way.

    Attributes:
        method: key of :data:`METHODS`.
        names: what the message must say, a pattern.
        prepare: changes the training object before the run.
        spoil: changes the batch of iteration ``AT``.
        after: changes the run after iteration ``AT - 1``, before anything is saved.
        settings: of the run.
    """

    method: str
    names: str
    prepare: Callable[[Any], None] = lambda trainable: None
    spoil: Callable[[Batch], None] = lambda batch: None
    after: Callable[[Run], None] | None = None
    settings: dict[str, Any] = field(default_factory=dict)


def scaled(owner: Any, function: str, factor: float, term: str = 'loss') -> Callable[[Any], None]:
    """Multiply the terms that a method of ``owner(trainable)`` returns, in iteration ``AT`` alone."""

    def prepare(trainable: Any) -> None:
        place = owner(trainable)
        original = getattr(place, function)

        def spoilt(*arguments: Any, **options: Any) -> Any:
            found = original(*arguments, **options)
            if trainable.iteration != AT - 1:
                return found
            if isinstance(found, Tensor):
                return found * factor
            for terms in (found.losses, found.metrics):
                terms.update({name: value * factor for name, value in terms.items() if term in name})
            return found

        setattr(place, function, spoilt)

    return prepare


def gradient(name: str, becomes: float = NAN) -> Callable[[Any], None]:
    """Set the gradient of a parameter; all losses stay finite."""

    def prepare(trainable: Trainable) -> None:
        parameter = trainable.stored().get_parameter(name)
        parameter.register_hook(
            lambda value: torch.full_like(value, becomes) if trainable.iteration == AT - 1 else value
        )

    return prepare


def distance(trainable: Any) -> None:
    """The frozen network overflows."""
    original = trainable.part(FeatureDistance).frozen.extract_views

    def spoilt(*arguments: Any) -> Any:
        found = original(*arguments)
        return [[maps * INF for maps in one] for one in found] if trainable.iteration == AT - 1 else found

    trainable.part(FeatureDistance).frozen.extract_views = spoilt


def classes(trainable: Any) -> None:
    """The loss of class 3 overflows, which only a label with that class shows."""
    trainable.student.decode_head.loss_decode.class_weight = torch.tensor([1.0, 1.0, 1.0, 3e38])


def domain(trainable: Any) -> None:
    """The discriminator's loss overflows, after everything else of the step."""
    original = trainable.judges._distance

    def spoilt(answer: Tensor, wanted: float) -> Tensor:
        spoils = trainable.iteration == AT - 1 and not answer.requires_grad
        loss = original(answer, wanted)
        return loss * INF if spoils or (trainable.iteration == AT - 1 and wanted == 1.0) else loss

    trainable.judges._distance = spoilt


def pixel(key: str, value: float) -> Callable[[Batch], None]:
    """One pixel of the batch gets a value."""

    def spoil(batch: Batch) -> None:
        batch[key][0, 0, 5, 5] = value

    return spoil


def tensor(find: Callable[[Run], Tensor], value: float) -> Callable[[Run], None]:
    """The first number of a tensor of the run gets a value."""

    @torch.no_grad()
    def after(run: Run) -> None:
        find(run).view(-1)[0] = value

    return after


def rate(run: Run) -> None:
    """A learning rate beyond float32."""
    for group in run.optimizer.optimizer.param_groups:
        group['initial_lr'] = 1e39


def moments(run: Run) -> Tensor:
    """Of the first weight."""
    return run.optimizer.optimizer.state[next(run.trainable.student.parameters())]['exp_avg_sq']


def labels_with_class_3(batch: Batch) -> None:
    """The lower half shows it."""
    batch['gt_semantic_seg'][:, :, 24:] = 3


UNDONE = {
    'source loss nan': Injection('dacs', 'decode.loss_seg is nan', scaled(lambda t: t.student, 'forward_train', NAN)),
    'supervised loss inf': Injection(
        'supervised', 'decode.loss_seg is inf', scaled(lambda t: t.student, 'forward_train', INF)
    ),
    'log value': Injection(
        'dacs', 'decode.acc_seg is nan', scaled(lambda t: t.student, 'forward_train', NAN, 'acc')
    ),
    'masked loss': Injection(
        'mic', 'masked.decode.loss_seg is nan', scaled(lambda t: t.part(MaskedConsistency), '_weighted', NAN)
    ),
    'feature distance': Injection('daformer', 'src.loss_imnet_feat_dist is (nan|inf)', distance),
    'instance loss': Injection(
        'dida', 'instance.loss_in is nan', scaled(lambda t: t.part(InstanceConsistency), 'mixed', NAN)
    ),
    'loss of one scale': Injection(
        'hrda', 'decode.hr.loss_seg is inf', scaled(lambda t: t.student, 'forward_train', INF, 'hr.loss')
    ),
    'discriminator': Injection('advseg', 'D_trg.loss.main is inf', domain),
    'gradient of the encoder': Injection('dacs', 'gradient', gradient('model.backbone.first.0.weight')),
    'gradient of the scale attention': Injection(
        'hrda', 'gradient', gradient('model.decode_head.scale_attention.conv_seg.weight')
    ),
    'gradient of the discriminator': Injection('advseg', 'gradient', gradient('model_D.main.conv1.weight')),
    'label': Injection('supervised', 'decode.loss_seg is inf', classes, labels_with_class_3),
    'source pixel nan': Injection('dida', r'decode.loss_seg is nan', spoil=pixel('img', NAN)),
    'target pixel nan': Injection('dacs', r'(mix\.|buffer)', spoil=pixel('target_img', NAN)),
    'target pixel inf': Injection('minent', 'ent.loss.main is nan', spoil=pixel('target_img', INF)),
    'pixel that overflows': Injection('mic', 'is (nan|inf|not finite)', spoil=pixel('img', 3e38)),
    'bf16': Injection(
        'daformer', 'is (nan|inf|not finite)', spoil=pixel('img', 3e38), settings={'precision': 'bf16'}
    ),
    'fp16': Injection(
        'dacs', 'decode.loss_seg is nan', scaled(lambda t: t.student, 'forward_train', NAN),
        settings={'precision': 'fp16'},
    ),
}  # fmt: skip
"""The step can be undone: nothing it has changed is kept."""

LASTING = {
    'weight beyond float32': Injection('dacs', r'after the step is not \(model\.backbone', after=rate),
    'moment beyond float32': Injection(
        'dacs', r'after the step.*exp_avg_sq of model\.backbone\.first\.0\.weight',
        gradient('model.backbone.first.0.weight', 1e25),
    ),
    'weight': Injection('dacs', r'model\.backbone\.first\.0\.weight', after=tensor(
        lambda run: next(run.trainable.student.parameters()), NAN)),
    'running variance': Injection('hrda', r'model\.backbone\.first\.1\.running_var', after=tensor(
        lambda run: run.trainable.student.backbone.first[1].running_var, INF)),
    'teacher': Injection('dacs', r'ema_model\.', after=tensor(
        lambda run: next(run.trainable.teacher.parameters()), NAN)),
    'teacher of the masking': Injection('mic', r'mic\.teacher\.ema_model', after=tensor(
        lambda run: next(run.trainable.part(MaskedConsistency).teacher.parameters()), NAN)),
    'bank': Injection('dida', r'instances\.features', after=tensor(
        lambda run: run.trainable.part(InstanceConsistency).bank.features, NAN)),
    'moment': Injection('daformer', r'exp_avg_sq of model\.backbone\.first\.0\.weight', after=tensor(moments, INF)),
    'moment of the discriminator': Injection('advseg', 'discriminator_optimizer', after=tensor(
        lambda run: next(iter(run.trainable.judges.adam.state.values()))['exp_avg'], NAN)),
}  # fmt: skip
"""What was there before the step is not finite, or the step itself has overwritten it."""


class After(Hook):
    """Does something to a run after iteration ``AT - 1``."""

    def __init__(self, action: Callable[[Run], None]) -> None:
        self.action = action

    def after_iteration(self, run: Run) -> None:
        if run.iteration == AT - 1:
            self.action(run)


def injected_run(folder: Path, injection: Injection, max_iters: int = 5, **options: Any) -> Run:
    """A run that goes wrong, with one checkpoint (the newest is kept) after each step unless told otherwise."""
    settings = TrainSettings(
        max_iters=max_iters,
        **{
            'optimizer': OPTIMIZER,
            'checkpoint_interval': 1,
            'max_keep_ckpts': 1,
            **injection.settings,
            **options,
        },
    )
    torch.manual_seed(0)
    trainable = METHODS[injection.method]()
    for network in trainable.networks().values():
        network.precision = 'bf16' if settings.precision == 'bf16' else 'fp32'
    injection.prepare(trainable)

    def batches(start: int) -> Any:
        for number in range(start + 1, max_iters + 1):
            batch = small_batch(size=(48, 48), seed=number)
            batch['gt_semantic_seg'].clamp_(max=2)
            batch['img_metas'] = [{**meta, 'filename': f'source_{number}.png'} for meta in batch['img_metas']]
            batch['target_img_metas'] = [{'filename': f'target_{number}.png'} for _ in batch['img_metas']]
            if number == AT:
                injection.spoil(batch)
            yield batch

    hooks: list[Hook] = [LogHook(LogWriter(folder / 'run.log.json', 'injected'), settings.log_interval)]
    hooks += [After(injection.after)] if injection.after else []
    return Run(
        trainable=trainable,
        optimizer=build_optimizer(
            trainable.stored(), settings.optimizer, settings.precision, nan_policy=settings.nan_policy
        ),
        settings=settings,
        batches=batches,
        hooks=[*hooks, CheckpointHook(settings.checkpoint_interval, settings.max_keep_ckpts)],
        work_dir=folder,
        device=torch.device('cpu'),
    )
