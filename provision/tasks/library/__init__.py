"""The shipped tasks, one noun a file."""
