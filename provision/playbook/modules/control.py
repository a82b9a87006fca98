"""Modules that steer the play; they touch no host."""

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
    "set_fact": Module({ANY: anything(), "cacheable": flag()}),
}
