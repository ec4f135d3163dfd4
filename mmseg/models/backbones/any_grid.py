"""Plain transformers of a fixed picture size, run at another.

Most of timm's plain transformers resize their position embeddings themselves (``dynamic_img_size``). Some, BEiT above
all, do not: their absolute embeddings and their tables of relative positions belong to one grid of patches. Here these
are resized for a call, with their gradients, and the network itself stays as it is.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

Grid = tuple[int, int]
TABLE, INDEX = 'relative_position_bias_table', 'relative_position_index'


class AnyGrid:
    """Calls a network at grids of patches that it was not built for.

    Args:
        network: with a part ``patch_embed`` of timm; its check of the picture's size is switched off.
        path: name of the transformer inside ``network``.
    """

    def __init__(self, network: nn.Module, path: str) -> None:
        model: Any = network.get_submodule(path)
        self.network, self.path, self.model = network, path, model
        self.built_for: Grid = tuple(model.patch_embed.grid_size)
        self.patch: Grid = tuple(model.patch_embed.patch_size)
        model.patch_embed.strict_img_size = False
        self._indices: dict[tuple[Grid, torch.device], Tensor] = {}

    @staticmethod
    def fits(model: Any) -> bool:
        """Whether positions of a transformer are of the kinds that are known here."""
        patch_embed = getattr(model, 'patch_embed', None)
        return hasattr(patch_embed, 'grid_size') and hasattr(patch_embed, 'strict_img_size')

    def __call__(self, img: Tensor) -> list[Tensor]:
        """What the network says about images (B, 3, H, W) of a size that patches divide."""
        grid = (img.shape[2] // self.patch[0], img.shape[3] // self.patch[1])
        if grid == self.built_for:
            return list(self.network(img))
        with ExitStack() as stack:
            for module in self._with_tables():
                stack.enter_context(_built_for(module, grid))
            return list(functional_call(self.network, self._resized(grid, img.device), (img,)))

    def _with_tables(self) -> Iterator[Any]:
        return (module for module in self.model.modules() if isinstance(getattr(module, TABLE, None), Tensor))

    def _resized(self, grid: Grid, device: torch.device) -> dict[str, Tensor]:
        """Everything that depends on the grid, by key of the network."""
        found: dict[str, Tensor] = {}
        embedding = getattr(self.model, 'pos_embed', None)
        if isinstance(embedding, Tensor):
            found[f'{self.path}.pos_embed'] = resized_embedding(embedding, self.built_for, grid)
        for name, module in self.model.named_modules():
            if isinstance(getattr(module, TABLE, None), Tensor):
                place = f'{self.path}.{name}'
                found[f'{place}.{TABLE}'] = resized_table(getattr(module, TABLE), self.built_for, grid)
                found[f'{place}.{INDEX}'] = self._index(grid, device)
        return found

    def _index(self, grid: Grid, device: torch.device) -> Tensor:
        if (grid, device) not in self._indices:
            from timm.models.beit import gen_relative_position_index

            if len(self._indices) > 3:  # crops and windows come in few sizes; whole pictures in many
                self._indices.clear()
            self._indices[grid, device] = gen_relative_position_index(grid, device)
        return self._indices[grid, device]


@contextmanager
def _built_for(module: Any, grid: Grid) -> Iterator[None]:
    """What a module of BEiT remembers of its grid, exchanged for a while."""
    changed = {'window_size': grid, 'window_area': grid[0] * grid[1]}
    before = {name: getattr(module, name) for name in changed if hasattr(module, name)}
    for name in before:
        setattr(module, name, changed[name])
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


def resized_embedding(embedding: Tensor, old: Grid, new: Grid) -> Tensor:
    """Position embeddings (1, tokens, C) of another grid; tokens that have no place come first and stay."""
    from timm.layers import resample_abs_pos_embed

    prefix = embedding.shape[1] - old[0] * old[1]
    resized: Tensor = resample_abs_pos_embed(embedding, list(new), list(old), num_prefix_tokens=prefix)
    return resized


def resized_table(table: Tensor, old: Grid, new: Grid) -> Tensor:
    """A table of relative positions, rows of (distance in y, distance in x) and then of other tokens, resized.

    Args:
        table: ((2 h - 1) (2 w - 1) + others, heads).
        old, new: (h, w) of the grids.
    """
    before, after = (_distances(grid) for grid in (old, new))
    count = before[0] * before[1]
    planes = table[:count].T.reshape(1, -1, *before)
    resized = F.interpolate(planes.float(), size=after, mode='bicubic', align_corners=False).to(table.dtype)
    return torch.cat([resized.flatten(2)[0].T, table[count:]])


def _distances(grid: Sequence[int]) -> Grid:
    return (2 * grid[0] - 1, 2 * grid[1] - 1)
