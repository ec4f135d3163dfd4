"""Every place of the program that could turn data into code is known, and what it is given is no data."""

import ast
from collections.abc import Iterator

from tests.test_style import trees

RUNS = {
    'eval', 'exec', 'compile', '__import__', 'import_module', 'run_path', 'run_module', 'exec_module', 'system',
    'popen', 'Popen', 'call', 'check_call', 'check_output', 'getoutput', 'execv', 'execvp', 'spawnv', 'fromfile',
    'fromstring', 'safe_load', 'Unpickler', '_Unpickler', 'literal_eval', 'attrgetter', 'load_url',
}  # fmt: skip
"""Names of functions that run, import or unpickle, in any module."""

LOADS = {
    'pickle.load',
    'pickle.loads',
    'torch.load',
    'np.load',
    'yaml.load',
    'marshal.loads',
    'mmengine.load',
}

KNOWN = {
    # A program of this package under another name.
    'create_buffer.py': {'runpy.run_path'},
    # Literals that the user types or a saved configuration holds, no names and no calls but dict(...).
    'mmseg/config/literals.py': {'ast.literal_eval'},
    # __all__ of this package's folders.
    'docs/making/api.py': {'ast.literal_eval'},
    # _base_ of a Python file, read without running it.
    'mmseg/config/files.py': {'ast.literal_eval'},
    # What Python configurations and the command line name.
    'mmseg/config/imports.py': {'importlib.import_module', 'import_module'},
    # After scan(): Python files that the user named, and shipped ones.
    'mmseg/config/load.py': {'Config.fromfile'},
    'mmseg/engine/compilation.py': {'network.backbone.compile', 'torch.compile'},
    # Arrays of the same run.
    'mmseg/toolbox/testing/outputs.py': {'np.load'},
    # The type of a head in a shipped file.
    'mmseg/toolbox/experiments/generate.py': {'Config.fromfile'},
    # 'module:function' in the table of experiments.
    'mmseg/toolbox/experiments/launch.py': {'import_module'},
    # Programs of this project, and torchrun.
    'mmseg/toolbox/experiments/children.py': {'subprocess.Popen'},
    # The browser of this machine, for pictures of pages.
    'docs/making/browser.py': {'subprocess.Popen'},
    # Bytes of pixels, as bytes.
    'mmseg/datasets/decoded.py': {'np.fromfile'},
    'tools/benchmarks/data.py': {'np.fromfile'},
    # Modules of this package, from tables in its __init__ files.
    'mmseg/late.py': {'importlib.import_module'},
    # weights_only
    'mmseg/models/weights/reading.py': {'torch.load'},
    # Programs of this package, by the names of their files.
    'mmseg/programs.py': {'loader.exec_module', 'os.execv'},
    'mmseg/uda/instance_bank/files.py': {'np.load'},
    'tools/benchmark.py': {'import_module'},
}
"""The places."""


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """File, full name and call of everything that is called in the program."""
    for path, tree in trees().items():
        if path.parts[0] in ('tests', 'configs'):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield path.as_posix(), ast.unparse(node.func), node


def test_calls_that_could_run_data_are_known() -> None:
    found = {
        (path, name)
        for path, name, _ in calls()
        if name in LOADS
        or (name.split('.')[-1] in RUNS and name != 're.compile' and not name.endswith('.eval'))
    }
    assert found == {(path, name) for path, names in KNOWN.items() for name in names}


def test_files_are_read_without_unpickling_and_commands_without_a_shell() -> None:
    for path, name, node in calls():
        given = {f'{keyword.arg}={ast.unparse(keyword.value)}' for keyword in node.keywords}
        assert 'shell=True' not in given, path
        assert 'allow_pickle=True' not in given, path
        assert name != 'torch.load' or 'weights_only=True' in given, path
