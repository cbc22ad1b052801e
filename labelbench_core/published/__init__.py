"""What LabelBench (Zhang et al., 2024) published: its settings, learning curves and selections.

`settings` says what the 26 published settings are, `curves` gives every curve, seed by seed, and
`selections` what was bought on CIFAR-10. The data come from the public result files of
https://github.com/EfficientTraining/LabelBench (MIT licence, see NOTICE in this folder);
`python -m workflow_scripts.make_published` makes both files again from a clone of it.
"""
