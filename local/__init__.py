"""PR Sentinel on one machine: the command line, the workflow engine, embedded services, reports and backtests."""
