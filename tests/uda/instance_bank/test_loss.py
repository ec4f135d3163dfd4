"""The streamed loss against the dense oracle, the worked example and its own finite differences."""

import pytest
import torch

from mmseg.uda.instance_bank import tiles
from mmseg.uda.instance_bank.grid import Grid
from mmseg.uda.instance_bank.loss import Form, Target, instance_loss
from mmseg.uda.instance_bank.similarity import Rows, Similarity
from tests.uda.instance_bank import dense

CLASSES, COARSE, FINE = 4, (3, 4), (12, 16)
SUM = Form(Similarity('sum', chunk=150), Similarity('sum', chunk=150))
SOFTMAX = Form(Similarity('softmax', 0.5, 150), Similarity('softmax', 0.3, 150))


def make_rows(features, labels, num_classes=CLASSES):
    return Rows(features, labels, torch.zeros(len(labels), dtype=features.dtype), num_classes)


def inputs(rows=8, channels=5, batch=2, fine=FINE, seed=0):
    """Non-negative embeddings and features, signed scores that are positive on the whole; float64."""
    draw = torch.Generator().manual_seed(seed)
    weak, strong = (torch.rand(batch, channels, *COARSE, generator=draw).double() for _ in range(2))
    features = torch.rand(rows, channels, generator=draw).double()
    scores = 3 + torch.randn(batch, CLASSES, *fine, generator=draw).double()
    return weak, strong, make_rows(features, torch.arange(rows) % CLASSES), scores


def ones(scores):
    return torch.ones_like(scores[:, :1])


def test_the_pixel_that_was_worked_by_hand():
    """docs/methods/dida.md#one-training-step, at the end."""
    weak, strong = torch.tensor([[1.0, 2.0], [2.0, 1.0]]).double().view(2, 1, 2, 1, 1)
    features, labels = torch.tensor([[1.0, 0], [0, 1], [1, 1]]).double(), torch.tensor([0, 1, 0])
    rows, grid = make_rows(features, labels, 2), Grid((1, 1), (1, 1))
    logits = torch.tensor([2.0, -1.0]).double().view(1, 2, 1, 1)
    signed = instance_loss(strong, Target(weak, logits, ones(logits)), rows, grid, SUM)
    assert signed.item() == pytest.approx(0.462098, abs=1e-6)
    assert 0.5 * signed.item() == pytest.approx(0.231049, abs=1e-6)
    probabilities = logits.softmax(1)
    positive = instance_loss(strong, Target(weak, probabilities, ones(logits)), rows, grid, SUM)
    assert positive.item() == pytest.approx(0.818735, abs=1e-6)


@pytest.mark.parametrize('calibrated', [True, False])
@pytest.mark.parametrize('chunk', [1, 100, None])
def test_sum_equals_the_dense_form_with_its_gradient(calibrated, chunk):
    weak, strong, rows, scores = inputs()
    gather = scores if calibrated else None
    mine, plain = strong.clone().requires_grad_(), strong.clone().requires_grad_()
    form = Form(Similarity('sum', chunk=chunk), Similarity('sum', chunk=chunk))
    got = instance_loss(mine, Target(weak, gather, ones(scores)), rows, Grid(COARSE, FINE), form)
    want = dense.published_loss(weak, plain, rows.features, rows.labels, gather, FINE)
    torch.testing.assert_close(got, want, rtol=1e-10, atol=1e-10)
    (2 * got).backward()
    (2 * want).backward()
    torch.testing.assert_close(mine.grad, plain.grad, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize('calibrated', [True, False])
@pytest.mark.parametrize('chunk', [1, 100, None])
def test_softmax_equals_the_dense_form_with_its_gradient(calibrated, chunk):
    weak, strong, rows, scores = inputs()
    gather = scores.softmax(1) if calibrated else None
    weight = (torch.rand(scores[:, :1].shape, generator=torch.Generator().manual_seed(1)) > 0.4).double()
    mine, plain = strong.clone().requires_grad_(), strong.clone().requires_grad_()
    form = Form(Similarity('softmax', 0.5, chunk), Similarity('softmax', 0.3, chunk))
    got = instance_loss(mine, Target(weak, gather, weight), rows, Grid(COARSE, FINE), form)
    want = dense.softmax_loss(
        weak, plain, rows.features, rows.labels, gather, FINE, weight, temperatures=(0.5, 0.3)
    )
    torch.testing.assert_close(got, want, rtol=1e-10, atol=1e-10)
    got.backward()
    want.backward()
    torch.testing.assert_close(mine.grad, plain.grad, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize('form', [SUM, SOFTMAX], ids=['sum', 'softmax'])
@pytest.mark.parametrize('fine', [FINE, COARSE, (7, 9)])
@pytest.mark.parametrize('limit', [0, 144])
def test_finite_differences(form, fine, limit, monkeypatch):
    monkeypatch.setattr(tiles, 'MATRIX_LIMIT', limit)
    weak, strong, rows, scores = inputs(rows=5, channels=2, batch=1, fine=fine)
    target = Target(weak, scores.softmax(1), torch.rand_like(scores[:, :1]))
    grid = Grid(COARSE, fine)
    assert torch.autograd.gradcheck(
        lambda x: instance_loss(x, target, rows, grid, form), strong.requires_grad_(), fast_mode=False
    )


@pytest.mark.parametrize('form', [SUM, SOFTMAX], ids=['sum', 'softmax'])
def test_no_tensor_is_larger_than_a_chunk_or_an_input(form):
    weak, strong, rows, scores = inputs(rows=100)
    largest = 0

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            nonlocal largest
            out = func(*args, **(kwargs or {}))
            tensors = out if isinstance(out, tuple | list) else [out]
            sizes = [x.numel() for x in tensors if isinstance(x, torch.Tensor)]
            largest = max([largest, *sizes])
            return out

    with Watch():
        loss = instance_loss(
            strong.requires_grad_(),
            Target(weak, scores.softmax(1), ones(scores)),
            rows,
            Grid(COARSE, FINE),
            form,
        )
        loss.backward()
    assert largest <= max(form.strong.chunk, scores.numel(), rows.features.numel())
    assert largest < 100 * strong[:, 0].numel()


@pytest.mark.parametrize('form', [SUM, SOFTMAX], ids=['sum', 'softmax'])
def test_without_any_pixel_there_is_no_loss_and_no_gradient(form):
    weak, strong, rows, scores = inputs()
    target = Target(weak, scores.softmax(1), 0 * ones(scores))
    loss = instance_loss(strong.requires_grad_(), target, rows, Grid(COARSE, FINE), form)
    loss.backward()
    assert loss == 0
    assert strong.grad.count_nonzero() == 0


def test_undefined_pixels_are_left_out_and_nothing_becomes_infinite():
    weak, strong, rows, scores = inputs(fine=COARSE)
    strong[:, :, 0, 0] = 0
    weak[:, :, 1, 1] = 0
    loss = instance_loss(
        strong.requires_grad_(), Target(weak, scores, ones(scores)), rows, Grid(COARSE, COARSE), SUM
    )
    loss.backward()
    assert loss.isfinite()
    assert strong.grad.isfinite().all()
    assert strong.grad[:, :, 0, 0].count_nonzero() == 0
    assert strong.grad[:, :, 1, 1].count_nonzero() == 0
    assert strong.grad[:, :, 0, 1].count_nonzero() > 0


def test_signed_embeddings_stay_finite():
    weak, strong, rows, scores = inputs()
    strong = (strong - 0.4).requires_grad_()
    loss = instance_loss(strong, Target(weak, scores, ones(scores)), rows, Grid(COARSE, FINE), SUM)
    loss.backward()
    assert loss.isfinite()
    assert strong.grad.isfinite().all()


@pytest.mark.parametrize('form', [SUM, SOFTMAX], ids=['sum', 'softmax'])
def test_rows_that_are_not_filled_count_for_nothing(form):
    weak, strong, rows, scores = inputs()
    features = torch.cat([rows.features, torch.zeros(3, 5).double()])
    labels = torch.cat([rows.labels, torch.tensor([0, 1, 2])])
    padded = Rows(features, labels, torch.tensor([0.0] * 8 + [-1e4] * 3).double(), CLASSES)
    target = Target(weak, scores.softmax(1), ones(scores))
    losses = [instance_loss(strong, target, bank, Grid(COARSE, FINE), form) for bank in (rows, padded)]
    torch.testing.assert_close(*losses)
