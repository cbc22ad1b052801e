"""Proxies beyond the linear one: entries of a catalogue, and an experiment."""

EXPERIMENT = """
experiment: proxies
datasets: [digits]
backbones: [tiny]
proxies: [views, images, refreshed]
schedules: [small]
strategies: [margin]
rounds: 3
seeds: 1
baseline: margin
"""
CATALOGUE = {
    "proxies": """
views:
  implementation: shallow
  options: {hidden: 16, trainer: few, augmentation: once}
images:
  implementation: finetune
  options: {trainer: fresh, start: warm}
refreshed:
  implementation: blend
  options: {trainer: fresh, refresh_every: 1}
""",
    "trainers": """
few:
  implementation: flexmatch
  training: {steps: 20, batch_size: 8, unlabeled_ratio: 2, warmup_steps: 0, head: fresh}
fresh:
  implementation: supervised
  training: {steps: 4, batch_size: 8, warmup_steps: 0, head: fresh}
""",
    "augmentations": """
once:
  weak: {}
  strong: {operations: 1, cutout: 0.3}
  draws: 1
""",
}
NAMES_CATALOGUE = {
    "backbones": """
clip:
  implementation: open-clip-model
  options:
    model: ViT-S-32-alt
    checkpoint: clip.pt
    input_size: 32
    mean: [0.5, 0.5, 0.5]
    std: [0.5, 0.5, 0.5]
    interpolation: bicubic
    resize_mode: shortest
""",
    "proxies": """
pulled:
  implementation: linear
  options: {start: zero-shot, penalty: 1.0e+6}
""",
    "trainers": """
named:
  implementation: supervised
  training: {steps: 1, batch_size: 4, warmup_steps: 0, learning_rate: 1.0e-9, head: zero-shot}
""",
}
