"""Photographs with machine-made landmarks: reading them, fitting the face model to them, turning them out of plane."""
