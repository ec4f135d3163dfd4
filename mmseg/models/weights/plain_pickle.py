"""Reading pickles that were not written by torch, such as results of a test run, without running code from them."""

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from mmseg.errors import CheckpointError


def _latin1(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes in old protocols; no other codec is needed, and none is looked up."""
    return text.encode('latin1')


def _from_buffer(buffer: Any, dtype: np.dtype, shape: tuple[int, ...], order: Any) -> np.ndarray:
    """How NumPy writes contiguous arrays in protocol 5."""
    return np.frombuffer(buffer, dtype).reshape(shape, order=order)


ADMITTED: dict[str, Any] = {
    'collections.OrderedDict': OrderedDict,
    '_codecs.encode': _latin1,
    # Protocols before 3 use the name of Python 2.
    **{f'{module}.{kind.__name__}': kind
       for module in ('builtins', '__builtin__')
       for kind in (set, frozenset, bytearray, complex)},
    'numpy.ndarray': np.ndarray,
    'numpy.dtype': np.dtype,
    **{f'numpy.{core}.multiarray._reconstruct': np.zeros(0).__reduce__()[0] for core in ('core', '_core')},
    **{f'numpy.{core}.multiarray.scalar': np.float64(0).__reduce__()[0] for core in ('core', '_core')},
    **{f'numpy.{core}.numeric._frombuffer': _from_buffer for core in ('core', '_core')},
}  # fmt: skip
"""All names a pickle may ask for; the types are built in and cannot be changed by it."""


class PlainUnpickler(pickle.Unpickler):
    """Admits :data:`ADMITTED` only, so that nothing else can be called."""

    def find_class(self, module: str, name: str) -> Any:
        """What a name stands for; UnpicklingError in the words of torch's own restricted reader if it is refused."""
        full = f'{module}.{name}'
        if full not in ADMITTED:
            raise pickle.UnpicklingError(f'Unsupported global: GLOBAL {full} was not admitted.')
        return ADMITTED[full]


def read_plain_pickle(path: str | Path) -> Any:
    """The content of a pickle of plain values and NumPy arrays, any protocol.

    Raises:
        CheckpointError: the file is missing, damaged or no pickle, or holds other objects.
    """
    file = Path(path)
    try:
        with file.open('rb') as stream:
            return PlainUnpickler(stream).load()
    except FileNotFoundError:
        raise CheckpointError(f'{file} does not exist. Correct the path.') from None
    except (
        pickle.UnpicklingError,
        EOFError,
        ValueError,
        LookupError,
        AttributeError,
        TypeError,
        MemoryError,
    ) as error:
        raise CheckpointError(
            f'{file} cannot be read ({error or type(error).__name__}). Expected a pickle of plain values and NumPy '
            'arrays; other objects are not loaded because they could run code. Write or copy the file again.'
        ) from error
