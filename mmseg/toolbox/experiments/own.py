"""Experiments of this project: the built-in demo and adaptation to real photographs."""

from mmseg.toolbox.experiments.rows import SEEDS, Experiment, FileRow, Published


def _procstreet(method: str, *seeds: int, pair: str = 'procstreet2camvid') -> FileRow:
    stem = f'{pair}_{method}'
    return FileRow(f'demo/{stem}.py', f'{stem}_efficientnet-lite0', seeds)


def _measured(method: str, student: float, teacher: float | None = None) -> dict[str, Published]:
    """What docs/results.md has of a method."""
    runs = f'procstreet2camvid_{method}_efficientnet-lite0'
    found = {f'{method}, student': Published(student, runs)}
    return (
        found
        if teacher is None
        else found | {f'{method}, teacher': Published(teacher, runs, network='teacher')}
    )


EXPERIMENTS = (
    Experiment(
        '0', 'Demo', '-', 'Built-in scenes: source only against DAFormer',
        (FileRow('demo/builtin_source_only.py'), FileRow('demo/builtin_daformer.py')),
        before='mmseg.toolbox.experiments.demo:prepare', after='mmseg.toolbox.experiments.demo:report',
    ),
    Experiment(
        '200', 'Real pictures', '-', 'ProcStreet->CamVid, all methods',
        tuple(_procstreet(method, 0) for method in ('source_only', 'dacs', 'daformer', 'target_only')),
        _measured('dacs', 40.4, 41.2) | _measured('target_only', 60.6),
    ),
    Experiment(
        '201', 'Real pictures', '-', 'ProcStreet->CamVid, spread over seeds',
        tuple(_procstreet(method, *SEEDS) for method in ('source_only', 'daformer')),
        _measured('source_only', 34.3) | _measured('daformer', 39.9, 42.7),
    ),
    Experiment(
        '202', 'Real pictures', '-', 'ProcStreet->CamVid, HRDA and instance banks',
        tuple(_procstreet(method, *SEEDS) for method in ('hrda', 'dida', 'dida_clean', 'hrda_dida')),
        _measured('hrda', 34.3, 36.3) | _measured('dida', 29.0, 32.4) | _measured('dida_clean', 33.0, 35.0)
        | _measured('hrda_dida', 29.0, 30.1),
    ),
    Experiment(
        '203', 'Real pictures', '-', 'ProcStreet->CamVid, best combination',
        (_procstreet('best', *SEEDS),),
    ),
    Experiment(
        '204', 'Real pictures', '-', 'ProcStreet->CamVid at 960x720',
        tuple(
            _procstreet(method, 0, 1, pair='procstreet2camvid960')
            for method in ('source_only', 'daformer', 'hrda', 'target_only')
        ),
    ),
    Experiment(
        '205', 'Real pictures', '-', 'carla800->CamVid',
        tuple(_procstreet(method, 0, pair='carla2camvid') for method in ('source_only', 'daformer')),
    ),
    Experiment(
        '206', 'Real pictures', '-', 'ProcStreet->CamVid, further methods',
        tuple(
            _procstreet(method, *SEEDS)
            for method in ('minent', 'advseg', 'mean_teacher', 'mic', 'dida_trusted')
        ),
    ),
)  # fmt: skip
