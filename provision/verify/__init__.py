"""Checks of running hosts: testinfra suites over the connections that are open already."""
