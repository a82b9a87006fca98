"""Whole sessions on this machine: agents, plays, verifications; and ansible-core beside us."""
