"""Cases ``recipe`` : do our draws and fills follow the recipe?"""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tests.parity import recipe
from tests.parity.core import Case, Check, family


@family('recipe.json')
def recipe_cases(file: Path, root: Path) -> Iterable[Case]:
    """The first values of some draws and fills."""
    stored = json.loads(file.read_text())

    def run(check: Check) -> None:
        entry = stored['normal']
        drawn = recipe.normal(entry['seed'], entry['shape'])
        check.close('normal', drawn.flatten()[: len(entry['first'])], entry['first'], atol=0)
        check.close('normal sum', drawn.double().sum(), entry['sum'], rtol=1e-9)
        entry = stored['uniform']
        check.close('uniform', recipe.uniform(entry['seed'], entry['shape']), entry['values'])
        entry = dict(stored['labels'])
        values = entry.pop('values')
        check.equal('labels', recipe.labels(**entry), np.asarray(values))
        for item in stored['fills']:
            got = recipe.fill(item['key'], item['shape'], stored.get('salt', '')).flatten()
            check.close(item['key'], got[: len(item['first'])], item['first'], atol=1e-7)
            check.close(f'{item["key"]} sum', got.double().sum(), item['sum'], atol=1e-5, rtol=1e-7)

    yield Case('recipe', run)
