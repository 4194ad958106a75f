"""Small actions to try definitions with: every effect is a row of the ledger, once, undone once, or never at all."""
