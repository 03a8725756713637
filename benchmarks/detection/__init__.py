"""Detection measured on repositories of your choice, beside what a user would pick instead."""
