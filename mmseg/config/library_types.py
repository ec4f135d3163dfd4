"""Types that a configuration names and libraries provide: optimisers, loggers."""

import inspect

import torch

OPTIMIZERS = {
    name: kind
    for name, kind in vars(torch.optim).items()
    if inspect.isclass(kind) and issubclass(kind, torch.optim.Optimizer) and kind is not torch.optim.Optimizer
}
"""Types of ``optimizer``."""

TRACKERS = {
    'TensorboardLoggerHook': 'tensorboard',
    'WandbLoggerHook': 'wandb',
    'MlflowLoggerHook': 'mlflow-skinny',
}
"""Published hook type -> package to install (mmseg/engine/trackers.py)."""

LOG_HOOKS = ('TextLoggerHook', 'PrecisionLoggerHook', *TRACKERS)
"""Types of ``log_config.hooks``; the first two are the text log, which there always is."""
