"""The reference stack: a real game of generals, a real buffer and a real learner, in small.

It keeps the contract that `provision` expects of every image: settings from the environment, JSON
logs on stdout, Prometheus metrics, ``grpc.health.v1``, and a graceful end on SIGTERM.
"""
