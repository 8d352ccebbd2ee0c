"""What GitHub really answered: recorded exchanges of others, fetched when they are needed, and the stand-in asked the same."""
