"""The migrations of the audit store; `trustlayer db upgrade` runs them."""
