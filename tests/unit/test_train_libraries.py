"""Training uses its own settings of Keras, whatever the home folder has for other uses."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LOAD = """
from steps.train.autoencoder import load_libraries
keras, tensorflow = load_libraries()
print(keras.config.backend(), keras.config.floatx(), keras.config.epsilon(), keras.config.image_data_format())
"""


@pytest.mark.parametrize(
    "content",
    [
        '{"backend": "theano", "floatx": "float16", "epsilon": 0.5}',
        pytest.param('{"floatx": "float8"}', marks=pytest.mark.slow),
    ],
)
def test_the_settings_of_another_keras_do_not_count(tmp_path: Path, content: str) -> None:
    """easybuilders/easybuild-easyconfigs#23163"""
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras/keras.json").write_text(content)
    environment = os.environ | {"HOME": str(tmp_path), "KERAS_BACKEND": "jax", "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run([sys.executable, "-c", LOAD], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "tensorflow float32 1e-07 channels_last\n", done.stderr
