"""Images: built, pushed, and pinned by digest."""
