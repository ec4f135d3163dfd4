"""The pinhole camera and the shapes it sees."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmseg.toolbox.scenes import street, things
from mmseg.toolbox.scenes.sketch import Camera, Sketch, ground, side

CAMERA = Camera(width=256, height=128, focal=140.0, centre=128.0, horizon=56.0, eye=1.6)


def sketch() -> Sketch:
    return Sketch(CAMERA, np.random.default_rng(0))


def test_projection() -> None:
    at_eye_level, on_the_ground = CAMERA.project([(0.0, 1.6, 10.0), (1.0, 0.0, 14.0)])
    assert at_eye_level.tolist() == [128, 56]
    assert on_the_ground.tolist() == [138, 72]
    assert CAMERA.project([(0.0, 0.0, CAMERA.nearest())])[0].tolist() == [128, 128]


@given(x=st.floats(-500, 500), y=st.floats(-5, 400), z=st.floats(0.01, 500))
def test_points_stay_within_what_the_drawing_libraries_can_hold(x: float, y: float, z: float) -> None:
    assert np.abs(CAMERA.project([(x, y, z)])).max() <= 16000


def test_a_box_beside_the_camera_shows_its_inner_side() -> None:
    drawing = sketch()
    drawing.box('car', 'car', (2.0, 4.0), (0.0, 1.5), (8.0, 12.0), 0.5)
    flank, front = drawing.parts
    assert (flank.paint, front.paint) == ('car.side', 'car')
    assert flank.polygon[:, 0].max() == front.polygon[:, 0].min()
    drawing.box('car', 'car', (-1.0, 1.0), (0.0, 1.5), (8.0, 12.0))
    assert len(drawing.parts) == 3  # straight ahead: no side is visible


def test_a_smooth_disc_is_round() -> None:
    drawing = sketch()
    drawing.disc('traffic sign', 'sign', (0.0, 2.0, 7.0), (0.5, 0.5), 0.0, 24)
    reach = np.linalg.norm(drawing.parts[0].polygon - CAMERA.project([(0.0, 2.0, 7.0)]), axis=1)
    assert np.allclose(reach, 10.0, atol=1.0)


def test_rectangles() -> None:
    assert {point[0] for point in side(3.0, (0.0, 2.0), (4.0, 9.0))} == {3.0}
    assert {point[1] for point in ground((-1.0, 1.0), (4.0, 9.0))} == {0.0}


@pytest.mark.parametrize(
    ('thing', 'label'),
    [
        (things.car, 'car'), (things.truck, 'truck'), (things.bus, 'bus'), (things.train, 'train'),
        (things.person, 'person'), (things.pole, 'pole'), (things.traffic_light, 'traffic light'),
        (things.traffic_sign, 'traffic sign'), (things.tree, 'vegetation'), (things.bin_or_crate, 'static'),
    ],
)  # fmt: skip
def test_things_consist_of_their_class(thing: things.Thing, label: str) -> None:
    drawing = sketch()
    thing(drawing, 2.0, 10.0)
    labels = {part.label for part in drawing.parts}
    assert label in labels
    assert labels <= {label, 'pole', 'road'}  # what it stands on, and its shadow
    assert all(len(part.polygon) >= 3 and 0 <= part.pick < 1 for part in drawing.parts)


def test_rider_and_vehicle_are_two_objects_of_two_classes() -> None:
    drawing = sketch()
    things.rider_on(drawing, 'bicycle', 0.0, 6.0)
    assert {part.label for part in drawing.parts} == {'bicycle', 'rider'}
    by_label = {part.label: part.instance for part in drawing.parts}
    assert by_label['bicycle'] != by_label['rider']


def test_a_street_has_the_classes_that_do_not_move() -> None:
    drawing = sketch()
    borders = street.lay_out(drawing)
    assert borders.pavement[0] < borders.road[0] < 0 < borders.road[1] < borders.pavement[1]
    labels = {part.label for part in drawing.parts}
    assert {'road', 'sidewalk', 'building', 'wall', 'fence', 'terrain', 'sky'} <= labels
    assert {part.instance for part in drawing.parts} == {0}
