"""Folders of a user's own: what lies in them, and what of it is taken."""
