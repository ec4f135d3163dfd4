"""Names, folders and files of runs."""

import json
import re
from pathlib import Path

import pytest

from mmseg.config import load_config, resolved
from mmseg.errors import ConfigError, UsageError
from mmseg.toolbox.experiments import jobs
from mmseg.toolbox.experiments.jobs import LaunchOptions, plan_config, plan_experiment, write_job

PLAIN = LaunchOptions()
CONFIG = Path('configs/daformer/gta2cs_uda_warm_fdthings_rcs_croppl_a999_daformer_mitb5_s0.py')


def test_experiment_job_is_written_as_published(workspace: Path) -> None:
    (job,) = plan_experiment('daformer-7', LaunchOptions(only=('*_s1',)))
    assert re.fullmatch(rf'\d{{6}}_\d{{4}}_{job.name}_[0-9a-f]{{5}}', job.unique)
    assert job.file == Path('configs/generated/local-expdaformer-7') / f'{job.unique}.json'
    assert job.work_dir == Path('work_dirs/local-expdaformer-7') / job.unique
    write_job(job)
    content = json.loads(job.file.read_text())
    assert content['_base_'][0] == '../../_base_/default_runtime.py'
    assert content['name'] == job.unique
    assert content['work_dir'] == str(job.work_dir)
    assert content['git_rev'] == 'unknown'
    assert job.file.read_text().startswith('{\n    "_base_"')
    assert load_config(job.file).seed == 1


def test_config_job_is_a_child_with_four_keys(workspace: Path) -> None:
    (job,) = plan_config(CONFIG, PLAIN)
    write_job(job)
    content = json.loads(job.file.read_text())
    assert job.file.parent == Path('configs/generated/local-basic')
    assert set(content) == {'_base_', 'name', 'work_dir', 'git_rev'}
    assert content['_base_'] == [f'../../{CONFIG.relative_to("configs")}']
    assert load_config(job.file).exp == 'basic'


def test_config_may_lie_anywhere(workspace: Path) -> None:
    Path('mine').mkdir()
    Path('mine/configs.py').write_text(
        "_base_ = '../configs/demo/builtin_daformer.py'\nname = 'mine'\nexp = 'own'\n"
    )
    (job,) = plan_config(Path('mine/configs.py'), PLAIN)
    write_job(job)
    assert job.folder == 'local-own'
    assert load_config(job.file).model.type == 'EncoderDecoder'


def test_startup_test_changes_what_is_published(workspace: Path) -> None:
    job = plan_experiment('daformer-7', LaunchOptions(startup_test=True))[0]
    assert job.folder == 'local-expdaformer-7-startup'
    assert job.config['log_level'] == 40
    assert job.config['runner'] == {'type': 'IterBasedRunner', 'max_iters': 2}
    assert job.config['evaluation'] == {'interval': 100, 'metric': 'mIoU'}
    assert job.config['checkpoint_config'] == {'by_epoch': False, 'interval': 100, 'save_last': False}


def test_debug_logs_and_draws_often(workspace: Path) -> None:
    adapted, supervised = (
        LaunchOptions(debug=True, only=('*s0',)),
        LaunchOptions(debug=True, only=('*source-only*',)),
    )
    (job,) = plan_experiment('daformer-7', adapted)
    assert job.config['log_config'] == {'interval': 10}
    assert job.config['evaluation'] == {'interval': 200, 'metric': 'mIoU'}
    assert job.config['uda']['debug_img_interval'] == 10
    assert 'uda' not in plan_experiment(101, supervised)[0].config


def test_options_are_part_of_the_file(workspace: Path) -> None:
    given = {'seed': 7, 'uda.blur': False, 'data.test.pipeline.1.flip': True}
    (job,) = plan_experiment('daformer-7', LaunchOptions(cfg_options=given, only=('*s1',)))
    write_job(job)
    cfg = load_config(job.file)
    assert (cfg.seed, cfg.uda.blur, cfg.uda.mix) == (7, False, 'class')
    assert cfg.data.test.pipeline[1].flip is True
    assert cfg.data.train.source.type == 'SynthiaDataset'


def test_wrong_option_is_refused_before_anything_is_written(workspace: Path) -> None:
    with pytest.raises(ConfigError, match='alpha'):
        plan_experiment('daformer-7', LaunchOptions(cfg_options={'uda.alhpa': 1}))
    assert not Path('configs/generated').exists()


def test_only_takes_names_and_patterns(workspace: Path) -> None:
    assert len(plan_experiment(101, LaunchOptions(only=('*dacs_fd*',)))) == 3
    with pytest.raises(UsageError, match='the nearest valid name is'):
        plan_experiment(101, LaunchOptions(only=('gta2cs_dacs_segformer_mitb5_poly10warm_s9',)))


def test_resume_takes_the_newest_run_with_a_checkpoint(workspace: Path) -> None:
    options = LaunchOptions(only=('*_s0',), resume=True)
    (fresh,) = plan_experiment('daformer-7', options)
    assert not fresh.resumed
    for stamp in ('250101_0000', '250102_0000', '250103_0000'):
        unique = f'{stamp}_{fresh.name}_abcde'
        (jobs.WORK_DIRS / fresh.folder / unique).mkdir(parents=True)
        (jobs.GENERATED / fresh.folder).mkdir(parents=True, exist_ok=True)
        (jobs.GENERATED / fresh.folder / f'{unique}.json').write_text('{}')
        if stamp != '250103_0000':
            (jobs.WORK_DIRS / fresh.folder / unique / 'iter_5.pth').touch()
    (job,) = plan_experiment('daformer-7', options)
    assert (job.resumed, job.unique[:11]) == (True, '250102_0000')
    write_job(job)
    assert job.file.read_text() == '{}'


@pytest.mark.parametrize('name', ['../../away', '/away', '..', '', 'a\\b'])
@pytest.mark.parametrize('key', ['name', 'exp'])
def test_names_stay_in_the_folder_of_the_runs(workspace: Path, key: str, name: str) -> None:
    path = Path('mine.json')
    path.write_text(json.dumps({'_base_': 'configs/demo/builtin_daformer.py', key: name}))
    if key == 'name' and not name:
        return  # no name: that of the file
    with pytest.raises(ConfigError, match=f'{key}: found .* names the folder of the run'):
        plan_config(path, PLAIN)


def test_a_python_file_of_ones_own_is_written_out(workspace: Path) -> None:
    """The generated file is data, so it cannot inherit from it; options reach into it all the same."""
    base = (Path('configs/demo') / 'builtin_daformer.py').resolve()
    Path('mine.py').write_text(f'_base_ = {str(base)!r}\nhalf = 0.5\nuda = dict(alpha=half)\n')
    options = LaunchOptions(cfg_options={'seed': 7, 'data.test.pipeline.1.flip': True})
    (job,) = plan_config(Path('mine.py'), options)
    write_job(job)
    assert '_base_' not in json.loads(job.file.read_text())
    cfg = load_config(job.file)
    assert (cfg.uda.alpha, cfg.seed, cfg.data.test.pipeline[1].flip) == (0.5, 7, True)
    assert resolved(cfg)['model'] == resolved(load_config('mine.py'))['model']


def test_a_dry_run_checks_what_is_not_shipped(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[object] = []
    monkeypatch.setattr(jobs.config, 'load_config', checked.append)
    monkeypatch.setattr(jobs, 'configs_folder', lambda: jobs.SHIPPED)
    shown = plan_experiment('daformer-7', LaunchOptions(dry_run=True))
    assert ([job.seed for job in shown], checked) == ([0, 1, 2], [])
    plan_experiment('daformer-7', LaunchOptions(dry_run=True, cfg_options={'data.samples_per_gpu': 3}))
    plan_experiment('daformer-7', PLAIN)
    assert len(checked) == 2
