"""The pytest side: lines become items, items outcomes, outcomes one verdict."""
