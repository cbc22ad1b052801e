"""Random changes of images, weak and strong."""
