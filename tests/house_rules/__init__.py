"""The house rules for words and names that no ready-made linter knows: `python -m tests.house_rules`."""
