"""Seeds, threads, log files and the description of the machine."""

import logging
import os
import platform
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

import mmseg
from mmseg.ranks import is_main

LINE = '%(asctime)s - mmseg - %(levelname)s - %(message)s'


def seed_everything(seed: int, deterministic: bool = False) -> None:
    """Seed Python, NumPy and torch (weight initialisation); optionally restrict torch to deterministic kernels."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  # libraries that still draw from the global state
    torch.manual_seed(seed)
    torch.backends.cudnn.deterministic = deterministic
    torch.backends.cudnn.benchmark = not deterministic
    if deterministic:
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
    if (
        deterministic != torch.are_deterministic_algorithms_enabled()
    ):  # the call imports the compiler: seconds
        torch.use_deterministic_algorithms(deterministic, warn_only=True)


class _QuietFile(logging.FileHandler):
    """Log file on a disk that may be full: the JSON log, written at the same moments, reports that."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Leave the line out."""


BANNER = 'banner'
"""Attribute of the message with which the terminal begins to show what is told, see :func:`open_log`."""


class _BannerFirst(logging.Filter):
    """Before the banner, what is only told belongs to the log file; warnings are shown."""

    shown = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the terminal shows it."""
        self.shown = self.shown or hasattr(record, BANNER)
        return self.shown or record.levelno > logging.INFO


def open_log(path: Path | None, level: str | int = 'INFO', banner: bool = False) -> logging.Logger:
    """The logger 'mmseg', writing to the terminal and to a file (docs/methods/tools.md#logs).

    Args:
        path: log file; None writes to the terminal only.
        level: name or number of the logging library.
        banner: keep details from the terminal until a message has the attribute :data:`BANNER`; not below 'INFO', whose
            user wants to see everything.
    """
    logger = logging.getLogger('mmseg')
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    if path is not None:
        handlers.append(_QuietFile(path, encoding='utf-8'))
    for handler in handlers:
        handler.setFormatter(logging.Formatter(LINE))
        logger.addHandler(handler)
    logger.setLevel(level if is_main() else logging.ERROR)
    if banner and logger.level >= logging.INFO:
        handlers[0].addFilter(_BannerFirst())
    logger.propagate = False
    return logger


def loader_workers(wanted: int) -> int:
    """Loader processes to start: as configured, but not more than there are cores; samples do not depend on it."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
    return min(wanted, cores)


def code_version() -> str:
    """Version of the package and, in a git checkout, the commit it was run from: ``0.1.0+1234567``."""
    folder = Path(mmseg.__file__).parent
    command = ['git', '-C', str(folder), 'rev-parse', '--short=7', 'HEAD']
    try:
        commit = subprocess.run(
            command, capture_output=True, text=True, timeout=5, check=False
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        commit = ''
    return f'{mmseg.__version__}+{commit}' if commit else mmseg.__version__


def describe_environment() -> str:
    """Versions and devices, one ``name: value`` a line."""
    facts = {
        'sys.platform': sys.platform,
        'Python': platform.python_version(),
        'PyTorch': torch.__version__,
        'NumPy': np.__version__,
        'CPU threads': torch.get_num_threads(),
        'CUDA available': torch.cuda.is_available(),
    }
    if torch.cuda.is_available():
        facts['GPU'] = ', '.join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
    return '\n'.join(f'{name}: {value}' for name, value in facts.items())
