"""What a host can say of itself by reading files: no program is run, all of it takes milliseconds.

Keys and values are those of Ansible's ``setup`` module, so that playbooks find what they know;
what Ansible has no word for is called ``provision_…``.
"""
