"""Guardrails' convention for the packages of validators: the same as `trustlayer_guardrails`."""

from trustlayer_guardrails import Certain, Grounded, Harmless, NonToxic, Trusted, aguard, guard

__all__ = ["Certain", "Grounded", "Harmless", "NonToxic", "Trusted", "aguard", "guard"]
