"""The panels of the dashboards: their queries, by the name of each line, and the unit that Grafana shows them in."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class DashboardPanel(NamedTuple):
    """A panel: its title, the unit under Grafana's name for it, and queries by the legend of their lines."""

    title: str
    unit: str
    queries: Mapping[str, str]
    description: str = ""


class DashboardContent(NamedTuple):
    """A dashboard: its title, the time that it shows at first, and its panels, two in a row."""

    title: str
    since: str
    panels: Sequence[DashboardPanel]


def quantile_of(share: float, histogram: str, by: str = "le", matchers: str = "") -> str:
    """Return the query for a quantile of a histogram over the interval of the panel."""
    return f"histogram_quantile({share}, sum by ({by}) (rate({histogram}_bucket{matchers}[$__rate_interval])))"


STEP = "argo_workflows_pr_sentinel"
SCORE = '{route="/score"}'

SERVICE = DashboardContent(
    "PR Sentinel: service",
    "now-6h",
    [
        DashboardPanel(
            "Requests",
            "reqps",
            {"{{route}}": "sum by (route) (rate(pr_sentinel_requests_total[$__rate_interval]))"},
        ),
        DashboardPanel(
            "Share of failed requests",
            "percentunit",
            {
                "of 5 minutes": "pr_sentinel:request_errors:ratio5m",
                "of an hour": "pr_sentinel:request_errors:ratio1h",
                "objective": "vector(0.001)",
            },
            "Requests for scores and deliveries; the budget is that of the alert PRSentinelErrorBudgetBurn.",
        ),
        DashboardPanel(
            "Time of a request for a score",
            "s",
            {
                f"{share:.0%}": quantile_of(share, "pr_sentinel_request_seconds", matchers=SCORE)
                for share in (0.5, 0.9, 0.99)
            },
        ),
        DashboardPanel(
            "Pods with a valid model",
            "short",
            {"pods": "sum(pr_sentinel_ready)"},
        ),
        DashboardPanel(
            "Deliveries",
            "reqps",
            {"{{outcome}}": "sum by (outcome) (rate(pr_sentinel_deliveries_total[$__rate_interval]))"},
        ),
        DashboardPanel(
            "Age of the oldest delivery that waits",
            "s",
            {"age": "time() - min(pr_sentinel_oldest_delivery_timestamp_seconds > 0)"},
            "No line: none waits.",
        ),
        DashboardPanel("Deliveries that wait", "short", {"deliveries": "max(pr_sentinel_deliveries_waiting)"}),
        DashboardPanel(
            "Predictions that are not written yet, and dropped",
            "short",
            {
                "waiting": "sum(pr_sentinel_predictions_waiting)",
                "dropped in an hour": 'sum(increase(pr_sentinel_predictions_total{outcome="dropped"}[1h]))',
            },
        ),
    ],
)

MODEL = DashboardContent(
    "PR Sentinel: model",
    "now-7d",
    [
        DashboardPanel(
            "Scores",
            "short",
            {f"{share:.0%}": quantile_of(share, "pr_sentinel_score") for share in (0.5, 0.9, 0.99)},
        ),
        DashboardPanel(
            "Share flagged in a day, and the alert budget",
            "percentunit",
            {
                "flagged": "pr_sentinel:webhook_flagged:ratio1d",
                "budget": "max(pr_sentinel_alert_budget)",
            },
            "Pull requests from webhooks.",
        ),
        DashboardPanel(
            "Source of the history",
            "short",
            {"{{history}}": "sum by (history) (increase(pr_sentinel_scored_total[1h]))"},
            "`all` or `none`: the repository's own history was not found.",
        ),
        DashboardPanel(
            "Votes in a week", "short", {"{{vote}}": "sum by (vote) (increase(pr_sentinel_votes_total[7d]))"}
        ),
        DashboardPanel(
            "Pods by model version", "short", {"{{version}}": "count by (version) (pr_sentinel_model_info)"}
        ),
        DashboardPanel(
            "Age of the newest pull request that the served model has learned from",
            "s",
            {"{{version}}": "time() - max by (version) (pr_sentinel_model_data_timestamp_seconds)"},
        ),
        DashboardPanel(
            "Drift",
            "short",
            {
                "repositories compared": f"max(last_over_time({STEP}_compared_repositories[1d]))",
                "repositories drifted": f"max(last_over_time({STEP}_drifted_repositories[1d]))",
            },
            "None compared does not prove that nothing has drifted. The report names what has moved.",
        ),
        DashboardPanel(
            "Time since drift could be judged",
            "s",
            {"age": f"time() - max(last_over_time({STEP}_drift_checked_timestamp_seconds[7d]))"},
        ),
    ],
)

PIPELINE = DashboardContent(
    "PR Sentinel: pipeline",
    "now-14d",
    [
        DashboardPanel(
            "Time since a run succeeded",
            "s",
            {"age": f"time() - max(last_over_time({STEP}_run_succeeded_timestamp_seconds[7d]))"},
        ),
        DashboardPanel(
            "Mean duration of a step in a day",
            "s",
            {
                "{{step}}": f"sum by (step) (increase({STEP}_step_seconds_sum[1d])) "
                f"/ sum by (step) (increase({STEP}_step_seconds_count[1d]))"
            },
        ),
        DashboardPanel(
            "Steps that failed in a day",
            "short",
            {"{{step}}": f'sum by (step) (increase({STEP}_step_seconds_count{{status!="Succeeded"}}[1d]))'},
        ),
        DashboardPanel(
            "Pull requests in a day",
            "short",
            {
                "new": f"sum(increase({STEP}_pull_requests_fetched[1d]))",
                "changed": f"sum(increase({STEP}_pull_requests_updated[1d]))",
                "quarantined": f"sum(increase({STEP}_pull_requests_quarantined[1d]))",
            },
        ),
        DashboardPanel("Rows of the dataset", "short", {"rows": f"max(last_over_time({STEP}_dataset_rows[1d]))"}),
        DashboardPanel(
            "Share of documents that can't be pull requests",
            "percentunit",
            {"share": f"max(last_over_time({STEP}_rejected_share[1d]))"},
        ),
        DashboardPanel(
            "Average precision of the latest training",
            "short",
            {"average precision": f"max(last_over_time({STEP}_average_precision[1d]))"},
        ),
        DashboardPanel(
            "Decisions of the gate in a week",
            "short",
            {"{{decision}}": f"sum by (decision) (increase({STEP}_decisions[7d]))"},
        ),
    ],
)

RELEASE = DashboardContent(
    "PR Sentinel: release",
    "now-24h",
    [
        DashboardPanel("Rollouts by phase", "short", {"{{name}}: {{phase}}": "max by (name, phase) (rollout_info)"}),
        DashboardPanel(
            "Replicas",
            "short",
            {
                "{{name}}": "max by (name) (rollout_info_replicas_available)",
                "{{name}}, desired": "max by (name) (rollout_info_replicas_desired)",
            },
        ),
        DashboardPanel(
            "Requests by revision",
            "reqps",
            {
                "{{rollouts_pod_template_hash}}": "sum by (rollouts_pod_template_hash) "
                "(rate(pr_sentinel_requests_total[$__rate_interval]))"
            },
        ),
        DashboardPanel(
            "Server errors by revision",
            "reqps",
            {
                "{{rollouts_pod_template_hash}}": "sum by (rollouts_pod_template_hash) "
                '(rate(pr_sentinel_requests_total{status=~"5.."}[$__rate_interval]))'
            },
        ),
        DashboardPanel(
            "Time of a request for a score by revision, 99 %",
            "s",
            {
                "{{rollouts_pod_template_hash}}": quantile_of(
                    0.99, "pr_sentinel_request_seconds", "le, rollouts_pod_template_hash", SCORE
                )
            },
        ),
        DashboardPanel(
            "Median score by revision",
            "short",
            {"{{rollouts_pod_template_hash}}": quantile_of(0.5, "pr_sentinel_score", "le, rollouts_pod_template_hash")},
        ),
    ],
)

DASHBOARDS: Mapping[str, DashboardContent] = {
    "service": SERVICE,
    "model": MODEL,
    "pipeline": PIPELINE,
    "release": RELEASE,
}
"""By the names of their files."""
