"""run_experiments.py and tools/print_config.py as users type them."""

import json
import subprocess
from pathlib import Path

import pytest

from tests import warm

ROOT = Path(__file__).resolve().parents[3]
CONFIG = 'configs/daformer/gta2cs_uda_warm_fdthings_rcs_croppl_a999_daformer_mitb5_s0.py'

pytestmark = pytest.mark.slow


def ask(*command: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    program, *arguments = command
    return warm.run([str(ROOT / program), *arguments], cwd=folder, timeout=300)


def test_list_and_dry_run_for_machines() -> None:
    listed = ask('run_experiments.py', '--list', '--json')
    names = {entry['id']: entry['names'] for entry in json.loads(listed.stdout)}
    dry = ask('run_experiments.py', '--exp', 'daformer-7', '--dry-run', '--json')
    runs = [json.loads(line) for line in dry.stdout.splitlines()]
    assert [run['name'] for run in runs] == names['daformer-7']
    assert runs[0]['exp'] == runs[0]['config']['exp'] == 7
    assert runs[0]['config']['_base_'][0] == '_base_/default_runtime.py'


def test_print_config_writes_out_presets() -> None:
    printed = ask('tools/print_config.py', CONFIG, '--resolved', '--json', '--cfg-options', 'uda.alpha=0.9')
    cfg = json.loads(printed.stdout)
    assert cfg['uda']['alpha'] == 0.9
    assert cfg['data']['train']['source']['pipeline'][0] == {'type': 'LoadImageFromFile'}
    short = ask('tools/print_config.py', CONFIG, '--json', '--notes')
    assert json.loads(short.stdout)['gta_train_pipeline']['type'] == 'TrainPipeline'
    assert 'use_ddp_wrapper' in short.stderr


@pytest.mark.parametrize(
    ('command', 'told'),
    [
        (('run_experiments.py', '--exp', '555'), 'No experiment has the id'),
        (('run_experiments.py', '--config', 'none.py'), 'none.py does not exist'),
        (('run_experiments.py', '--exp', '1', '--config', 'a.py'), 'not allowed with'),
        (('run_experiments.py', '--exp', '1', '--builtin-data'), 'goes with --startup-test'),
        (('run_experiments.py', '--exp', '1', '--cfg-options', 'seed'), 'expected KEY=VALUE'),
        (('tools/print_config.py', CONFIG, '--cfg-options', 'uda.alhpa=1'), "nearest valid name is 'alpha'"),
    ],
)
def test_wrong_usage_is_told_in_a_paragraph(command: tuple[str, ...], told: str) -> None:
    answer = ask(*command)
    assert answer.returncode == 2
    assert told in ' '.join(answer.stderr.split())
    assert 'Traceback' not in answer.stderr


def test_startup_test_needs_no_files(workspace: Path) -> None:
    """Two iterations of source-only training, in an empty folder."""
    options = ('--startup-test', '--builtin-data', '--only', '*source-only*')
    answer = ask('run_experiments.py', '--exp', '101', *options, folder=workspace)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines()[-1] == '1 of 1 runs finished.'
    (folder,) = (workspace / 'work_dirs' / 'local-exp101-startup').iterdir()
    assert (folder / f'{folder.name}.json').is_file()
