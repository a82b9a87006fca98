"""Which NVIDIA driver a machine gets: decided from a description, without touching a host.

``machine`` says what is known of a machine, ``resolver`` decides, ``decision`` is what was decided.
The rules' data, with their sources, lie in ``data/``.
"""
