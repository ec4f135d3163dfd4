"""Exported networks predict what the network does; files that do not are not kept."""

import json
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch

from mmseg.apis import init_model
from mmseg.datasets.classes import CLASSES
from mmseg.errors import ExportError, UsageError
from mmseg.toolbox.export import PictureNetwork, any_size, export
from tests.integration.hrda import tiny_hrda
from tests.integration.tiny import tiny_config
from tests.shared import shared_path


@pytest.fixture(scope='module')
def plain() -> PictureNetwork:
    torch.manual_seed(0)
    return PictureNetwork(init_model(tiny_config(Path('data')))).eval()


@pytest.fixture(scope='module')
def two_scales() -> PictureNetwork:
    torch.manual_seed(0)
    return PictureNetwork(init_model(tiny_hrda(Path('data'), hr_crop_size=[64, 64]))).eval()


def test_takes_pictures_as_they_are(plain: PictureNetwork) -> None:
    grey = torch.full((1, 3, 32, 64), 128.0)
    norm = plain.model.cfg.data.test.pipeline[1].transforms[2]
    mean, std = (torch.tensor(norm[key]).view(3, 1, 1) for key in ('mean', 'std'))
    with torch.inference_mode():
        assert torch.equal(plain(grey), plain.model.encode_decode((grey - mean) / std))


def test_which_files_serve_all_sizes(plain: PictureNetwork, two_scales: PictureNetwork) -> None:
    assert any_size(plain.model)
    assert not any_size(two_scales.model)


def test_unknown_ending(plain: PictureNetwork, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r'x\.pb: unknown ending; expected \.onnx'):
        export(plain, tmp_path / 'x.pb', [(32, 64)])


class Forgetful(torch.nn.Module):
    """A network whose trace has built in what it saw."""

    def __init__(self, plain: Any) -> None:
        super().__init__()
        self.model = plain.model

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.cat([image, image * (1 + float(image.mean() > 1))], dim=1)


@pytest.mark.parametrize('name', ['x.ts', 'x.onnx'])
def test_file_that_differs_is_not_kept(plain: PictureNetwork, name: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r'was not kept: for noise .* differs'):
        export(Forgetful(plain).eval(), tmp_path / name, [(8, 8)])  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_sizes_that_are_built_in_are_noticed(two_scales: PictureNetwork, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r'try --fixed-size'):
        export(two_scales, tmp_path / 'x.ts', [(64, 80)])
    export(two_scales, tmp_path / 'x.ts', [(64, 80)], fixed=True)
    with pytest.raises(torch.jit.Error, match='for pictures of shape'):
        torch.jit.load(tmp_path / 'x.ts')(torch.zeros(1, 3, 64, 96))


def photographs() -> list[Path]:
    return sorted(shared_path('data/camvid/leftImg8bit/val').rglob('*.jpg'))[:2]


@pytest.mark.slow
@pytest.mark.parametrize('name', ['x.onnx', 'x.ts'])
def test_one_scale_at_two_sizes(plain: PictureNetwork, name: str, tmp_path: Path) -> None:
    found = export(plain, tmp_path / name, [(64, 96), (50, 70)], photographs())
    assert len(found) == 6
    assert all(one.largest < 1e-5 and one.agreement == 1 for one in found)
    if name == 'x.onnx':
        facts = {entry.key: json.loads(entry.value) for entry in onnx.load(tmp_path / name).metadata_props}
        assert facts['classes'] == list(CLASSES)


@pytest.mark.slow
@pytest.mark.parametrize('size', [(64, 90), (61, 97)])
def test_two_scales(two_scales: PictureNetwork, size: tuple[int, int], tmp_path: Path) -> None:
    found = export(two_scales, tmp_path / 'x.onnx', [size], photographs(), fixed=True)
    assert len(found) == 3
    assert all(one.largest < 1e-5 and one.agreement == 1 for one in found)
