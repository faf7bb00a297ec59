"""The eyelid network: how far each eye is open, from a picture of it."""
