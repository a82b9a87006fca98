"""Modules that the play itself carries out."""

from __future__ import annotations

from provision.playbook.modules.module import Module, anything, flag, text, whole
from provision.playbook.parameters import ANY

CONTROL = {
    "assert": Module(
        {
            "that": anything(required=True),
            "fail_msg": text("msg"),
            "success_msg": text(),
            "quiet": flag(),
        }
    ),
    "debug": Module({"msg": anything(), "var": text(), "verbosity": whole()}),
    "fail": Module({"msg": text()}),
    "reboot": Module(
        {
            "msg": text(),
            "reboot_timeout": whole(),
            "pre_reboot_delay": whole(),
            "post_reboot_delay": whole(),
            "test_command": text(),
            "reboot_command": text(),
        }
    ),
    "set_fact": Module({ANY: anything(), "cacheable": flag()}),
}
