"""Where the inventories that tests read lie."""

from pathlib import Path

FIXTURES = Path(__file__).parents[2] / "fixtures" / "inventory"
VAULT_PASSWORD_FILE = FIXTURES / "vault-password"
