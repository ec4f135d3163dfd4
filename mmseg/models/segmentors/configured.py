"""Options of a segmentor: where they come from, and whether they are complete."""

from collections.abc import Mapping
from typing import Any

from mmseg.errors import ConfigError


def with_pretrained(backbone: Mapping[str, Any], pretrained: str | None) -> dict[str, Any]:
    """The backbone's configuration with the segmentor's ``pretrained`` handed on."""
    if pretrained is None:
        return dict(backbone)
    if backbone.get('pretrained') is not None:
        raise ConfigError(
            f"model.pretrained ('{pretrained}') and model.backbone.pretrained ('{backbone['pretrained']}') are both "
            'set; give only one.'
        )
    return {**backbone, 'pretrained': pretrained}


def checked_test_cfg(test_cfg: Mapping[str, Any] | None) -> dict[str, Any]:
    """The inference options with ``mode`` filled in."""
    options = {'mode': 'whole', **(test_cfg or {})}
    if options['mode'] not in ('whole', 'slide'):
        raise ConfigError(f"model.test_cfg.mode is '{options['mode']}'; expected 'whole' or 'slide'.")
    missing = [key for key in ('crop_size', 'stride') if options['mode'] == 'slide' and key not in options]
    if missing:
        raise ConfigError(
            f"model.test_cfg.mode is 'slide' without {' and '.join(missing)}; expected (height, width)."
        )
    return options
