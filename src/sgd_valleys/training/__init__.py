"""Stochastic gradient descent on stacks of replicas, and its recording."""
