"""Other systems on the same images and threads as ours, each in an environment of its own."""
