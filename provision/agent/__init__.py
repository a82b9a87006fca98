"""What travels to a host: standard library only, Python 3.8 and newer.

The controller imports the declarations of this package to build resources; the host receives the
package over the connection (see ``bootstrap.py``) and carries them out.
"""
