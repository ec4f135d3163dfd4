"""The lines of docs/tools.md that run an exported network: without torch, without this package."""

import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmseg.apis import init_model
from mmseg.toolbox.export import PictureNetwork, export
from tests.integration.hrda import tiny_hrda
from tests.integration.programs import ROOT
from tests.integration.tiny import tiny_config

pytestmark = pytest.mark.slow
(EXAMPLE,) = re.findall(
    r'### Without torch\n.*?```python\n(.*?)```', (ROOT / 'docs/tools.md').read_text(), re.DOTALL
)
BEFORE = 'import sys\nsys.modules.update(torch=None, mmseg=None)\n'
"""From here on an import of them fails."""
AFTER = "left = {name.split('.')[0] for name, module in sys.modules.items() if module}\n"
AFTER += "assert not left & {'torch', 'mmseg', 'mmengine'}, left\n"


@pytest.mark.parametrize('fixed', [False, True], ids=['any size', 'HRDA, one size'])
def test_the_example_predicts_what_the_network_does(fixed: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = tiny_hrda(Path('data'), hr_crop_size=[64, 64]) if fixed else tiny_config(Path('data'))
    network = PictureNetwork(init_model(config)).eval()
    export(network, tmp_path / 'network.onnx', [(64, 90)] if fixed else [(64, 96), (50, 70)], fixed=fixed)
    picture = cv2.resize(cv2.imread(str(ROOT / 'demo/street.jpg')), (120, 80))
    cv2.imwrite(str(tmp_path / 'street.png'), picture)
    done = subprocess.run(
        [sys.executable, '-c', BEFORE + EXAMPLE + AFTER],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = cv2.resize(picture, (90, 64)) if fixed else picture
    with torch.inference_mode():
        image = torch.from_numpy(seen[..., ::-1].copy()).permute(2, 0, 1)[None].float()
        wanted = network(image).argmax(1)[0].numpy()
    drawn = cv2.imread(str(tmp_path / 'street_pred.png'))[..., ::-1]
    agreement = (drawn == np.array(network.model.PALETTE)[wanted]).all(-1).mean()
    assert agreement > 0.999
    assert network.model.CLASSES[int(wanted[0, 0])] in done.stdout
