"""Puts a deployment's copy, an exchange and a bot together; breaks act here."""
