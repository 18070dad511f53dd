"""mailproof: proves that a fleet of mail hosts and domains is set up as its policy says."""

__version__ = "0.1.0"
