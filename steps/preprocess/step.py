"""The contract of preprocess: documents of some repositories to one dataset."""

from typing import Annotated

from hera.workflows import Parameter, script
from hera.workflows.io import Output

from steps.common.contract import StepInput


class PreprocessInput(StepInput):
    """Which repositories, and where Spark runs."""

    repositories: Annotated[list[str], Parameter(name="repositories")]
    spark_master: Annotated[str, Parameter(name="spark_master")] = "local[*]"
    most_rejected: Annotated[float, Parameter(name="most_rejected")] = 0.05


class PreprocessOutput(Output):
    """A reference to the dataset and its hash; `trainable` is false where there is too little to learn from."""

    dataset_uri: Annotated[str, Parameter(name="dataset_uri")]
    data_hash: Annotated[str, Parameter(name="data_hash")]
    rows: Annotated[int, Parameter(name="rows")]
    rejected_share: Annotated[float, Parameter(name="rejected_share")]
    trainable: Annotated[bool, Parameter(name="trainable")]


@script(constructor="runner")
def preprocess(given: PreprocessInput) -> PreprocessOutput:
    """Make the dataset."""
    from steps.common.step_frame import run_step
    from steps.preprocess.pipeline import build

    with run_step("preprocess"):
        return PreprocessOutput(**build(given.repositories, given.spark_master, given.most_rejected))
