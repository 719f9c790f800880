"""The café's back office, broken on purpose."""
