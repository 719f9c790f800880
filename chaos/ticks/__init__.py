"""The small world that is broken: a service that counts, and fragment servers that show the counts."""
