"""The contract of preprocess: from the documents of repositories to one dataset."""

from typing import Annotated

from hera.workflows import Parameter, script
from hera.workflows.io import Output

from steps.common.contract import StepInput


class PreprocessInput(StepInput):
    """Repositories, Spark's master URL, and the maximum shares of unusable documents and missing repositories."""

    repositories: Annotated[list[str], Parameter(name="repositories")]
    spark_master: Annotated[str, Parameter(name="spark_master")] = "local[*]"
    most_rejected: Annotated[float, Parameter(name="most_rejected")] = 0.05
    most_missing: Annotated[float, Parameter(name="most_missing")] = 0.2


class PreprocessOutput(Output):
    """The dataset's URI and hash; `trainable` is false if it has too few pull requests.

    `missing` are the repositories that could not be brought up to date; what was known of them is in the dataset.
    """

    dataset_uri: Annotated[str, Parameter(name="dataset_uri")]
    data_hash: Annotated[str, Parameter(name="data_hash")]
    rows: Annotated[int, Parameter(name="rows")]
    rejected_share: Annotated[float, Parameter(name="rejected_share")]
    trainable: Annotated[bool, Parameter(name="trainable")]
    missing: Annotated[list[str], Parameter(name="missing")]


@script(constructor="runner")
def preprocess(given: PreprocessInput) -> PreprocessOutput:
    """Build the dataset."""
    from steps.common.step_frame import run_step
    from steps.preprocess.pipeline import build_dataset

    with run_step("preprocess"):
        return PreprocessOutput(**build_dataset(**given.model_dump()))
