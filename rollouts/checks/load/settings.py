"""The settings of the load test, from environment variables with the prefix `LOAD_`."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class LoadSettings(BaseSettings):
    """The settings of `make load`."""

    model_config = SettingsConfigDict(env_prefix="LOAD_", env_ignore_empty=True, frozen=True, extra="ignore")

    users: int = Field(10, ge=1, le=200, description="concurrent users; each sends one request after the other")
    rate: float = Field(100, gt=0, le=10_000, description="requests per second that all users together aim at")
    seconds: int = Field(30, ge=1, le=600, description="duration of the test")
    patience: float = Field(10, gt=0, le=60, description="seconds until a request counts as failed")
    p95_ms: float = Field(
        100, gt=0, allow_inf_nan=False, description="limit of the 95th percentile of correct responses"
    )
    p99_ms: float = Field(250, gt=0, allow_inf_nan=False, description="limit of the 99th percentile")
    failure_share: float = Field(0.001, ge=0, lt=1, description="largest share of failed requests")
    throughput: float = Field(60, gt=0, allow_inf_nan=False, description="fewest correct responses per second")
    model_digest: str | None = Field(
        None, description="digest of the model that must respond; default: that of `/model`"
    )
    pull_requests: Path | None = Field(
        None, description="JSON lines, also `.gz`, to send instead of synthetic pull requests"
    )
