"""Real SSH hosts as containers on this machine: for demos, tests, and trying a playbook.

Nothing here is on a path that production uses. ``provision.lab.lab.Lab`` is what others use.
"""
