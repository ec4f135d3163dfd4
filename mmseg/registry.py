"""Registries: the names a configuration may use, and the modules that define them.

Only what a configuration selects by name is registered. The modules listed in ``locations`` are imported when a
registry is first asked for a name, so nobody has to import a component for its side effect. A name is looked up and
nothing else: where ``mmengine`` would import a dotted name or the package named by a scope, there is an error here,
since configurations come from strangers, too (docs/security.md).
"""

from collections.abc import Mapping
from typing import Any

from mmengine.registry import Registry as EngineRegistry

from mmseg.errors import ConfigError, nearest

SCOPE = 'mmseg'


class Registry(EngineRegistry):  # type: ignore[misc]
    """Components by name.

    Args:
        name: what they are, for messages.
        locations: modules that register them.
    """

    def __init__(self, name: str, locations: list[str]) -> None:
        super().__init__(name, scope=SCOPE, locations=locations)

    def get(self, key: object) -> Any:
        """What is registered under a name, with or without ``mmseg.`` before it; None if nothing is."""
        self.import_from_location()
        return self.module_dict.get(key.removeprefix(f'{SCOPE}.')) if isinstance(key, str) else None

    def build(self, cfg: Mapping[str, Any]) -> Any:
        """Call what ``cfg['type']`` names with the other entries.

        Raises:
            ConfigError: nothing of that name is registered.
        """
        return self.component(cfg.get('type'))(**{key: value for key, value in cfg.items() if key != 'type'})

    def component(self, kind: object) -> Any:
        """What is registered under a ``type``.

        Raises:
            ConfigError: nothing is.
        """
        found = self.get(kind)
        if found is None:
            raise ConfigError(f'type: {self.unknown(kind)}')
        return found

    def unknown(self, kind: object) -> str:
        """The sentence about a ``type`` that is not registered."""
        names = self.module_dict
        own = next((name for name, component in names.items() if component is kind), None)
        if own is not None:
            return f'found the {self.name} itself, expected its name: {own!r}.'
        return (
            f'no {self.name} is called {kind!r}{nearest(str(kind), names)}. Components of your own are made known with '
            'custom_imports.'
        )


MODELS = Registry('model', ['mmseg.models', 'mmseg.uda'])
"""Backbones, necks, heads, losses, segmentors and adaptation methods."""

PARTS = Registry('part', ['mmseg.uda'])
"""What adaptation methods are composed of: ``uda.parts``."""

DATASETS = Registry('dataset', [f'mmseg.datasets.{name}' for name in ('domains', 'small_domains', 'uda')])
TRANSFORMS = Registry('transform', ['mmseg.datasets.transforms'])
