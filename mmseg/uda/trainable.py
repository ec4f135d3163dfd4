"""The one training step.

A trainable object (supervised training or an adaptation method) describes an iteration as a generator of loss
groups. :meth:`Trainable.train_step` back-propagates each group before the generator continues, so the graph of
one pass is gone before the next pass begins, and what is logged is what was back-propagated.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from mmseg.batch import Batch, Normalisation
from mmseg.errors import ConfigError
from mmseg.models.guard import Unguarded
from mmseg.models.student import Student
from mmseg.models.terms import Terms
from mmseg.uda.pictures import Layout


@dataclass(kw_only=True)
class LossGroup(Terms):
    """Losses that are back-propagated together, metrics, and what the network was shown.

    Attributes:
        name: 'source', 'mixed', 'masked', ...
        seen: detached tensors for debug pictures and reference checks, e.g. ``img`` (B, 3, H, W), ``label``
            (B, 1, H, W), ``weight`` (B, H, W) in [0, 1], ``pseudo_label`` (B, H, W). Never used for training, and
            empty where nobody looks (:meth:`Trainable.shown`).
        watched: scalars that are not logged, but must be finite.
        owner: who yields it, for messages; empty: the method.
        owners: whose a term is, for messages; of those that are missing the owner's.
    """

    name: str
    seen: dict[str, Any] = field(default_factory=dict)
    watched: list[Tensor] = field(default_factory=list)
    owner: str = ''
    owners: dict[str, str] = field(default_factory=dict)

    def total(self) -> Tensor:
        """The scalar to back-propagate: the sum of the losses."""
        return torch.stack([value.mean() for value in self.losses.values()]).sum()

    def logged(self) -> dict[str, Tensor]:
        """Losses and metrics without a graph, in logging order."""
        return {name: value.detach().mean() for name, value in self.values().items()}


@runtime_checkable
class Average(Protocol):
    """A mean teacher, as far as a step that broke off is concerned."""

    latest: int | None
    """The iteration it was averaged for last."""

    done: int | None
    """An iteration for which it is not averaged again."""


OF_THE_LOG = ('mode', 'epoch', 'iter', 'lr', 'memory', 'data_time', 'time')
"""What a line of the log holds besides terms (:mod:`mmseg.engine.log`)."""


def claim(names: Iterable[str], owner: str, taken: dict[str, str]) -> None:
    """Add log names to those that are taken: terms of one name would replace each other.

    Args:
        names: of terms.
        owner: whose they are, for messages.
        taken: name -> owner, so far.

    Raises:
        ConfigError: a name is taken, or the log could not show it.
    """
    for name in names:
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise ConfigError(
                f'{owner}: found a term called {name!r}, expected a text of one line as its name.'
            )
        if name in taken:
            # The one that came first may be the mistake, where the second one is published.
            one, other = sorted((owner, taken[name]), key=lambda text: text.startswith('part '), reverse=True)
            raise ConfigError(
                f'{one}: found a term called {name!r}, expected a name of its own: {other} has that one.'
            )
        taken[name] = owner


Observer = Callable[[int, LossGroup], None]
"""Called with (iteration, group) after a group's backward pass: debug pictures, reference checks."""

Finish = Callable[[int], None]
"""Called with the iteration after its last group."""


class Trainable(nn.Module, ABC):
    """Base of everything that the runner trains.

    Attributes:
        iteration: number of finished steps. Part of :meth:`training_state`, so a resumed run goes on counting.
        seed: seed of the run. Random decisions of step t are a pure function of (seed, rank, t).
        normalisation: of the pictures in batches; augmentation undoes it meanwhile.
    """

    def __init__(self) -> None:
        super().__init__()
        self.iteration = 0
        self.seed = 0
        self.normalisation = Normalisation()
        self._observers: list[tuple[int, Observer, Finish | None]] = []

    def watch(self, observer: Observer, interval: int = 1, finish: Finish | None = None) -> None:
        """Show an observer the loss groups of every iteration that ``interval`` divides; 0: of none."""
        self._observers.append((interval, observer, finish))

    def unwatch(self, observer: Observer) -> None:
        """Show it nothing any more."""
        self._observers = [entry for entry in self._observers if entry[1] is not observer]

    def _watching(self) -> list[tuple[Observer, Finish | None]]:
        return [
            (observer, finish)
            for each, observer, finish in self._observers
            if each > 0 and self.iteration % each == 0
        ]

    def shown(self, seen: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """``LossGroup.seen`` for this iteration: what the function makes, nothing if nobody looks."""
        return seen() if self._watching() else {}

    @abstractmethod
    def loss_groups(self, batch: Batch) -> Iterator[LossGroup]:
        """Yield the loss groups of one iteration in order."""

    @property
    @abstractmethod
    def student(self) -> Student:
        """The network that is trained and, unless the teacher is asked for, tested."""

    @property
    def teacher(self) -> Student | None:
        """The mean teacher of the student; None: there is none."""
        return None

    @abstractmethod
    def init_weights(self) -> None:
        """Load or draw the weights of every network."""

    @abstractmethod
    def networks(self) -> Mapping[str, Student]:
        """Its segmentors by the prefix of their keys in the state dict, the student first."""

    def layout(self) -> Layout | None:
        """Its debug pictures; None: there are none."""
        return None

    def stored(self) -> nn.Module:
        """The module whose state dict is that of a checkpoint."""
        return self

    def after_step(self, skipped: Tensor | None = None) -> None:
        """What is to be done between the optimiser's step and the end of the iteration; nothing by default.

        Args:
            skipped: bool scalar on the device: the optimiser did not step; None: it did.
        """

    def constants(self) -> list[nn.Module]:
        """Networks that are not trained and never change; none by default."""
        return []

    def _changing(self) -> Iterator[Tensor]:
        """What a step changes without the optimiser: buffers (a bank, too), parameters of a teacher."""
        yield from self.buffers()
        # What is frozen in the student stays as it is, too.
        networks = [self.student.parameters(), *(network.parameters() for network in self.constants())]
        still = {id(parameter) for parameters in networks for parameter in parameters}
        yield from (p for p in self.parameters() if not p.requires_grad and id(p) not in still)

    def averages(self) -> list[Average]:
        """The mean teachers that are averaged at the start of a step."""
        return []

    def training_state(self) -> dict[str, Any]:
        """What a resumed run needs besides the state dict (whose keys are the published ones).

        ``averaged`` is there only where a step broke off: which teachers were averaged for it already.
        """
        averaged = [average.latest == self.iteration for average in self.averages()]
        return {'iteration': self.iteration, **({'averaged': averaged} if any(averaged) else {})}

    def load_training_state(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`training_state` returned."""
        self.iteration = int(state['iteration'])
        for average, done in zip(self.averages(), state.get('averaged', ()), strict=False):
            average.latest = average.done = self.iteration if done else None

    def _claim(self, group: LossGroup, names: set[str], taken: dict[str, str]) -> None:
        """Groups and log values of one name would replace each other.

        Raises:
            ConfigError: an earlier group of the step has such a name.
        """
        owner = group.owner or f'{type(self).__name__}, function loss_groups'
        if group.name in names:
            raise ConfigError(
                f'{owner}: found a second loss group called {group.name!r}, expected a name of its own.'
            )
        names.add(group.name)
        for name in group.values():
            claim([name], group.owners.get(name, owner), taken)

    def train_step(self, data: Batch, optim_wrapper: OptimWrapper) -> dict[str, Tensor]:
        """One optimisation step; undone on the device if it is not finite (:mod:`mmseg.models.guard`).

        Args:
            data: a batch on the training device.
            optim_wrapper: mmengine optimiser wrapper over this object's parameters.

        Returns:
            Log values by name in logging order: detached scalars on the training device (no synchronisation).
        """
        guard: Unguarded = getattr(optim_wrapper, 'guard', None) or Unguarded()
        guard.begin(self, self._changing())
        optim_wrapper.zero_grad()
        logged: dict[str, Tensor] = {}
        watched: list[Tensor] = []
        names: set[str] = set()
        taken = dict.fromkeys(OF_THE_LOG, 'every line of the log')
        for group in self.loss_groups(data):
            self._claim(group, names, taken)
            optim_wrapper.backward(group.total())
            logged.update(group.logged())
            watched += group.watched
            for observe, _ in self._watching():
                observe(self.iteration, group)
            del group  # the next pass runs without what this one has shown
        for _, finish in self._watching():
            if finish is not None:
                finish(self.iteration)
        guard.judge(logged.values(), watched)
        optim_wrapper.step()
        self.after_step(guard.skipped)
        guard.end()
        self.iteration += 1
        return logged
