"""Promotion, rollback and status: how a release moves between staging and production."""
