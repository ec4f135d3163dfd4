"""What methods are composed of: parts with one interface.

A part owns networks, looks at the passes of a step, adds terms to them or yields passes of its own. A new one is a
class in a file of its own, registered in ``PARTS`` and listed in ``uda.parts`` (docs/add-a-part.md).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor, nn

from mmseg.batch import Batch
from mmseg.errors import ConfigError
from mmseg.models.segmentors.outputs import Prediction, Seen, SegmentorOutput
from mmseg.models.terms import Terms
from mmseg.options import NoOptions, check_declaration, declared_by, parse, problems
from mmseg.registry import PARTS
from mmseg.uda.draws import StepDraws
from mmseg.uda.part_class import check_functions
from mmseg.uda.pictures import Arrays, Rows
from mmseg.uda.pseudo_label import PseudoLabel
from mmseg.uda.trainable import Average, LossGroup

if TYPE_CHECKING:
    from mmseg.uda.adaptation import Adaptation


@dataclass(kw_only=True)
class Contribution(Terms):
    """What a part adds to a pass.

    Attributes:
        seen: makes what its debug pictures show, detached.
    """

    seen: Seen = dict


@dataclass
class Step:
    """An iteration, as its parts see it; what is not made yet is None.

    Attributes:
        iteration: number of the step, from 0.
        batch: source and target, see :class:`mmseg.batch.Batch`.
        draws: its random decisions.
        shown: see :meth:`mmseg.uda.trainable.Trainable.shown`.
        view: what the teacher says about the target images.
        pseudo: the pseudo-labels made of that.
        pasted: bool (B, 1, H, W), pixels of the mixed images that come from the source.
        mixed_label: int64 (B, 1, H, W) of the mixed images, 255 = ignore.
        mixed_weight: (B, H, W) in [0, 1], of its pixels.
        watched: scalars that are not logged, but must be finite.
        measured: log names of gradients that are taken in this step.
    """

    iteration: int
    batch: Batch
    draws: StepDraws
    shown: Callable[[Seen], dict[str, Any]]
    view: Prediction | None = None
    pseudo: PseudoLabel | None = None
    pasted: Tensor | None = None
    mixed_label: Tensor | None = None
    mixed_weight: Tensor | None = None
    watched: list[Tensor] = field(default_factory=list)
    measured: set[str] = field(default_factory=set)


class Part:
    """A part of a method; every function does nothing unless it is overridden.

    Args:
        options: an instance of :attr:`Options`.
        host: the method, whose student is built already.

    Attributes:
        Options: dataclass of the options, see :mod:`mmseg.options`.
        gradient_name: log name of the gradient that its terms send into the encoder
            (``uda.print_grad_magnitude``).
    """

    Options: ClassVar[type[NoOptions]] = NoOptions
    gradient_name: ClassVar[str] = ''

    def __init_subclass__(cls) -> None:
        check_declaration(cls, cls.Options)
        check_functions(cls, Part)

    def __init__(self, options: Any, host: 'Adaptation') -> None:
        self.options = options
        self.host = host

    @classmethod
    def declared(cls) -> Mapping[str, tuple[Any, bool]]:
        """Options for the check of configurations."""
        return declared_by(cls.Options)

    def modules(self) -> dict[str, nn.Module]:
        """Networks and buffers it owns, by the prefix of their keys in a checkpoint."""
        return {}

    def init_weights(self) -> None:
        """Load or draw the weights of its networks."""

    def constants(self) -> list[nn.Module]:
        """Those of its networks that never change."""
        return []

    def after_mode(self) -> None:
        """The method was switched to training or evaluation; bring own networks into the mode that they need."""

    def before_step(self, step: Step) -> None:
        """At the start of a step, before any pass."""

    def source(self, step: Step, output: SegmentorOutput) -> Contribution:
        """Terms beside the supervised loss of the student's pass over the source images, with their gradient."""
        return Contribution({})

    def look(self, step: Step) -> Prediction | None:
        """The teacher's view of the target images, if this part needs another one than usual; without gradient."""
        return None

    def correct(self, step: Step) -> Callable[[Tensor], Tensor] | None:
        """What changes the teacher's probabilities (B, C, H, W) before pseudo-labels are made of them."""
        return None

    def mixed(self, step: Step, output: SegmentorOutput) -> Contribution:
        """Terms beside the loss of the student's pass over the mixed images, with their gradient."""
        return Contribution({})

    def groups(self, step: Step) -> Iterator[LossGroup]:
        """Further passes of the student, after those of the method."""
        yield from ()

    def after_step(self, iteration: int, skipped: Tensor | None) -> None:
        """Between the optimiser's step and the end of an iteration.

        Args:
            iteration: the one that ends.
            skipped: bool scalar on the device: the optimiser did not step; None: it did.
        """

    def averages(self) -> list[Average]:
        """Its mean teachers."""
        return []

    def state(self) -> dict[str, Any]:
        """What a resumed run needs besides the state dict, by names of its own."""
        return {}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state` returned; entries may be missing where the saved run had no such part."""

    def panels(self, groups: Mapping[str, Arrays], j: int) -> Rows:
        """Debug pictures of image j: panels for the first, second, ... row.

        Args:
            groups: what was seen, by name of the loss group and then by name, as arrays.
            j: position in the batch.
        """
        return []


@dataclass(frozen=True)
class Entry:
    """A part in a configuration.

    Attributes:
        type: its name in ``PARTS``.
        options: what is given.
        place: where an option stands, for messages.
    """

    type: object
    options: Mapping[str, Any]
    place: Callable[[str], str]

    def problems(self) -> list[str]:
        """One sentence for each mistake."""
        kind = PARTS.get(self.type)
        if kind is None:
            return [f'{self.place("type")}: {PARTS.unknown(self.type)}']
        if not (isinstance(kind, type) and issubclass(kind, Part)):
            return [f'{self.place("type")}: {self.type} is no class derived from mmseg.uda.part.Part.']
        return problems(kind.Options, self.options, self.place)

    def build(self, host: 'Adaptation') -> Part:
        """The part.

        Raises:
            ConfigError: there are :meth:`problems`.
        """
        if found := self.problems():
            raise ConfigError(' '.join(found))
        kind: type[Part] = PARTS.component(self.type)
        part = kind(parse(kind.Options, self.options, self.place), host)
        if not hasattr(part, 'host'):
            raise ConfigError(
                f'{kind.__name__}.__init__: the part does not know its method; write "super().__init__(options, host)" '
                'in the first line.'
            )
        return part


def listed_parts(parts: Sequence[Any]) -> list[Entry]:
    """The entries of ``uda.parts`` that are dicts; the check of types tells about others."""
    return [
        Entry(part.get('type'), {key: value for key, value in part.items() if key != 'type'}, _place(number))
        for number, part in enumerate(parts)
        if isinstance(part, Mapping)
    ]


def _place(number: int) -> Callable[[str], str]:
    return lambda option: f'uda.parts.{number}.{option}'
