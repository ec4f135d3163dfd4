"""Compiled networks: every shape once, nothing uncompiled, results as without; with the real code generator, too."""

import os
import shutil
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._dynamo.utils import counters

from mmseg.config.translate import train_settings
from mmseg.engine.build import build_trainable
from mmseg.engine.compilation import compile_network
from mmseg.models.backbones.mit import MixVisionTransformer
from mmseg.uda.self_training import DACS
from tests.integration.tiny import dacs, model
from tests.uda.networks import DISTANCE, TWO_SCALES, small_batch, small_method, train

PLAIN: dict[str, Any] = {'model': model(), 'runner': {'max_iters': 2}, 'seed': 3}
MASKS = {
    'mask_mode': 'separatetrgaug',
    'mask_lambda': 1,
    'mask_alpha': 0.9,  # a teacher of its own: four networks
    'mask_generator': {'type': 'block', 'mask_ratio': 0.5, 'mask_block_size': 8},
}
SIZE = (64, 64)
COMPILER = (
    shutil.which(os.environ.get('CXX', 'g++')) and Path(sysconfig.get_path('include'), 'Python.h').is_file()
)
needs_compiler = pytest.mark.skipif(
    not COMPILER, reason='needs a C++ compiler (g++, or CXX) and the headers of Python'
)


@pytest.fixture(autouse=True)
def nothing_compiled() -> Iterator[None]:
    """torch's own limit, and no code of other tests; nor is any left for them."""
    torch._dynamo.reset()
    counters.clear()
    with torch._dynamo.config.patch(recompile_limit=8):
        yield
    torch._dynamo.reset()


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> list[torch.fx.GraphModule]:
    """What was traced; it runs as it is, since generating code takes a minute."""
    compile_with, found = torch.compile, []

    def backend(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> Any:
        found.append(graph)
        return graph.forward

    def traced(function: Any, **options: Any) -> Any:
        return compile_with(function, **{**options, 'backend': backend})

    monkeypatch.setattr(torch, 'compile', traced)
    return found


@pytest.fixture
def no_threads() -> Iterator[None]:
    """The code generator keeps none for later."""
    with torch._inductor.config.patch(compile_threads=1):
        yield


def adapted(compiled: bool, precision: str = 'fp32') -> DACS:
    """HRDA's network with feature distance and masked consistency."""
    # Generated code draws other numbers for dropout.
    network = {**TWO_SCALES, 'decode_head': {**TWO_SCALES['decode_head'], 'dropout_ratio': 0.0}}
    method = small_method(network, color_jitter_probability=0.0, **DISTANCE, **MASKS)
    for network in method.networks().values():
        network.precision = precision
        if compiled:
            compile_network(network)
    return method


@pytest.mark.slow
def test_compile_covers_backbone_and_head(graphs: list[torch.fx.GraphModule]) -> None:
    plain = build_trainable(train_settings(PLAIN)).student.eval()
    compiled = build_trainable(train_settings({**PLAIN, 'compile': True}), initialise=False).student.eval()
    compiled.load_state_dict(plain.state_dict())
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        want, got = plain.encode_decode(image), compiled.encode_decode(image)
        assert len(graphs) == 2
        compiled.encode_decode(image + 1)
        features = compiled.backbone(image)
        compiled.decode_head.embed(features)
    assert len(graphs) == 2, 'compiled again, or run outside the compiled parts'
    torch.testing.assert_close(got, want)


def test_compile_reaches_every_network_and_keeps_their_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    monkeypatch.setattr(torch, 'compile', lambda function, **options: compiled.append(function) or function)
    config = {**PLAIN, 'uda': dacs()}
    method = build_trainable(train_settings({**config, 'compile': True}), initialise=False)
    assert len(compiled) == 2 * 3
    assert set(method.state_dict()) == set(
        build_trainable(train_settings(config), initialise=False).state_dict()
    )


def test_nothing_is_compiled_after_the_first_step(graphs: list[torch.fx.GraphModule]) -> None:
    method, batches = adapted(compiled=True), [small_batch(size=SIZE, seed=i) for i in range(3)]
    train(method, batches[:1])
    warm = len(graphs)
    train(method, batches[1:])
    assert len(graphs) == warm > 0
    method.eval()
    pictures = [
        torch.randn(1, 3, 64, 32 * columns) for columns in range(2, 9)
    ]  # more than torch would compile for
    with torch.inference_mode():
        for picture in pictures:
            before = len(graphs)
            method.student.encode_decode(picture)
            assert len(graphs) > before
        tested = len(graphs)
        for picture in pictures:
            method.student.encode_decode(picture)
    train(method, batches)
    assert len(graphs) == tested
    assert not counters['graph_break']
    inputs = [
        node.meta['example_value'] for graph in graphs for node in graph.graph.find_nodes(op='placeholder')
    ]
    assert all(isinstance(size, int) for x in inputs if isinstance(x, Tensor) for size in x.shape)


def test_traced_steps_are_those_of_plain_networks(graphs: list[torch.fx.GraphModule]) -> None:
    batches = [small_batch(size=SIZE, seed=i) for i in range(3)]
    plain, compiled = adapted(compiled=False), adapted(compiled=True)
    torch.testing.assert_close(train(compiled, batches), train(plain, batches))
    assert graphs
    torch.testing.assert_close(compiled.state_dict(), plain.state_dict())


@pytest.mark.slow
@needs_compiler
@pytest.mark.usefixtures('no_threads')
def test_generated_code_trains_like_plain_networks() -> None:
    """bf16, two scales, masks, two teachers: losses of three steps within 3 %, as fused code rounds less often."""
    batches = [small_batch(size=SIZE, seed=i) for i in range(3)]
    plain, compiled = adapted(False, 'bf16'), adapted(True, 'bf16')
    found, wanted = train(compiled, batches), train(plain, batches)
    assert counters['stats']['unique_graphs'] > 0
    assert not counters['graph_break']
    for ours, theirs in zip(found, wanted, strict=True):
        for name in theirs:
            if 'loss' in name:
                torch.testing.assert_close(ours[name], theirs[name], rtol=0.03, atol=1e-6)
    assert compiled.state_dict().keys() == plain.state_dict().keys()


@pytest.mark.slow
@needs_compiler
@pytest.mark.usefixtures('no_threads')
def test_generated_code_of_a_transformer() -> None:
    encoder = MixVisionTransformer(
        embed_dims=[8, 8, 10, 8], depths=[1] * 4, mlp_ratios=[2] * 4, drop_path_rate=0
    )
    encoder.init_weights()
    image = torch.randn(2, 3, 64, 64)

    def gradient() -> tuple[list[Tensor], Tensor]:
        maps = encoder(image)
        encoder.zero_grad()
        sum(x.square().mean() for x in maps).backward()
        return [x.detach() for x in maps], encoder.patch_embed1.proj.weight.grad.clone()

    wanted = gradient()
    encoder.compile(dynamic=False)
    torch.testing.assert_close(gradient(), wanted, rtol=1e-3, atol=1e-5)
    assert counters['stats']['unique_graphs'] == 1
