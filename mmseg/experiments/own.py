"""Experiments of this project: the built-in demo and adaptation to real photographs."""

from mmseg.experiments.rows import SEEDS, Experiment, FileRow

PROCSTREET = 'demo/procstreet2camvid_{}.py'
PROCSTREET_METHODS = ('source_only', 'dacs', 'daformer', 'target_only')

EXPERIMENTS = (
    Experiment(
        '0', 'Demo', '-', 'Built-in scenes: source only against DAFormer',
        (FileRow('demo/builtin_source_only.py'), FileRow('demo/builtin_daformer.py')),
        before='mmseg.experiments.demo:prepare', after='mmseg.experiments.demo:report',
    ),
    Experiment(
        '200', 'Real pictures', '-', 'ProcStreet->CamVid, all methods',
        tuple(FileRow(PROCSTREET.format(name)) for name in PROCSTREET_METHODS),
    ),
    Experiment(
        '201', 'Real pictures', '-', 'ProcStreet->CamVid, spread over seeds',
        tuple(FileRow(PROCSTREET.format(name), seeds=SEEDS) for name in ('source_only', 'daformer')),
    ),
)  # fmt: skip
