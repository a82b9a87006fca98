"""EC2 instances as hosts: files that say ``plugin: aws_ec2``, as for Ansible's ``amazon.aws``.

``source.read`` is the way in. The options and their meaning are those of the plugin in
``amazon.aws`` 10.1; the fields and filters are those of EC2's ``DescribeInstances``.
"""
