"""Images: what they need, how they are built, and what their names stand for."""
