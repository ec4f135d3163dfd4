"""The token ``hrda1-CROP-WEIGHT[-OPTION]*`` of an architecture's name: HRDA around a network.

Source: docs/methods/experiments.md#architecture-names.
"""

import re
from dataclasses import dataclass
from typing import Any

from mmseg.errors import UsageError

Values = dict[str, Any]

OPTIONS: dict[str, tuple[str, str, Any]] = {
    'fixedatt': ('decode_head', 'fixed_attention', 0.5),
    'nooverlap': ('', 'hr_slide_overlapping', False),
    'singleatt': ('decode_head', 'attention_classwise', False),
    'blurhr': ('', 'blur_hr_crop', True),
}
"""Ablations that set one value: (section of ``model``, key, value)."""


@dataclass(frozen=True)
class HRDAToken:
    """What the token says.

    Attributes:
        crop: side of the detail crop in pixels.
        weight: weight of the detail loss.
        options: ablations in order: 'fixedatt', 'samescale', 'sc0.25', ...
    """

    crop: int
    weight: float
    options: tuple[str, ...] = ()

    def around(self, model: Values, head: str, outer: tuple[int, int], feature_distance: bool) -> Values:
        """The single-scale network's ``model`` section with HRDA around it.

        Args:
            model: changes for the single-scale network.
            head: type of its decode head.
            outer: (h, w) that the network is trained on.
            feature_distance: the method compares features with ImageNet's.
        """
        inner = (self.crop, self.crop)
        model = {
            **model,
            'type': 'HRDAEncoderDecoder',
            'scales': [1, 0.5],
            'hr_crop_size': list(inner),
            'feature_scale': 0.5,
            'crop_coord_divisible': 8,
            'hr_slide_inference': True,
            'decode_head': {
                **model['decode_head'],
                'single_scale_head': head,
                'type': 'HRDAHead',
                'attention_classwise': True,
                'hr_loss_weight': self.weight,
            },
        }
        if outer == inner:  # nothing but the detail loss would reach the context branch
            model['decode_head']['lr_loss_weight'] = self.weight
            model['feature_scale'] = 'all' if feature_distance else 0.5
        for option in self.options:
            _apply(option, model)
        return model


def parse_hrda(token: str) -> HRDAToken:
    """Take the token apart.

    Raises:
        UsageError: it does not read hrda1-CROP-WEIGHT, or has an unknown option; names what is valid.
    """
    found = re.fullmatch(r'hrda1-(\d+)-(\d+(?:\.\d+)?)((?:-[a-z]+[\d.]*)*)', token)
    if found is None:
        raise UsageError(
            f'Architecture token {token!r}: expected hrda1-CROP-WEIGHT[-OPTION]*, e.g. hrda1-512-0.1.'
        )
    options = tuple(found[3].split('-')[1:])
    for option in options:
        if option not in (*OPTIONS, 'samescale') and _scale(option) is None:
            known = ', '.join((*OPTIONS, 'samescale', 'sc0.25'))
            raise UsageError(f'Architecture token {token!r}: no option is called {option!r}; valid: {known}.')
    return HRDAToken(int(found[1]), float(found[2]), options)


def _scale(option: str) -> float | None:
    found = re.fullmatch(r'sc(\d+(?:\.\d+)?)', option)
    return float(found[1]) if found else None


def _apply(option: str, model: Values) -> None:
    if option in OPTIONS:
        section, key, value = OPTIONS[option]
        (model[section] if section else model)[key] = value
        return
    scale = 1 if option == 'samescale' else _scale(option)
    model['scales'] = [1, scale]
    if option == 'samescale' or not isinstance(model['feature_scale'], str):
        model['feature_scale'] = scale
