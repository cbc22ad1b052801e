"""Where a figure has text."""

from typing import Any


def text_boxes(axes: Any) -> list[tuple[str, Any]]:
    """What a panel's texts say, with their extent."""
    return [(text.get_text(), text.get_window_extent()) for text in drawn_texts(axes)]


def drawn_texts(axes: Any) -> list[Any]:
    """Title, axis labels and tick labels of a panel that have any text."""
    texts = [axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label, *axes.texts]
    for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        if axis.get_visible():
            low, high = sorted((low, high))
            texts += [
                tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high
            ]
    return [text for text in texts if text.get_text()]
