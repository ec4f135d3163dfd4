"""Reading pickles that were not written by torch, such as results of a test run, without running code from them."""

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, ClassVar

from mmseg.errors import CheckpointError
from mmseg.fileio import require_regular
from mmseg.models.weights.arrays import STAND_INS


def _latin1(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes in old protocols; no other codec is needed, and none is looked up."""
    return text.encode('latin1')


def _load_bytearray(unpickler: Any) -> None:
    """Read the bytes first: the library reserves and fills as many as the file claims to have."""
    size = int.from_bytes(unpickler.read(8), 'little')
    content = unpickler.read(size)
    if len(content) < size:
        raise EOFError('it is cut off')
    unpickler.append(bytearray(content))


ADMITTED: dict[str, Any] = {
    'collections.OrderedDict': OrderedDict,
    '_codecs.encode': _latin1,
    # Protocols before 3 use the name of Python 2.
    **{f'{module}.{kind.__name__}': kind
       for module in ('builtins', '__builtin__')
       for kind in (set, frozenset, complex)},
    **STAND_INS,
}  # fmt: skip
"""All names a pickle may ask for."""


class PlainUnpickler(pickle._Unpickler):
    """Admits :data:`ADMITTED` only, so that nothing else can be called.

    Written in Python, since the faster one reserves as much memory as a file tells it to.
    """

    dispatch: ClassVar[dict[int, Any]] = {**pickle._Unpickler.dispatch, pickle.BYTEARRAY8[0]: _load_bytearray}

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
        DataError: it is a pipe or device.
    """
    file = Path(path)
    try:
        require_regular(file)
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
        OverflowError,
        MemoryError,
    ) as error:
        raise CheckpointError(
            f'{file} cannot be read ({error or type(error).__name__}). Expected a pickle of plain values and NumPy '
            'arrays; other objects are not loaded because they could run code. Write or copy the file again.'
        ) from error
