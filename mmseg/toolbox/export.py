"""Networks as files that run without this package: ONNX and TorchScript, kept only if they predict the same."""

import json
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mmseg.engine.build import to_dict
from mmseg.errors import ExportError, UsageError
from mmseg.fileio import atomic_write, read_image
from mmseg.models.segmentors import HRDAEncoderDecoder

Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""A loaded file: pictures (B, 3, H, W) -> logits (B, C, H, W)."""

OPSET = 17
INPUT, OUTPUT = 'image', 'logits'
TOLERANCE = 1e-3
"""Allowed difference of logits, as a share of the largest one: float32 sums in another order stay far below."""
AGREEMENT = 0.999
"""Share of pixels whose class must be the same; near a border between classes rounding may decide."""

Shape = tuple[int, int]
"""(height, width) in pixels."""


class PictureNetwork(nn.Module):
    """What a file holds: normalisation and prediction.

    Args:
        model: from :func:`mmseg.apis.init_model`; predicts in float32 from now on, as ``test_cfg`` says.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: Any) -> None:
        super().__init__()
        model.precision = 'fp32'
        self.model = model
        mean, std = _normalisation(model.cfg)
        self.register_buffer('mean', mean, persistent=False)
        self.register_buffer('std', std, persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """RGB pictures float32 (B, 3, H, W) in 0..255 -> logits float32 (B, C, H, W)."""
        logits: Tensor = self.model.predict_logits((image - self.mean) / self.std)
        return logits


class FixedSize(nn.Module):
    """A traced network that refuses batches of another shape than the traced one, which it would predict wrongly."""

    def __init__(self, inner: nn.Module, shape: Sequence[int]) -> None:
        super().__init__()
        self.inner = inner
        self.shape = list(shape)

    def forward(self, image: Tensor) -> Tensor:
        """See :class:`PictureNetwork`."""
        assert list(image.shape) == self.shape, f'this file is for pictures of shape {self.shape}'
        return self.inner(image)


@dataclass(frozen=True)
class Difference:
    """How a file differs from its network.

    Attributes:
        pictures: what was predicted, for messages.
        shape: of the input, (B, 3, H, W).
        largest: largest difference of a logit.
        scale: largest logit of the network.
        agreement: share of pixels of the same class, in [0, 1].
    """

    pictures: str
    shape: tuple[int, ...]
    largest: float
    scale: float
    agreement: float

    @property
    def is_small(self) -> bool:
        """Whether rounding explains it (NaN is never small)."""
        return self.largest <= TOLERANCE * self.scale and self.agreement >= AGREEMENT


def any_size(model: Any) -> bool:
    """Whether one file serves all sizes: not with windows, whose number depends on the size."""
    return model.test_cfg['mode'] == 'whole' and not isinstance(model, HRDAEncoderDecoder)


def export(
    network: PictureNetwork,
    path: Path,
    shapes: Sequence[Shape],
    files: Sequence[Path] = (),
    fixed: bool = False,
) -> list[Difference]:
    """Write a file, run it, and keep it if it predicts what the network does.

    Args:
        network: what is written, on the CPU.
        path: .onnx for ONNX, .ts or .pt for TorchScript.
        shapes: sizes at which it is compared; the first is traced. A file of one size gets that only.
        files: pictures it is compared on, resized to each shape, besides noise.
        fixed: ``shapes[0]`` and batch 1 only; otherwise the file takes any batch, height and width.

    Raises:
        UsageError: unknown ending, or a package is missing.
        ExportError: the network cannot be traced, or the file predicts something else; it is not kept.
    """
    write, run = _format(path)
    names = {name: list(getattr(network.model, name)) for name in ('CLASSES', 'PALETTE')}
    facts = {key.lower(): json.dumps(value) for key, value in names.items()}
    with atomic_write(path) as temporary:
        with _tracing(path):
            write(network, torch.zeros(1, 3, *shapes[0]), temporary, fixed, facts)
        predict = run(temporary)
        found = [
            compare(network, predict, pictures, batch)
            for shape in shapes
            for pictures, batch in _examples(shape, files, 1 if fixed else 2)
        ]
        if wrong := [difference for difference in found if not difference.is_small]:
            worst = wrong[0]
            raise ExportError(
                f'{path} was not kept: for {worst.pictures} of {worst.shape} it differs from the network by '
                f'{worst.largest:.2g} (largest logit {worst.scale:.2g}) and agrees on {100 * worst.agreement:.2f} % of '
                f'the pixels. Expected {TOLERANCE:g} of the largest logit and {100 * AGREEMENT:g} %. Sizes may be '
                'built into it: try --fixed-size, one file for each size.'
            )
    return found


def compare(network: nn.Module, predict: Predict, pictures: str, batch: Tensor) -> Difference:
    """Predict a batch (B, 3, H, W) by the network and by a file."""
    with torch.inference_mode():
        wanted = network(batch).numpy()
    try:
        got = predict(batch.numpy())
    except Exception as error:  # whatever a runtime raises
        reason = str(error).strip().splitlines()[-1][:200]
        raise ExportError(
            f'The file cannot predict {pictures} of {tuple(batch.shape)} ({reason}). Sizes may be built into it: try '
            '--fixed-size, one file for each size.'
        ) from error
    if got.shape != wanted.shape:
        return Difference(pictures, tuple(batch.shape), float('nan'), float(np.abs(wanted).max()), 0.0)
    agreement = float((got.argmax(1) == wanted.argmax(1)).mean())
    largest = float(np.abs(got - wanted).max())
    return Difference(pictures, tuple(batch.shape), largest, float(np.abs(wanted).max()), agreement)


def _examples(shape: Shape, files: Sequence[Path], noisy: int) -> Iterator[tuple[str, Tensor]]:
    """Noise, then each picture, as batches of RGB float32 (B, 3, *shape)."""
    yield 'noise', torch.rand(noisy, 3, *shape, generator=torch.Generator().manual_seed(0)) * 255
    for file in files:
        picture = cv2.resize(read_image(file), (shape[1], shape[0]), interpolation=cv2.INTER_AREA)[..., ::-1]
        yield file.name, torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float()


def _normalisation(cfg: Any) -> tuple[Tensor, Tensor]:
    """Mean and deviation (3, 1, 1) of RGB pictures in the test pipeline; 0 and 1 if it does not normalise."""
    outer = to_dict(cfg)['data']['test']['pipeline']
    steps = [*outer, *(inner for step in outer for inner in step.get('transforms', ()))]
    norm: Mapping[str, Any] = next((step for step in steps if step['type'] == 'Normalize'), {})
    order = slice(None) if norm.get('to_rgb', True) else slice(None, None, -1)
    mean, std = norm.get('mean', [0.0] * 3)[order], norm.get('std', [1.0] * 3)[order]
    return torch.tensor(mean).view(3, 1, 1), torch.tensor(std).view(3, 1, 1)


@contextmanager
def _tracing(path: Path) -> Iterator[None]:
    """Without warnings that what is computed from sizes may be built in: the comparison finds that out."""
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter('ignore')
            yield
    except RuntimeError as error:  # the exporter's own errors are RuntimeErrors too
        reason = str(error).strip().splitlines()[0]
        raise ExportError(f'{path}: this network cannot be written in this format ({reason}).') from error


def _format(path: Path) -> tuple[Callable[..., None], Callable[[Path], Predict]]:
    """How a file of this ending is written, and how it is loaded."""
    formats: dict[str, tuple[Callable[..., None], Callable[[Path], Predict]]] = {
        '.onnx': (_write_onnx, _load_onnx), '.ts': (_write_script, _load_script), '.pt': (_write_script, _load_script)
    }  # fmt: skip
    if path.suffix not in formats:
        raise UsageError(f'{path}: unknown ending; expected .onnx (ONNX), or .ts or .pt (TorchScript).')
    if path.suffix == '.onnx':
        _need_onnx()
    return formats[path.suffix]


def _need_onnx() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"ONNX needs the package {error.name}, which is not installed: pip install -e '.[export]'"
        ) from error


def _write_onnx(
    network: PictureNetwork, example: Tensor, path: Path, fixed: bool, facts: Mapping[str, str]
) -> None:
    import onnx

    free = {0: 'batch', 2: 'height', 3: 'width'}
    torch.onnx.export(
        network,
        (example,),
        str(path),
        dynamo=False,
        opset_version=OPSET,
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_axes=None if fixed else {INPUT: free, OUTPUT: free},
    )
    written = onnx.load(path)
    onnx.helper.set_model_props(written, dict(facts))
    onnx.checker.check_model(written)
    onnx.save(written, path)


def _load_onnx(path: Path) -> Predict:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 4  # its errors become ours
    session = onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])
    return lambda images: np.asarray(session.run([OUTPUT], {INPUT: images})[0])


def _write_script(
    network: PictureNetwork, example: Tensor, path: Path, fixed: bool, facts: Mapping[str, str]
) -> None:
    script = torch.jit.trace(network, example, check_trace=False)
    if fixed:
        script = torch.jit.script(FixedSize(script, example.shape))
    script.save(str(path), _extra_files={f'{name}.json': value for name, value in facts.items()})


def _load_script(path: Path) -> Predict:
    script = torch.jit.load(str(path))

    def predict(images: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return np.asarray(script(torch.from_numpy(images)).numpy())

    return predict
