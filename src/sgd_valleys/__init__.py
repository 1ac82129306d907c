"""How stochastic gradient descent escapes sharp valleys and freezes into flat ones."""
