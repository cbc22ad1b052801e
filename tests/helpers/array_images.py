"""Images in memory."""


class ArrayImages:
    """They are read like those of a split."""

    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def batch(self, indices):
        return self.images[indices]

    contents_are_noted = False

    def contents(self, rows):
        return f"images {rows}"
