"""The paper's figures: each module has ``load(paths)`` and ``draw(data, settings, style)``, and needs no torch."""
