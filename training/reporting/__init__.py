"""The page of results, section by section; ``training.report`` puts it together."""
