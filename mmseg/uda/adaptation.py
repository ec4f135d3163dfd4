"""What adaptation methods share: a student, parts, and the pass over the source images."""

import copy
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from torch import Tensor, nn

from mmseg.batch import Batch
from mmseg.errors import ConfigError
from mmseg.models.segmentors.encoder_decoder import EncoderDecoder
from mmseg.models.segmentors.outputs import SegmentorOutput
from mmseg.models.terms import Terms
from mmseg.options import check_declaration, declared_by, parse, problems
from mmseg.registry import MODELS
from mmseg.uda import asking
from mmseg.uda.draws import Draws, DrawSource
from mmseg.uda.gradients import gradient_norm
from mmseg.uda.options import AdaptationOptions
from mmseg.uda.ownership import take_over
from mmseg.uda.part import Contribution, Part, Step, listed_parts
from mmseg.uda.pictures import Arrays, Rows, added
from mmseg.uda.published import doubled, published_keys, split_published
from mmseg.uda.trainable import Average, LossGroup, Trainable, claim

PartType = TypeVar('PartType', bound=Part)

logger = logging.getLogger('mmseg')


class Adaptation(Trainable):
    """A student that is adapted to a target, and the parts that help.

    Args:
        model: configuration of the segmentor; each of the networks is built from it.
        max_iters: length of the run.
        parts: configurations of further parts: dict(type, and options), see :mod:`mmseg.uda.part`.
        options: see :attr:`Options`, and the published keys of parts, see :mod:`mmseg.uda.published`.

    Attributes:
        Options: dataclass of the method's own options.
        PUBLISHED: types of the parts that have published keys in the method's configuration.
        draws: makes the random decisions of a step from (seed, iteration).
        parts: in the order in which they are asked.

    Raises:
        ConfigError: an option is out of range or contradicts another; all problems are listed.
    """

    Options: ClassVar[type[AdaptationOptions]]
    PUBLISHED: ClassVar[tuple[str, ...]] = ('MaskedConsistency',)

    def __init_subclass__(cls) -> None:
        check_declaration(cls, getattr(cls, 'Options', None))

    def __init__(
        self,
        model: Mapping[str, Any],
        max_iters: int,
        parts: Sequence[Mapping[str, Any]] = (),
        **options: Any,
    ) -> None:
        super().__init__()
        own, published = split_published(options, self.PUBLISHED)
        self.options = parse(self.Options, own, 'uda.{}'.format)
        self.model_cfg, self.max_iters = model, max_iters
        self.draws: DrawSource = Draws
        self.add_module('model', MODELS.build(copy.deepcopy(model)))
        self.parts: list[Part] = []
        self._undrawn: list[Part] = []
        self._begun = False
        for part in self.own_parts():
            self._add(part)
        if found := doubled(published, listed_parts(parts)):
            raise ConfigError(' '.join(found))
        for entry in (*published, *listed_parts(parts)):
            self._add(entry.build(self))
        self.train()

    @property
    def student(self) -> EncoderDecoder:
        """The trained network; its published prefix is 'model'."""
        return self._modules['model']  # type: ignore[return-value]

    @classmethod
    def declared(cls) -> Mapping[str, tuple[Any, bool]]:
        """Options for the check of configurations."""
        return {**published_keys(cls.PUBLISHED), **declared_by(cls.Options)}

    @classmethod
    def problems(cls, options: Mapping[str, Any]) -> list[str]:
        """One sentence for each mistake in ``uda``, those of parts included, for the check of configurations."""
        own, published = split_published(
            {key: value for key, value in options.items() if key not in ('type', 'parts')}, cls.PUBLISHED
        )
        parts = options.get('parts', ())
        listed = listed_parts(parts) if isinstance(parts, list | tuple) else []
        return [
            *problems(cls.Options, own, 'uda.{}'.format),
            *(sentence for entry in (*published, *listed) for sentence in entry.problems()),
            *doubled(published, listed),
        ]

    @property
    def has_target(self) -> bool:
        """Whether there are target images."""
        return True

    @property
    def has_pseudo_labels(self) -> bool:
        """Whether the method labels them, so that its parts need not."""
        return False

    @property
    def teacher(self) -> EncoderDecoder | None:
        """The method's mean teacher, if it has one."""
        return None

    def own_parts(self) -> list[Part]:
        """Parts without which the method is none."""
        return []

    def _add(self, part: Part) -> None:
        self.parts.append(part)
        take_over(part, self)

    def part(self, kind: type[PartType]) -> PartType | None:
        """The first part of a kind, or None."""
        return next((part for part in self.parts if isinstance(part, kind)), None)

    def init_weights(self) -> None:
        """Load or draw the weights of every network."""
        self.student.init_weights()
        for part in self.parts:
            part.init_weights()

    def train(self, mode: bool = True) -> 'Adaptation':
        """Training or evaluation mode, as far as the parts agree (frozen networks, teachers without dropout)."""
        super().train(mode)
        for part in self.parts:
            part.after_mode()
        return self

    def networks(self) -> Mapping[str, EncoderDecoder]:
        """Student, and every segmentor that a part owns."""
        return {name: module for name, module in self.named_modules() if isinstance(module, EncoderDecoder)}

    def after_step(self, skipped: Tensor | None = None) -> None:
        """What parts do after the optimiser's step."""
        for part in self.parts:
            with asking.asking(part, 'after_step'):
                part.after_step(self.iteration, skipped)

    def constants(self) -> list[nn.Module]:
        """Frozen networks of parts."""
        return asking.listed(self.parts, 'constants', nn.Module)

    def averages(self) -> list[Average]:
        """Mean teachers of parts."""
        return asking.listed(self.parts, 'averages', Average)

    def training_state(self) -> dict[str, Any]:
        """Counter, and what parts keep."""
        taken = dict.fromkeys(('iteration', 'averaged'), type(self).__name__)
        return {**super().training_state(), **asking.states(self.parts, taken)}

    def load_training_state(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`training_state` returned."""
        super().load_training_state(state)
        asking.restore(self.parts, state)

    def begin(self, batch: Batch) -> Step:
        """The step of this iteration; parts have prepared themselves for it."""
        draws = self.draws(self.seed, self.iteration)
        step = Step(self.iteration, batch, draws, self.shown)
        if not self._begun:
            self.training_state()  # what could not be saved is told before hours of training
            self._begun = True
        for part in self.parts:
            with asking.asking(part, 'before_step'):
                part.before_step(step)
        return step

    def source_pass(
        self, step: Step, look: Callable[[SegmentorOutput], None] = lambda output: None
    ) -> LossGroup:
        """Supervised loss on source images, and what parts add to it.

        Args:
            step: this one.
            look: gets the student's output, which is gone after the backward pass.
        """
        image, label = step.batch['img'], step.batch['gt_semantic_seg']
        output = self.student.forward_train(image, label, draws=step.draws)
        look(output)
        contributions = asking.contributions(self.parts, 'source', step, output)
        group = self.group(step, 'source', 'Seg. Grad.', output, contributions, {})
        group.seen = self.shown(
            lambda: asking.shown(contributions, 'source', {'img': image, 'label': label, **output.seen()})
        )
        return group

    def further_passes(self, step: Step) -> Iterator[LossGroup]:
        """Passes of the parts."""
        for part, group in asking.passes(self.parts, step):
            size = self._gradient_size(step, part.gradient_name, group.name, group.losses)
            group.metrics = {**group.metrics, **size}
            yield group
            del group  # the next pass runs without it

    def group(
        self,
        step: Step,
        name: str,
        gradient_name: str,
        terms: Terms,
        contributions: Sequence[tuple[Part, Contribution]],
        metrics: Mapping[str, Tensor],
    ) -> LossGroup:
        """A pass and what parts add to it, then further metrics and, if asked for, the gradient of each."""
        owners: dict[str, str] = {}
        claim((*terms.values(), *metrics), type(self).__name__, owners)
        sizes = self._gradient_size(step, gradient_name, name, terms.losses)
        for part, found in contributions:
            claim(found.values(), asking.place(part, name), owners)
            sizes |= self._gradient_size(step, part.gradient_name, name, found.losses)
        more = (found for _, found in contributions)
        joined = terms.joined(*more, Terms({}, {**metrics, **sizes}))
        return LossGroup(*joined.parts(), name=name, watched=step.watched, owners=owners)

    def _gradient_size(
        self, step: Step, name: str, place: str, losses: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Norm of what losses do to the encoder, under a log name; a second pass of the name adds its own."""
        if not (self.options.print_grad_magnitude and name and losses):
            return {}
        label = f'{name} ({place})' if name in step.measured else name
        step.measured.add(name)
        return {label: gradient_norm(LossGroup(losses, name=name).total(), self.student.backbone)}

    def with_parts(self, rows: Rows, groups: Mapping[str, Arrays], j: int) -> Rows:
        """Panels of image j of the method, and of its parts; those of a part that fails are left out from then on."""
        for part in self.parts:
            if part in self._undrawn:
                continue
            try:
                rows = added(rows, asking.panels(part, groups, j))
            except Exception as error:
                self._undrawn.append(part)
                logger.warning(
                    f'{asking.place(part, "panels")}: {type(error).__name__}: {error}. Seen were the groups '
                    f'{", ".join(groups)}. Training goes on without the debug pictures of this part.'
                )
        return rows
