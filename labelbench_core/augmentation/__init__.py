"""Random changes of images and texts, weak and strong."""
