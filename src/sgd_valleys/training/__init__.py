"""Stochastic gradient descent on stacks of replicas, and what is recorded of it."""
