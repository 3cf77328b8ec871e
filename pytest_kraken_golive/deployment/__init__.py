"""What is taken live: configuration with locations, secrets, licence and logs, as nouns that checks read."""
