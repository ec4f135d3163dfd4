"""Reading weight files without running code from them.

Four kinds of files: torch's zip archives, torch's older stream format, safetensors, and plain pickles of NumPy arrays.
The first two are read by torch's own restricted unpickler (``weights_only``), which calls nothing but what rebuilds
tensors. It is told to admit NumPy arrays and numbers as well, and to put something inert in the place of the objects
that other training programs keep beside the weights. Everything else is refused by name.
"""

import json
import mmap
import pickle
import re
import struct
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from mmseg.errors import CheckpointError
from mmseg.models.weights.arrays import STAND_INS
from mmseg.models.weights.checksums import ARCHIVE, require_sound
from mmseg.models.weights.plain_pickle import PlainUnpickler
from mmseg.models.weights.sources import resolve_weights
from mmseg.models.weights.state import State, some

META_ENTRY = 'meta'
"""Key of the header of a safetensors file under which ``meta`` stands as JSON."""

# What torch.load raises for a damaged file depends on where the damage is.
_LOAD_ERRORS = (
    OSError, EOFError, RuntimeError, ValueError, LookupError, AttributeError, TypeError, AssertionError, MemoryError,
    pickle.PickleError, struct.error,
)  # fmt: skip

_ZIP, _SAFETENSORS, _TEXT, _PICKLE, _OTHER = 'zip', 'safetensors', 'text', 'pickle', 'other'
_BYTEARRAY = b'\nbytearray\n'
_TORCH_STREAM = b'\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.'
"""torch's number at the start of its older format, after the two bytes that tell a pickle's protocol."""


class Inert:
    """Stands for an object of a training program (a log, a date, a path); it keeps nothing and does nothing."""

    def __new__(cls, *args: object) -> 'Inert':
        return super().__new__(cls)

    def __init__(self, *args: object) -> None:
        """Anything is accepted and dropped."""

    def __setstate__(self, state: object) -> None:
        """Anything is accepted and dropped."""


_NUMPY: list[Any] = [(stand_in, name) for name, stand_in in STAND_INS.items()]
_SETTINGS = re.compile(r'(mmengine|mmcv)\.[\w.]+\.ConfigDict|addict\.[\w.]*Dict')
_METADATA = re.compile(
    r'(mmengine|mmcv|mmseg|addict|pathlib|datetime)\.[\w.]+|argparse\.Namespace|builtins\.getattr'
)
_REFUSED = re.compile(
    r'(?:Unsupported global: GLOBAL|unsupported GLOBAL|Unsupported class|unrecognized function) (.+?)'
    r'(?: was not| whose| which|$)', re.MULTILINE
)  # fmt: skip


CHECKPOINT_REMEDY = 'Correct the path; the newest checkpoint of a run is WORK_DIR/latest.pth.'


def read_weight_file(path: str | Path) -> Any:
    """Read a checkpoint on the CPU without running code from it.

    Returns:
        The content: tensors, arrays and plain values; :class:`Inert` for objects of training programs. Of a safetensors
        file, ``state_dict`` and ``meta``.

    Raises:
        CheckpointError: the file is missing, empty, truncated, no checkpoint, unpacks to more than its size, or
            holds other objects.
    """
    file = resolve_weights(path, CHECKPOINT_REMEDY)
    size = file.stat().st_size
    if size == 0:
        raise CheckpointError(f'Weight file {file} is empty (0 bytes). Download or copy it again.')
    kind = _kind(file, size)
    if kind == _TEXT:
        raise CheckpointError(_text_message(file))
    try:
        if kind == _ZIP:
            _check_sizes(file, size)
        require_sound(file)
        if kind in (_ZIP, _OTHER):
            _check_bytearrays(file, kind)
        readers = {_SAFETENSORS: _read_safetensors, _PICKLE: _read_pickle}
        return readers.get(kind, _read_torch)(file)
    except pickle.UnpicklingError as error:
        refused = _refused(error)
        found = f'holds an object of {refused}' if refused else _damage(error)
        raise CheckpointError(
            f'Weight file {file} {found}. Expected tensors, arrays and plain values only: other objects are not '
            'loaded because they could run code. Download or copy it again, or re-save only its state_dict.'
        ) from error
    except (*_LOAD_ERRORS, SafetensorError, zipfile.BadZipFile) as error:
        raise CheckpointError(
            f'Weight file {file} ({size} bytes) cannot be read; it is truncated or no PyTorch '
            f'checkpoint. Download or copy it again. ({_first_line(error)})'
        ) from error


def load_weights(path: str | Path) -> State:
    """Tensors by key: the entry ``state_dict`` of the file if there is one, else ``model``, else the file itself.

    Raises:
        CheckpointError: as :func:`read_weight_file`, or the content is not a state dict.
    """
    return state_dict_of(read_weight_file(path), path)


def state_dict_of(content: Any, path: str | Path = 'checkpoint') -> State:
    """Tensors by key out of what :func:`read_weight_file` returned; raises like :func:`load_weights`."""
    for entry in ('state_dict', 'model'):
        if isinstance(content, Mapping) and isinstance(content.get(entry), Mapping):
            content = content[entry]
            break
    if not isinstance(content, Mapping) or not content:
        raise CheckpointError(
            f'Weight file {path} holds a {type(content).__name__}; expected a state dict (name -> tensor), '
            "possibly under 'state_dict' or 'model'."
        )
    arrays = ((str(key), value) for key, value in content.items())
    state = {key: tensor for key, value in arrays if (tensor := _as_tensor(value)) is not None}
    if not state:
        raise CheckpointError(
            f'Weight file {path} holds no tensors; its entries are {some(map(str, content))}.'
        )
    # A view that repeats one number a million times costs nothing in the file and everything when it is used.
    spread = [key for key, value in state.items() if value.nbytes > value.untyped_storage().nbytes()]
    if spread:
        raise CheckpointError(
            f'Weight file {path} declares larger tensors than it stores: {some(spread)}. Expected every number of a '
            'tensor in the file; download it again, or save it again with every tensor made contiguous.'
        )
    return state


def meta_of(content: Any) -> dict[str, Any]:
    """What a checkpoint says about itself; ``CLASSES`` and ``PALETTE`` also where mmsegmentation 1.x keeps them.

    These two are left out where they are no list of names or numbers, and of colours.
    """
    meta = content.get('meta') if isinstance(content, Mapping) else None
    if not isinstance(meta, Mapping):
        return {}
    later = meta.get('dataset_meta')
    names = {'CLASSES': 'classes', 'PALETTE': 'palette'}
    found = {
        ours: later[name] for ours, name in names.items() if isinstance(later, Mapping) and name in later
    }
    checks = {'CLASSES': _are_names, 'PALETTE': _are_colours}
    return {key: value for key, value in {**found, **meta}.items() if key not in checks or checks[key](value)}


def _are_names(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(name, str | int | float) for name in value)


def _are_colours(value: Any) -> bool:
    colours = value.tolist() if isinstance(value, np.ndarray) else value
    return isinstance(colours, list | tuple) and all(
        isinstance(colour, list | tuple) and len(colour) == 3 and all(_is_byte(level) for level in colour)
        for colour in colours
    )


def _is_byte(value: Any) -> bool:
    return isinstance(value, int | np.integer) and 0 <= int(value) <= 255


def _damage(error: pickle.UnpicklingError) -> str:
    if 'Unsupported operand' in str(error):
        return 'is damaged or was not saved with pickle protocol 2, the default of torch.save'
    return 'is damaged or no PyTorch checkpoint'


def _kind(file: Path, size: int) -> str:
    """What the first bytes say; names are not trusted."""
    with file.open('rb') as stream:
        head = stream.read(512)
    if head.startswith(ARCHIVE):
        return _ZIP
    if head[8:9] == b'{' and int.from_bytes(head[:8], 'little') <= size - 8:
        return _SAFETENSORS
    if all(byte >= 0x20 or byte in b'\t\n\r' for byte in head):
        return _TEXT
    return _PICKLE if head[:1] == b'\x80' and not head[2:].startswith(_TORCH_STREAM) else _OTHER


def _text_message(file: Path) -> str:
    with file.open('rb') as stream:
        start = stream.read(40).decode('latin-1').split('\n')[0]
    hint = (
        'It is a pointer of Git LFS: run git lfs pull. '
        if start.startswith('version https://git-lfs')
        else ''
    )
    return (
        f"Weight file {file} is a text file (it starts with '{start}'). Expected a PyTorch checkpoint or a safetensors "
        f'file. {hint}Download or copy it again; a web page in its place means that the download was refused.'
    )


def _check_sizes(file: Path, size: int) -> None:
    """torch packs without compression, so more content than file is no checkpoint but an attempt to fill the memory."""
    with zipfile.ZipFile(file) as archive:
        declared = sum(entry.file_size for entry in archive.infolist())
    if declared > size:
        raise CheckpointError(
            f'Weight file {file} has {size} bytes but unpacks to {declared}. Expected an archive as torch.save '
            'writes it, without compression; unpack such a file where that is safe and save it again with torch.save.'
        )


def _check_bytearrays(file: Path, kind: str) -> None:
    """torch fills as many bytes as a file asks for with ``bytearray(NUMBER)``; nobody keeps any beside weights."""
    if kind == _ZIP:
        with zipfile.ZipFile(file) as archive:
            names = [name for name in archive.namelist() if name.endswith('.pkl')]
            found = any(_BYTEARRAY in archive.read(name) for name in names)
    else:
        with file.open('rb') as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            found = content.find(_BYTEARRAY) >= 0
    if found:
        raise pickle.UnpicklingError('Unsupported global: GLOBAL builtins.bytearray was not admitted.')


def _read_pickle(file: Path) -> Any:
    with file.open('rb') as stream:
        return PlainUnpickler(stream).load()


def _read_torch(file: Path) -> Any:
    """Read with torch's restricted unpickler; objects of training programs become inert."""
    admitted = dict[str, Any]()
    while True:
        entries = [(stand_in, name) for name, stand_in in admitted.items()]
        try:
            with torch.serialization.safe_globals(_NUMPY + entries), warnings.catch_warnings():
                warnings.simplefilter('ignore', UserWarning)  # about pickle protocols; a refusal says it too
                return torch.load(file, map_location='cpu', weights_only=True)
        except pickle.UnpicklingError as error:
            names = [refused] if (refused := _refused(error)) else []
            if names and zipfile.is_zipfile(file):
                names += _unknown_globals(file)
            stand_ins = {name: _stand_in(name) for name in names if _METADATA.fullmatch(name)}
            if not stand_ins.keys() - admitted.keys():
                raise
            admitted.update(stand_ins)


def _refused(error: pickle.UnpicklingError) -> str | None:
    """The name that torch's unpickler did not admit; it leaves ``builtins.`` out."""
    found = _REFUSED.search(str(error))
    if found is None:
        return None
    return found[1] if '.' in found[1] else f'builtins.{found[1]}'


def _unknown_globals(file: Path) -> list[str]:
    """Names in an archive that torch does not admit; all at once, so that large files are read twice at most."""
    with torch.serialization.safe_globals(_NUMPY):
        return torch.serialization.get_unsafe_globals_in_checkpoint(file)


def _stand_in(name: str) -> Any:
    return OrderedDict if _SETTINGS.fullmatch(name) else Inert


def _read_safetensors(file: Path) -> dict[str, Any]:
    with safe_open(file, 'pt') as archive:
        header = archive.metadata() or {}
        state = {key: archive.get_tensor(key) for key in archive.keys()}  # noqa: SIM118, it is no dict
    meta = json.loads(header.get(META_ENTRY, '{}'))
    return {'state_dict': state, 'meta': meta if isinstance(meta, dict) else {}}


def _as_tensor(value: object) -> Tensor | None:
    if isinstance(value, np.ndarray) and value.dtype.kind in 'biuf':
        return torch.from_numpy(np.array(value, dtype=value.dtype.newbyteorder('=')))
    if not isinstance(value, Tensor) or value.layout is not torch.strided or value.is_quantized:
        return None
    return value.detach() if value.device.type == 'cpu' else None


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
