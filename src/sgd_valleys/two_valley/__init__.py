"""The two-valley model: a loss with a sharper and a flatter valley that separate along y, Secs. II E to G."""
