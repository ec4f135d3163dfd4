"""Runner of stored reference cases: families of case files, comparisons, one line a case."""

import fnmatch
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

CASES = Path(__file__).parent / 'cases'
"""The part of the stored cases that lies in this repository."""


@dataclass
class Check:
    """Collects the comparisons of one case.

    Attributes:
        max_abs, max_rel: largest absolute and relative difference seen in any comparison (relative to the
            stored value; entries stored as 0 do not count).
        problems: one sentence for each comparison that failed; empty means passed.
        count: number of comparisons made; a case that compares nothing fails.
    """

    max_abs: float = 0.0
    max_rel: float = 0.0
    problems: list[str] = field(default_factory=list)
    count: int = 0

    def close(self, label: str, got: Any, want: Any, atol: float = 0.0, rtol: float = 0.0) -> None:
        """``|got - want| <= atol + rtol |want|`` everywhere; shapes must agree; NaN equals NaN."""
        got, want = _array(got).astype(np.float64), _array(want).astype(np.float64)
        self.count += 1
        if got.shape != want.shape:
            self.problems.append(f'{label}: shape {got.shape}, expected {want.shape}')
            return
        same = (got == want) | (np.isnan(got) & np.isnan(want))
        with np.errstate(invalid='ignore', divide='ignore'):
            difference = np.where(same, 0.0, np.abs(got - want))
            relative = np.where(want != 0, difference / np.abs(want), 0.0)
        self._see(difference, relative)
        wrong = ~(difference <= atol + rtol * np.abs(want)) & ~same
        if wrong.any():
            worst = np.unravel_index(
                np.argmax(np.where(np.isnan(difference), np.inf, difference)), wrong.shape
            )
            self.problems.append(
                f'{label}: {int(wrong.sum())} of {wrong.size} outside atol {atol:g} rtol {rtol:g}; '
                f'worst at {tuple(int(i) for i in worst)}: {got[worst]:.8g}, expected {want[worst]:.8g}'
            )

    def equal(self, label: str, got: Any, want: Any) -> None:
        """Equal values: arrays element by element, everything else by ``==``."""
        self.count += 1
        if not (_is_numeric(got) and _is_numeric(want)):
            if got != want:
                self.problems.append(f'{label}: {_short(got)}, expected {_short(want)}')
            return
        got, want = _array(got), _array(want)
        if got.shape != want.shape:
            self.problems.append(f'{label}: shape {got.shape}, expected {want.shape}')
            return
        wrong = got != want
        if wrong.any():
            difference = np.abs(got.astype(np.float64) - want.astype(np.float64))
            self._see(difference, np.zeros(1))
            self.problems.append(f'{label}: {int(wrong.sum())} of {wrong.size} elements differ')

    def true(self, label: str, condition: bool, message: str = '') -> None:
        """A condition that must hold."""
        self.count += 1
        if not condition:
            self.problems.append(f'{label}: {message or "does not hold"}')

    def take(self, other: 'Check') -> None:
        """Add what another one has compared."""
        self.max_abs, self.max_rel = max(self.max_abs, other.max_abs), max(self.max_rel, other.max_rel)
        self.problems += other.problems
        self.count += other.count

    def _see(self, difference: np.ndarray, relative: np.ndarray) -> None:
        if difference.size:
            self.max_abs = max(self.max_abs, float(np.nanmax(difference, initial=0.0)))
            self.max_rel = max(self.max_rel, float(np.nanmax(relative, initial=0.0)))


@dataclass(frozen=True)
class Case:
    """One stored case: its name (see tests/parity/cases/README.md#names-of-cases) and the function that compares."""

    name: str
    run: Callable[[Check], None]


@dataclass(frozen=True)
class Result:
    """Outcome of one case."""

    name: str
    passed: bool
    max_abs: float
    max_rel: float
    problems: tuple[str, ...]
    seconds: float

    def line(self) -> str:
        """``PASS|FAIL name max_abs max_rel``."""
        return f'{"PASS" if self.passed else "FAIL"} {self.name} {self.max_abs:.3g} {self.max_rel:.3g}'


Builder = Callable[[Path, Path], Iterable[Case]]


@dataclass(frozen=True)
class Family:
    """Files of one kind: ``pattern`` and ``inputs`` are globs on the path below the root ('/' matched by '*')."""

    pattern: str
    inputs: tuple[str, ...]
    build: Builder


FAMILIES: list[Family] = []


def family(pattern: str, *inputs: str) -> Callable[[Builder], Builder]:
    """Register a function (file or folder, root) -> cases for every path that matches ``pattern``.

    ``inputs`` are further JSON files that the family reads and that are no cases of their own. Patterns are tried
    in order of registration; the first that matches has the file.
    """

    def register(build: Builder) -> Builder:
        FAMILIES.append(Family(pattern, inputs, build))
        return build

    return register


def collect(root: Path) -> list[Case]:
    """All cases below ``root``, sorted by name; a case file that no family knows becomes a failing case."""
    paths = sorted(
        path for path in root.rglob('*') if path.is_dir() or path.name.endswith(('.json', '.json.xz'))
    )
    cases: list[Case] = []
    claimed: list[str] = []
    for path in paths:
        name = path.relative_to(root).as_posix()
        if any(name == done or name.startswith(done + '/') for done in claimed):
            continue
        owner = next((f for f in FAMILIES if fnmatch.fnmatchcase(name, f.pattern)), None)
        if owner is not None:
            claimed.append(name)
            cases.extend(_build(owner, path, root, name))
        elif path.is_file() and not _is_input(name):
            cases.append(_failing(_stem(name), 'no runner knows this case file'))
    return sorted(cases, key=lambda case: case.name)


def run_case(case: Case) -> Result:
    """Run one case; an exception is a failure."""
    check = Check()
    start = time.perf_counter()
    try:
        case.run(check)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        check.problems.append(
            f'{type(error).__name__} at {Path(where.filename).name}:{where.lineno}: {error}'
        )
    if not check.count and not check.problems:
        check.problems.append('nothing was compared')
    passed = not check.problems
    seconds = time.perf_counter() - start
    return Result(case.name, passed, check.max_abs, check.max_rel, tuple(check.problems), seconds)


def _build(owner: Family, path: Path, root: Path, name: str) -> list[Case]:
    try:
        return list(owner.build(path, root))
    except Exception as error:
        return [_failing(_stem(name), f'cannot be read: {type(error).__name__}: {error}')]


def _failing(name: str, message: str) -> Case:
    def run(check: Check) -> None:
        check.true(name, False, message)

    return Case(name, run)


def _is_input(name: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for f in FAMILIES for pattern in f.inputs)


def _stem(name: str) -> str:
    return name.removesuffix('.xz').removesuffix('.json')


def stem(path: Path, root: Path) -> str:
    """A case file's name: its path below ``root`` without the ending."""
    return _stem(path.relative_to(root).as_posix())


def _array(value: Any) -> np.ndarray:
    return np.asarray(value.detach().cpu().numpy() if hasattr(value, 'detach') else value)


def _is_numeric(value: Any) -> bool:
    try:
        return _array(value).dtype.kind in 'biuf'
    except ValueError:  # a ragged list
        return False


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + '...'
