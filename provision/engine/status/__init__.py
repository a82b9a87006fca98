"""What runs where, and how the training goes."""
