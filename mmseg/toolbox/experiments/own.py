"""Experiments of this project: the built-in demo and adaptation to real photographs."""

from mmseg.toolbox.experiments.rows import SEEDS, Experiment, FileRow


def _procstreet(method: str, *seeds: int, pair: str = 'procstreet2camvid') -> FileRow:
    stem = f'{pair}_{method}'
    return FileRow(f'demo/{stem}.py', f'{stem}_efficientnet-lite0', seeds)


EXPERIMENTS = (
    Experiment(
        '0', 'Demo', '-', 'Built-in scenes: source only against DAFormer',
        (FileRow('demo/builtin_source_only.py'), FileRow('demo/builtin_daformer.py')),
        before='mmseg.toolbox.experiments.demo:prepare', after='mmseg.toolbox.experiments.demo:report',
    ),
    Experiment(
        '200', 'Real pictures', '-', 'ProcStreet->CamVid, all methods',
        tuple(_procstreet(method, 0) for method in ('source_only', 'dacs', 'daformer', 'target_only')),
    ),
    Experiment(
        '201', 'Real pictures', '-', 'ProcStreet->CamVid, spread over seeds',
        tuple(_procstreet(method, *SEEDS) for method in ('source_only', 'daformer')),
    ),
    Experiment(
        '202', 'Real pictures', '-', 'ProcStreet->CamVid, HRDA and instance banks',
        tuple(_procstreet(method, *SEEDS) for method in ('hrda', 'dida', 'dida_clean', 'hrda_dida')),
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
)  # fmt: skip
