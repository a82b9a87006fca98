"""Provision: from a list of machines to a running, verified reinforcement-learning cluster."""

__version__ = "0.1.0"
