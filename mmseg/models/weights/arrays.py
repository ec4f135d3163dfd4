"""NumPy arrays and numbers out of files of others.

NumPy believes what a pickle says about an array: with objects for a type, or a shape that its bytes do not fill, the
process crashes or reads memory that is not its own. Here arrays are put together from numbers of a known size and
exactly as many bytes as these need.
"""

import math
import pickle
from typing import Any

import numpy as np

NUMBERS = frozenset(['b1', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'f2', 'f4', 'f8', 'c8', 'c16'])
"""Types that are admitted, as NumPy writes them."""


class NumberType:
    """Stands for ``numpy.dtype``.

    Args:
        code: one of :data:`NUMBERS`; what else a pickle gives is of no use.
    """

    def __init__(self, code: object = None, *_: object) -> None:
        text = code.lstrip('<>=|') if isinstance(code, str) else code
        if text not in NUMBERS:
            raise pickle.UnpicklingError(f'Unsupported array: of type {code!r}, expected numbers.')
        self.dtype = np.dtype(text)

    def __setstate__(self, state: Any) -> None:
        """Take over the order of the bytes; numbers need nothing else."""
        if len(state) > 1 and state[1] == '>':
            self.dtype = self.dtype.newbyteorder('>')


class NumberArray(np.ndarray):
    """Stands for ``numpy.ndarray``: empty until its state is set."""

    def __new__(cls, *_: object) -> 'NumberArray':
        return super().__new__(cls, (0,), np.int8)

    def __setstate__(self, state: Any) -> None:
        """Set type, shape and numbers from what ``numpy.ndarray.__reduce__`` wrote."""
        shape, kind, is_fortran, content = tuple(state)[-4:]
        _check(shape, kind, content)
        state = (1, shape, kind.dtype, bool(is_fortran), bytes(content))
        super().__setstate__(state)


def empty_array(*_: object) -> NumberArray:
    """Stands for ``_reconstruct``; what it is called with says nothing that the state does not say."""
    return NumberArray()


def array_of_buffer(content: Any, kind: Any, shape: Any, order: Any) -> Any:
    """Stands for ``_frombuffer``, which writes contiguous arrays in protocol 5."""
    _check(shape, kind, content)
    return np.frombuffer(content, kind.dtype).reshape(shape, order=order if order in ('C', 'F') else 'C')


def number(kind: Any, content: Any) -> Any:
    """Stands for ``scalar``: one number."""
    if isinstance(content, str):
        content = content.encode('latin1')
    _check((), kind, content)
    return np.frombuffer(content, kind.dtype)[0]


def no_bytes() -> bytes:
    """Stands for ``bytes``, which is how protocol 2 writes the content of an empty array."""
    return b''


def _check(shape: Any, kind: Any, content: Any) -> None:
    are_sizes = isinstance(shape, tuple) and all(type(size) is int and 0 <= size < 2**48 for size in shape)
    if not are_sizes or not isinstance(kind, NumberType) or not isinstance(content, bytes | bytearray):
        raise pickle.UnpicklingError(f'Unsupported array: of shape {shape!r}, expected sizes and numbers.')
    needed = math.prod(shape) * kind.dtype.itemsize
    if needed != len(content):
        raise pickle.UnpicklingError(
            f'Unsupported array: its shape {shape} needs {needed} bytes, the file has {len(content)}.'
        )


STAND_INS: dict[str, Any] = {
    'numpy.ndarray': NumberArray,
    'numpy.dtype': NumberType,
    # Files carry these under the names of NumPy's version at that time.
    **{f'numpy.{core}.multiarray._reconstruct': empty_array for core in ('core', '_core')},
    **{f'numpy.{core}.multiarray.scalar': number for core in ('core', '_core')},
    **{f'numpy.{core}.numeric._frombuffer': array_of_buffer for core in ('core', '_core')},
    **{f'{module}.bytes': no_bytes for module in ('builtins', '__builtin__')},
}
"""What the names that arrays need mean here."""
