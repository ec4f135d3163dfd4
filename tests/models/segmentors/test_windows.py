"""Sliding windows: order, coverage, averaging."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from mmseg.models.segmentors.windows import cut_windows, intervals, merge_windows, window_boxes

lengths = st.integers(1, 70)


@given(length=lengths, crop=lengths, stride=lengths)
def test_windows_have_one_size_and_start_at_multiples(length: int, crop: int, stride: int) -> None:
    found = intervals(length, crop, stride)
    assert len(found) == max(length - crop + stride - 1, 0) // stride + 1
    assert all(end - start == min(crop, length) and start >= 0 and end <= length for start, end in found)
    assert [start for start, _ in found[:-1]] == [k * stride for k in range(len(found) - 1)]
    assert found[-1][1] == length


@given(length=lengths, crop=lengths, data=st.data())
def test_windows_cover_everything_if_stride_fits(length: int, crop: int, data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, crop))
    covered = {i for start, end in intervals(length, crop, stride) for i in range(start, end)}
    assert covered == set(range(length))


def test_cityscapes_has_three_windows() -> None:
    expected = [(0, 1024, x, x + 1024) for x in (0, 512, 1024)]
    assert window_boxes((1024, 2048), (1024, 1024), (512, 512)) == expected


def test_rows_are_outer() -> None:
    assert window_boxes((3, 4), (2, 3), (1, 1)) == [(0, 2, 0, 3), (0, 2, 1, 4), (1, 3, 0, 3), (1, 3, 1, 4)]


@given(height=st.integers(1, 12), width=st.integers(1, 12), crop=st.integers(1, 14), data=st.data())
def test_merging_cut_windows_restores_the_image(
    height: int, width: int, crop: int, data: st.DataObject
) -> None:
    stride = data.draw(st.integers(1, crop))
    image = torch.arange(2.0 * 3 * height * width).view(2, 3, height, width)
    boxes = window_boxes((height, width), (crop, crop), (stride, stride))
    stacked = cut_windows(image, boxes)
    assert torch.equal(stacked[: len(image)], cut_windows(image, boxes[:1]))  # window-major
    merged = merge_windows(stacked.split(len(image)), boxes, (height, width))
    torch.testing.assert_close(merged, image)


def test_overlaps_are_averaged() -> None:
    windows = [torch.full((1, 1, 1, 2), 1.0), torch.full((1, 1, 1, 2), 3.0)]
    merged = merge_windows(windows, [(0, 1, 0, 2), (0, 1, 1, 3)], (1, 3))
    assert merged.flatten().tolist() == [1.0, 2.0, 3.0]
