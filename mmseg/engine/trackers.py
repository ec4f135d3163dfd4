"""Experiment trackers: what the JSON log has, under the same names, and the debug pictures, for other programs to show.

Each writes below the work folder and needs no network. The package that it stands for is imported only when a
configuration asks for it.
"""

import os
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mmseg.config.library_types import TRACKERS
from mmseg.errors import ConfigError


class Tracker(Protocol):
    """A place for numbers and pictures of a run; made with the work folder and the name of the run."""

    def numbers(self, iteration: int, values: Mapping[str, float]) -> None:
        """Keep finite values by name."""

    def picture(self, iteration: int, name: str, picture: NDArray[np.uint8]) -> None:
        """Keep RGB (H, W, 3) or grey (H, W) in 0..255. May be called from a thread of its own."""

    def close(self) -> None:
        """The run ends."""


class TensorBoard:
    """``events.out.tfevents.*`` in the work folder: ``tensorboard --logdir WORK_DIR``."""

    def __init__(self, work_dir: Path, name: str) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(work_dir))

    def numbers(self, iteration: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, iteration)

    def picture(self, iteration: int, name: str, picture: NDArray[np.uint8]) -> None:
        self._writer.add_image(name, picture, iteration, dataformats='HW' if picture.ndim == 2 else 'HWC')

    def close(self) -> None:
        self._writer.close()


class Wandb:
    """``wandb/offline-run-*`` in the work folder, for ``wandb sync``.

    The package's variables count: WANDB_MODE=online sends at once, WANDB_PROJECT names the project.
    """

    def __init__(self, work_dir: Path, name: str) -> None:
        import wandb

        self._image = wandb.Image
        self._run = wandb.init(
            dir=str(work_dir),
            name=name,
            project=os.environ.get('WANDB_PROJECT', 'mmseg'),
            mode=os.environ.get('WANDB_MODE', 'offline'),
            settings=wandb.Settings(console='off', silent=True),
        )
        # Its own count of steps only grows, while pictures arrive late.
        self._run.define_metric('*', step_metric='iter')

    def numbers(self, iteration: int, values: Mapping[str, float]) -> None:
        self._run.log({'iter': iteration, **values})

    def picture(self, iteration: int, name: str, picture: NDArray[np.uint8]) -> None:
        self._run.log({'iter': iteration, name: self._image(picture)})

    def close(self) -> None:
        self._run.finish()


class Mlflow:
    """``mlruns`` in the work folder: ``mlflow ui --backend-store-uri WORK_DIR/mlruns``.

    The package's variables count: with MLFLOW_TRACKING_URI everything goes there instead.
    """

    def __init__(self, work_dir: Path, name: str) -> None:
        # Newer versions refuse folders unless told so; a data base would need packages that nothing else here needs.
        os.environ.setdefault('MLFLOW_ALLOW_FILE_STORE', 'true')
        from mlflow import MlflowClient
        from mlflow.entities import Metric

        self._metric = Metric
        self._client = MlflowClient(
            os.environ.get('MLFLOW_TRACKING_URI') or (work_dir / 'mlruns').resolve().as_uri()
        )
        found = self._client.get_experiment_by_name('mmseg')
        experiment = found.experiment_id if found else self._client.create_experiment('mmseg')
        # The client, not the functions of the package: their current run belongs to a thread.
        self._run = self._client.create_run(experiment, run_name=name).info.run_id

    def numbers(self, iteration: int, values: Mapping[str, float]) -> None:
        now = int(1000 * time.time())
        metrics = [self._metric(_plain(name), value, now, iteration) for name, value in values.items()]
        self._client.log_batch(self._run, metrics=metrics)

    def picture(self, iteration: int, name: str, picture: NDArray[np.uint8]) -> None:
        self._client.log_image(self._run, picture, key=_plain(name), step=iteration)

    def close(self) -> None:
        self._client.set_terminated(self._run)


def _plain(name: str) -> str:
    """A name as MLflow takes it: names of classes may have other characters."""
    return re.sub(r'[^\w\-. /]', '_', name)


KINDS: Mapping[str, type[TensorBoard] | type[Wandb] | type[Mlflow]] = {
    'TensorboardLoggerHook': TensorBoard,
    'WandbLoggerHook': Wandb,
    'MlflowLoggerHook': Mlflow,
}
"""By published name."""


def build_trackers(hook_types: Iterable[str], work_dir: Path, name: str) -> list[Tracker]:
    """Trackers for the entries of ``log_config.hooks`` other than the text log.

    Args:
        hook_types: published names; others are left out.
        work_dir: where they write.
        name: of the run.

    Raises:
        ConfigError: the tracker's package is not installed, or does not start.
    """
    return [_started(kind, work_dir, name) for kind in hook_types if kind in KINDS]


def _started(kind: str, work_dir: Path, name: str) -> Tracker:
    package = TRACKERS[kind]
    try:
        return KINDS[kind](work_dir, name)
    except ImportError as error:
        raise ConfigError(
            f'log_config.hooks asks for {kind}, but {package} is not installed ({error}). Run "pip install '
            f'{package}" or remove the entry.'
        ) from error
    except Exception as error:  # of a package that is not ours, about an account, a server, a folder ...
        raise ConfigError(
            f'log_config.hooks asks for {kind}, but {package} does not start: {error} Expected a place that it can '
            'write to; look at its environment variables, or remove the entry.'
        ) from error
