"""The figures: each module has ``load(paths)`` and ``draw(data, settings, style)``, and does not import torch."""
