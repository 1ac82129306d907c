"""Random streams are keyed by what they are for."""

from sgd_valleys.randomness import Stage, stream


def test_a_stream_is_known_by_what_it_is_for():
    def first(*key):
        return stream(*key).random()

    assert first(1, Stage.MINIBATCHES, 0.1, 10, 0) == first(1, Stage.MINIBATCHES, 0.10, 10, 0)
    different = [
        first(1, Stage.MINIBATCHES, 0.1, 10, 0),
        first(2, Stage.MINIBATCHES, 0.1, 10, 0),
        first(1, Stage.MINIBATCHES, 0.2, 10, 0),
        first(1, Stage.MINIBATCHES, 0.1, 20, 0),
        first(1, Stage.MINIBATCHES, 0.1, 10, 1),
        first(1, Stage.INITIALIZATION),
    ]
    assert len(set(different)) == len(different)
