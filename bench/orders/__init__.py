"""What the back office costs and how fast it is, measured from outside."""
