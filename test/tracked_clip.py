"""What the tests of the tracker see."""

#: Of the demo's clip: the head begins to turn to its left.
FRAMES = tuple(range(0, 60, 4))
