"""Values that a Python text writes down, read without running it."""

import ast
import contextlib
import json
from collections.abc import Mapping
from typing import Any

BASE_KEY = '_base_'
NUMBERS = {'inf': float('inf'), 'nan': float('nan')}
"""Names of numbers that are no literals; a saved configuration has them."""


def literal_value(node: ast.expr, names: Mapping[str, Any] = {}) -> Any:
    """The value of a literal, of ``dict(name=literal)``, or of one of ``names``, also negative.

    Raises:
        ValueError: for everything else; a key of a dict that is no text or number.
    """
    if isinstance(node, ast.Name) and node.id in names:
        return names[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Name):
        return -literal_value(node.operand, names)
    if isinstance(node, ast.List | ast.Tuple):
        values = [literal_value(item, names) for item in node.elts]
        return values if isinstance(node, ast.List) else tuple(values)
    if isinstance(node, ast.Dict):
        keys = [None if key is None else ast.literal_eval(key) for key in node.keys]
        if not all(isinstance(key, str | int) for key in keys):
            raise ValueError('a key that is no text')
        return dict(zip(keys, (literal_value(value, names) for value in node.values), strict=True))
    if isinstance(node, ast.Call):
        words = [keyword.arg for keyword in node.keywords]
        if not isinstance(node.func, ast.Name) or node.func.id != 'dict' or node.args or None in words:
            raise ValueError('a call')
        return {str(keyword.arg): literal_value(keyword.value, names) for keyword in node.keywords}
    return ast.literal_eval(node)


def written_values(text: str) -> tuple[dict[str, Any], bool]:
    """What a saved configuration sets, and whether that is all of it.

    Args:
        text: JSON, or Python as :func:`mmseg.config.writing.config_text` writes it; of anybody, since nothing is run.

    Returns:
        Values by top-level name; False if the text does something else than setting names to literals, or builds on
        other files, whose values are not among these.
    """
    with contextlib.suppress(ValueError, RecursionError):
        if isinstance(values := json.loads(text), dict):
            return values, BASE_KEY not in values
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}, False
    found: dict[str, Any] = {}
    whole = True
    for node in body:
        target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
        if not isinstance(node, ast.Assign) or not isinstance(target, ast.Name):
            whole = False
        elif target.id not in NUMBERS:
            try:
                found[target.id] = literal_value(node.value, NUMBERS)
            except (ValueError, TypeError, RecursionError):
                whole = False
    return found, whole and BASE_KEY not in found
