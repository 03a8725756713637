"""The house rules for words, names and sizes that no ready-made linter knows: `python -m tests.house_rules`."""
