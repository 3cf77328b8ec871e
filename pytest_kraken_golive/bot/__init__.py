"""The reference bot: a real process that trades a small strategy and says truthfully how it went."""
