"""Rules and alerts for Prometheus, and the PrometheusRule that clusters with the Prometheus Operator get."""
