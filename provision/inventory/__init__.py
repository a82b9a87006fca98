"""Hosts, groups and variables, read as Ansible reads them.

``Inventory.load`` is the way in.
"""
