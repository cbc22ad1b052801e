"""Labels of any source: their classes, names of classes, and rows without labels."""
