"""The state of the process that a test may change: put back after it, or told where that is impossible.

Filters of warnings are not among it: pytest gives every test its own. Random numbers begin anew in every test
(``tests/conftest.py`` and pytest-randomly).
"""

import contextlib
import gc
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import mmengine.registry
import torch
from mmengine.registry import Registry

from mmseg import registry
from mmseg.registry import DATASETS, MODELS, TRANSFORMS

LIBRARIES = (sys.prefix, sys.base_prefix, str(Path(__file__).resolve().parents[1]))
"""Modules from elsewhere (a temporary folder) are forgotten after the test that imported them."""

for _own in (MODELS, DATASETS, TRANSFORMS):
    _own.import_from_location()  # what a test would import later would be taken for an addition of that test


def _loggers() -> dict[str, tuple[Any, ...]]:
    known = {'': logging.root, **logging.root.manager.loggerDict}
    return {
        name: (logger.level, logger.propagate, logger.disabled, tuple(logger.handlers), tuple(logger.filters))
        for name, logger in known.items()
        if isinstance(logger, logging.Logger)
    }


def _set_loggers(saved: dict[str, tuple[Any, ...]]) -> None:
    for name in _loggers():
        logger = logging.getLogger(name)
        level, propagate, disabled, handlers, filters = saved.get(name, (logging.NOTSET, True, False, (), ()))
        for handler in set(logger.handlers) - set(handlers):
            handler.close()
        logger.setLevel(level)
        logger.propagate, logger.disabled = propagate, disabled
        logger.handlers[:], logger.filters[:] = handlers, filters


def _set_environment(saved: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(saved)


def _signals() -> dict[int, Any]:
    return {number: signal.getsignal(number) for number in signal.valid_signals()}


def _set_signals(saved: dict[int, Any]) -> None:
    for number, handler in _signals().items():
        if handler != saved[number]:
            signal.signal(number, saved[number])


def _registries() -> list[dict[str, Any]]:
    found = [*vars(registry).values(), *vars(mmengine.registry).values()]
    return [entry._module_dict for entry in found if isinstance(entry, Registry)]


def _set_registries(saved: list[dict[str, Any]]) -> None:
    for known, before in zip(_registries(), saved, strict=True):
        known.clear()
        known.update(before)


def _cudnn() -> tuple[bool, ...]:
    flags = torch.backends.cudnn
    return flags.enabled, flags.benchmark, flags.deterministic, flags.allow_tf32


def _set_cudnn(saved: tuple[bool, ...]) -> None:
    torch.backends.cudnn.set_flags(*saved[:2], _deterministic=saved[2], _allow_tf32=saved[3])


def _deterministic() -> tuple[bool, bool]:
    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def _packages() -> dict[str, dict[str, Any]]:
    return {
        name: dict(vars(module))
        for name, module in list(sys.modules.items())
        if name.split('.')[0] == 'mmseg'
    }


def _set_packages(saved: dict[str, dict[str, Any]]) -> None:
    for name, values in saved.items():
        vars(sys.modules[name]).update(values)


def _forget_foreign(names: set[str]) -> None:
    for name in names:
        file = getattr(sys.modules[name], '__file__', None)
        if file and not str(file).startswith(LIBRARIES):
            del sys.modules[name]


GRACE = 2
"""Seconds that threads and processes have that are ending: on a busy machine they are seen while they do."""

Fact = tuple[Callable[[], Any], Callable[[Any], Any]]

FACTS: dict[str, Fact] = {
    'current folder': (os.getcwd, os.chdir),
    'environment': (lambda: dict(os.environ), _set_environment),
    'sys.path': (lambda: list(sys.path), lambda saved: setattr(sys, 'path', saved)),
    'sys.argv': (lambda: list(sys.argv), lambda saved: setattr(sys, 'argv', saved)),
    'sys.excepthook': (lambda: sys.excepthook, lambda saved: setattr(sys, 'excepthook', saved)),
    'names in mmseg': (_packages, _set_packages),
    'loggers': (_loggers, _set_loggers),
    'logging.disable': (lambda: logging.root.manager.disable, logging.disable),
    'signal handlers': (_signals, _set_signals),
    'registries': (lambda: [dict(known) for known in _registries()], _set_registries),
    'default dtype': (torch.get_default_dtype, torch.set_default_dtype),
    'threads of torch': (torch.get_num_threads, torch.set_num_threads),
    'threads of OpenCV': (cv2.getNumThreads, cv2.setNumThreads),
    'gradients enabled': (torch.is_grad_enabled, torch.set_grad_enabled),
    'float32 precision': (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    'deterministic kernels': (
        _deterministic,
        lambda saved: torch.use_deterministic_algorithms(saved[0], warn_only=saved[1]),
    ),
    'cudnn': (_cudnn, _set_cudnn),
}
"""What can be put back: how to read it and how to write it."""


def remains() -> set[Any]:
    """What a test cannot be cleaned of: threads that keep the process alive, child processes, a process group."""
    found: set[Any] = {thread for thread in threading.enumerate() if not thread.daemon}
    found.update(multiprocessing.active_children())
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        found.add('process group')
    return found


@contextlib.contextmanager
def isolated() -> Iterator[None]:
    """Put the state back that the block changes.

    Raises:
        AssertionError: the block replaced an imported module, or left a thread, a child process or a process
            group behind.
    """
    before = {name: read() for name, (read, _) in FACTS.items()}
    modules, running = dict(sys.modules), remains()
    yield
    replaced = {name for name, module in modules.items() if sys.modules.get(name) is not module}
    sys.modules.update(modules)
    _forget_foreign(sys.modules.keys() - modules.keys())
    for name, (read, write) in FACTS.items():
        if read() != before[name]:
            write(before[name])
    if remains() - running:
        gc.collect()  # loaders end their processes when they are collected
        until = time.monotonic() + GRACE
        while remains() - running and time.monotonic() < until:
            time.sleep(0.05)
    left = [*sorted(replaced), *map(str, remains() - running)]
    assert not left, f'the test leaves behind: {", ".join(left)}'
