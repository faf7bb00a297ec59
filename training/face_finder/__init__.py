"""Training of the face finder: made pictures, the network, its export and its evaluation."""
