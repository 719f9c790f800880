"""The composition server of Jogakbo."""

__version__ = "0.1.0"
