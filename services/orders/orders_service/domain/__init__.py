"""What an order is and what may happen to it. Knows no database, no bus and no HTTP."""
