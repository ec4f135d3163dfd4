"""Bytes of tensors, counted as they come and go."""

import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks.resident import MIB


class Alive(TorchDispatchMode):
    """Bytes of tensors that exist, and the most there were, of those made while it is active."""

    def __init__(self, old: Iterable[Tensor]) -> None:
        super().__init__()
        self.bytes = self.peak = 0
        self._old = [tensor.untyped_storage() for tensor in old]
        self._known = {storage._cdata for storage in self._old}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run an operation and count what is new in its result."""
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self._add(tensor.untyped_storage())
        return result

    @contextmanager
    def most(self, peaks: dict[str, float], part: str) -> Iterator[None]:
        """Note the peak of what happens inside, beyond what was alive before."""
        before, outer, self.peak = self.bytes, self.peak, self.bytes
        yield
        peaks[part] = max(peaks.get(part, 0.0), (self.peak - before) / MIB)
        self.peak = max(outer, self.peak)

    def _add(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key not in self._known:
            self._known.add(key)
            self.bytes += size
            self.peak = max(self.peak, self.bytes)
            weakref.finalize(storage, self._remove, key, size)

    def _remove(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.bytes -= size
