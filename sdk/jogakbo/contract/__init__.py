"""The contract between shell, fragment servers and services: pure data, no input or output."""
