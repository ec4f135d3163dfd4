"""The teacher averaged over mirror images."""

import torch

from mmseg.uda.flip_average import flip_averaged
from tests.uda.networks import observed, small_batch, small_method, train


def test_mean_of_both_probabilities_in_the_place_of_the_picture() -> None:
    images = torch.randn(2, 3, 4, 6)

    def predict(pictures: torch.Tensor) -> torch.Tensor:
        return pictures * torch.arange(1.0, 7.0)  # depends on the place

    found = flip_averaged(predict(images), images, predict).softmax(dim=1)
    mirrored = (images * torch.arange(6.0, 0.0, -1)).softmax(dim=1)
    torch.testing.assert_close(found, (predict(images).softmax(dim=1) + mirrored) / 2)


def test_network_that_ignores_the_side_changes_nothing() -> None:
    logits = torch.randn(1, 3, 4, 4)
    torch.testing.assert_close(
        flip_averaged(logits, logits, lambda pictures: pictures).softmax(dim=1), logits.softmax(dim=1)
    )


def test_method_asks_the_teacher_twice_and_labels_by_the_mean() -> None:
    method = small_method(pseudo_flip=True)
    groups = observed(method)
    train(method, [small_batch()])
    assert method.teacher.backbone.first[1].num_batches_tracked == 2
    predict, images = method.teacher.generate_pseudo_label, small_batch()['target_img']
    expected = flip_averaged(predict(images), images, predict).argmax(dim=1)
    assert torch.equal(groups['mixed'].seen['pseudo_label'], expected)
