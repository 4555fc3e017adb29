"""Commands by Telegram: the messages of listed people, carried out through the public API."""
