"""The settings of the load test, each from the environment as `LOAD_` and its name: what is sent, what must hold."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class LoadSettings(BaseSettings):
    """What `make load` goes by."""

    model_config = SettingsConfigDict(env_prefix="LOAD_", env_ignore_empty=True, frozen=True, extra="ignore")

    users: int = Field(10, ge=1, le=200, description="who send at the same time, each one request after the other")
    rate: float = Field(100, gt=0, le=10_000, description="requests a second of all users, if no answer took any time")
    seconds: int = Field(30, ge=1, le=600, description="how long")
    patience: float = Field(10, gt=0, le=60, description="seconds that a user waits for an answer")
    p95_ms: float = Field(100, gt=0, allow_inf_nan=False, description="within which 95 % of the right answers come")
    p99_ms: float = Field(250, gt=0, allow_inf_nan=False, description="within which 99 % of them come")
    failure_share: float = Field(0.001, ge=0, lt=1, description="of the requests that may have no answer or an error")
    throughput: float = Field(60, gt=0, allow_inf_nan=False, description="right answers a second, at least")
    model_digest: str | None = Field(None, description="of the model that must answer; without, that of /model")
    pull_requests: Path | None = Field(None, description="JSON lines, also as .gz, to send instead of made-up ones")
