"""How often drift is reported where nothing was changed, and how soon where something was."""
