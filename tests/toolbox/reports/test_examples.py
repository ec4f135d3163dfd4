"""Layers of pictures."""

import numpy as np

from mmseg.toolbox.reports.examples import (
    css_colour,
    legend,
    picture_example,
    scale_example,
    scale_examples,
    worst_choice,
)
from mmseg.toolbox.reports.results import RunResult, WorstPicture
from mmseg.toolbox.reports.scales import ScalePanel
from tests.toolbox.reports.pages import picture

PALETTE = [(255, 0, 0), (0, 0, 255)]


def test_image_predictions_truth() -> None:
    example = picture_example(picture('crossing', 'a', 'b', size=(20, 40)), PALETTE)
    assert [layer.name for layer in example.layers] == ['image', 'a', 'b', 'truth']
    assert (example.ratio, example.layers[0].address) == ('40 / 20', '')


def test_both_scales_with_attention_beside_the_fusion() -> None:
    row = picture('crossing', size=(20, 40))
    label = np.zeros((20, 40), np.uint8)
    panel = ScalePanel('x', row.image, label, label, np.ones((20, 40)), label, label)
    names = ['image', 'truth', 'LR', 'HR', 'attention', 'fused']
    assert [layer.name for layer in scale_example(panel, PALETTE).layers] == names
    assert [layer.kind for layer in scale_example(panel, PALETTE).layers].index('shade') == 4
    unknown = ScalePanel('x', row.image, label, label, np.ones((20, 40)), label)
    ((run, examples),) = scale_examples({'mine': [unknown]}, PALETTE)
    assert (run, [layer.name for layer in examples[0].layers]) == ('mine', [names[0], *names[2:]])


def test_a_picture_that_is_the_worst_for_two_classes_comes_once() -> None:
    worst = {
        'road': (WorstPicture(7, 'a.png', 12.34), WorstPicture(1, 'b.png', 50.0)),
        'sky': (WorstPicture(2, 'c.png', 0.0),),
        'pole': (WorstPicture(7, 'a.png', 0.0),),
    }
    assert worst_choice(RunResult('a', {}, worst=worst)) == {7: 'road 12.3, pole 0.0', 2: 'sky 0.0'}


def test_classes_without_a_name_are_not_in_the_legend() -> None:
    assert legend(PALETTE, ['', 'sky']) == [('sky', 'rgb(0,0,255)')]
    assert css_colour(np.array([1, 2, 3])) == 'rgb(1,2,3)'
