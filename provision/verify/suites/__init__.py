"""What every host must be, one file a subject; see docs/verify.md for how to write your own."""
