"""Registries: the names a configuration may use, and the modules that define them.

Only what a configuration selects by name is registered. ``mmengine`` imports the modules listed in ``locations``
when a registry is first asked for a name, so nobody has to import a component for its side effect.
"""

from mmengine.registry import DATASETS as _DATASETS
from mmengine.registry import MODELS as _MODELS
from mmengine.registry import TRANSFORMS as _TRANSFORMS
from mmengine.registry import Registry

SCOPE = 'mmseg'

MODELS = Registry('model', parent=_MODELS, scope=SCOPE, locations=['mmseg.models', 'mmseg.uda'])
"""Backbones, necks, heads, losses, segmentors and adaptation methods."""

DATASETS = Registry('dataset', parent=_DATASETS, scope=SCOPE, locations=['mmseg.datasets'])
TRANSFORMS = Registry('transform', parent=_TRANSFORMS, scope=SCOPE, locations=['mmseg.datasets.transforms'])
