"""The commands in the code blocks of the pages, and what is run in their places.

What a page names of the user's own (WORK_DIR, street.png, ...) stands for a file of the workspace of
tests/integration/examples.py; what would take hours is made short or only planned.
"""

import re
from collections.abc import Iterator

NOT_HERE = {
    'add-a-method.md', 'add-a-part.md', 'encoders.md', 'get-started.md', 'own-data.md', 'troubleshooting.md'
}  # fmt: skip
"""Pages that a test of their own runs from top to bottom: test_NAME.py."""

RUN_BY_OTHERS = {
    r'pip install ': 'test_wheel.py installs the package, test_get_started.py knows the extras',
    r'export \w+=': 'names the network of a cluster',
    r'trtexec ': 'needs TensorRT',
    r'sh run_(exp|config)\.sh ': 'test_scripts.py: they go on in the background',
    r'.*--machine slurm --status': 'test_cluster.py, with jobs to ask for',
    r'sh tools/download_checkpoints\.sh (?!--dry-run)': 'tests/toolbox/checkpoints, from local files',
    r'(OMP_NUM_THREADS=1 )?python tools/benchmark\.py (?!NAME)': 'tests/tools, at small sizes',
    r'.*make.scenes(\.py)? data/builtin ': 'test_examples.py; drawing takes its time',
    r'torchrun --nnodes 2 ': 'test_two_machines.py',
}
"""Commands that have no place in a workspace -> who runs them, or why nobody does."""

IN_THEIR_PLACE = (
    (r'OMP_NUM_THREADS=1 ', ''),
    (r' \.\.\.(?= )', ''),
    (r'\[(--network teacher|WORK_DIR)[ .]*\]', r'\1'),
    (r'mmseg-uda ', 'python -m mmseg '),
    (r'make (\w+=\S+ )*', 'make -n '),
    # The files of the workspace.
    (r'\b(SOURCE_ONLY|DAFORMER)_DIR\b', 'WORK_DIR'),
    (r'\bHRDA_DIR\b', 'HRDA_WORK_DIR'),
    (r'\bwork_dirs/NAME/(NAME\.json|latest\.pth)', lambda found: 'CONFIG' if found[1] == 'NAME.json' else 'CHECKPOINT'),
    (r'\bwork_dirs/NAME\b', 'WORK_DIR'),
    (r'(collect_results\.py) \d+', r'\1 WORK_DIR'),
    (r'(prepare_procstreet2camvid\.py.*)', r'\1 --shared SHARED'),
    (r'\bwork_dirs/mine\b', 'WORK_DIR'),
    (r'\bdocs/pictures/', ''),
    (r'\bstreet\.(png|jpg)', 'IMAGE'),
    (r'model\.safetensors pretrained/', 'WEIGHTS converted/'),
    (r'\bBANK\b', 'embedding_cache/own'),
    (r'\bCOMMIT\b', '6d10264'),
    (r'\bOPTIONS\b', 'seed=1'),
    (r'\bSEED\b', '1'),
    (r'\bSeq05VD\b', 'altdorf'),
    (r'\biter_1500\b', 'iter_3'),
    # Networks that fit its pictures, and few iterations.
    (r'(?<=train|.test)\.py configs/demo/\w*hrda\.py', '.py HRDA_CONFIG'),
    (r'(HRDA_CONFIG .*)\bWORK_DIR', r'\1HRDA_WORK_DIR'),
    (r'(train|test|adapt_bn|build_bank|confusion_matrix|browse_dataset)\.py configs/\w+/\w+\.py', r'\1.py CONFIG'),
    (r'max_iters=1520 log_config\.interval=20', 'max_iters=4 log_config.interval=1'),
    (r'max_iters=\d{3,}', 'max_iters=2'),
    (r'train\.py --resume', 'train.py CONFIG --resume'),
    (r'(train\.py .*) --work-dir (HRDA_)?WORK_DIR', r'\1'),
    (r'(--nproc-per-node|dist_train\.sh CONFIG) 4', r'\1 1'),
    (r'--config config\.py', '--config CONFIG'),
    (r'benchmark\.py NAME', 'benchmark.py ema'),
    (r'(screening\.py --run .*) --config \S+', r'\1 --config CONFIG'),
    (r'(screening\.py.*)', r'\1 --json scores.json --page PAGE'),
    # Trainings of hours are planned; the startup tests begin each of them.
    (r'(run_experiments\.py (?!.*(--dry-run|--list)).*)', r'\1 --dry-run'),
    (r' --run\b(?! WORK_DIR)', ''),
    (r'(reproduce\.py (?!.*--list).*)', r'\1 --no-check'),
)  # fmt: skip
"""Pattern -> what takes its place, in this order."""

_BLOCK = re.compile(r'^```([^\n]*)\n(.*?)^```', re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r'(?:OMP_NUM_THREADS=1 )?(?:python|sh|torchrun|mmseg-uda|make|pip|export|trtexec) ')


def code_blocks(page: str, *languages: str) -> Iterator[str]:
    """The code blocks of a page that are in one of the languages ('': none named)."""
    return (block for language, block in _BLOCK.findall(page) if language in languages)


def commands(page: str) -> list[str]:
    """Those of the code blocks of a page, in their order, lines joined and without remarks."""
    lines = [
        line
        for block in code_blocks(page, '', 'shell')
        for line in re.sub(r' *(#[^\n]*)?\\\n *| *\\ +#[^\n]*\n *', ' ', block).splitlines()
        if _COMMAND.match(line)
    ]
    return [command.strip() for line in lines for command in re.sub(r'\s+#.*', '', line).split(';')]


def other_runner(command: str) -> str | None:
    """Who runs a command that has no place in a workspace."""
    return next((why for pattern, why in RUN_BY_OTHERS.items() if re.match(pattern, command)), None)


def in_its_place(command: str) -> str:
    """The command that is run, with the names in capitals of the workspace."""
    for pattern, instead in IN_THEIR_PLACE:
        command = re.sub(pattern, instead, command)
    return command
