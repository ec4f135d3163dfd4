"""Options of an encoder that say something about each of its stages."""

from collections.abc import Sequence

from mmseg.errors import ConfigError

MOST = 4


def check_stages(
    name: str,
    num_stages: int,
    strides: Sequence[int],
    dilations: Sequence[int],
    out_indices: Sequence[int],
    frozen_stages: int,
) -> None:
    """Compare the options of a ResNet with its number of stages.

    Raises:
        ConfigError: there are more stages than four, fewer values than stages, or stages that are not there.
    """
    lists = {'strides': strides, 'dilations': dilations}
    found = [
        f'{key} is {[*value]}, expected one number for each of the {num_stages} stages'
        for key, value in lists.items()
        if len(value) < num_stages  # further ones are for stages that are left out
    ]
    if num_stages > MOST:
        found = [f'num_stages is {num_stages}, expected at most {MOST}']
    if max(out_indices) >= num_stages:
        found.append(f'out_indices is {[*out_indices]}, expected stages from 0 to {num_stages - 1}')
    if frozen_stages > num_stages:
        found.append(f'frozen_stages is {frozen_stages}, expected at most {num_stages}')
    if found:
        raise ConfigError(f'{name}: {"; ".join(found)}.')
