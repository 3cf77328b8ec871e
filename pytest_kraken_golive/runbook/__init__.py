"""The document: a runbook in Markdown, read into lines. Nothing here knows about pytest."""
