"""A small autoencoder that predicts each group of features from the other groups.

At least one group is hidden in every training example, as in masked autoencoders (He et al., 2022); at scoring each
group is hidden once and read off there. The bottleneck is narrow and bounded: wide ones learn to copy what is unusual.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from steps.common.dataset import Dataset
from steps.scoring.arrays import Floats
from steps.scoring.model import INPUT_LIMIT
from steps.scoring.scaling import Scales
from steps.train.data import BATCH_ROWS, SAMPLE_ROWS, batches

HIDDEN = 64
LATENT = 16
HIDDEN_SHARE = 0.2
BATCH = 256
LEARNING_RATE = 3e-3
MAX_EPOCHS = 40
PATIENCE_EPOCHS = 3
MIN_STEPS = 60
MAX_STEPS = 1_000
"""Batches between two looks at the validation loss; the rows go round without regard to them."""
OPSET = 17


@dataclass(frozen=True)
class TrainedNetwork:
    """The network as ONNX bytes, [rows, features] to [rows, features], and its losses by epoch."""

    onnx: bytes
    losses: list[float]
    validation_losses: list[float]


def train(
    dataset: Dataset, names: Sequence[str], groups: Sequence[str], scales: Scales, validation: Floats, seed: int
) -> TrainedNetwork:
    """Train on the split `train`, streamed; stop when the loss on scaled `validation` rows no longer falls.

    The same rows and seed give the same network.
    """
    keras, tf = load_libraries()
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    members = _members(groups)
    network = _network(members)
    steps = int(np.clip(dataset.manifest.splits["train"] // BATCH, MIN_STEPS, MAX_STEPS))
    # Keras looks after callbacks between executions: between batches this small, that took longer than they do.
    network.compile(keras.optimizers.Adam(LEARNING_RATE), loss=keras.losses.Huber(), steps_per_execution=steps)
    limited = np.clip(validation, -INPUT_LIMIT, INPUT_LIMIT).astype(np.float32)
    held_out = ((limited, _hide(limited, members, np.random.default_rng(seed))), limited)
    stop = keras.callbacks.EarlyStopping(patience=PATIENCE_EPOCHS, restore_best_weights=True)
    slow_down = keras.callbacks.ReduceLROnPlateau(factor=0.3, patience=1)
    fitted = network.fit(
        _dataset(tf, dataset, names, scales, members, seed),
        steps_per_epoch=steps,
        epochs=MAX_EPOCHS,
        validation_data=held_out,
        validation_batch_size=BATCH_ROWS,
        callbacks=[stop, slow_down],
        shuffle=False,  # the rows come shuffled
        verbose=0,
    )
    history = fitted.history
    return TrainedNetwork(_export(_all_groups(network, members)), history["loss"], history["val_loss"])


def load_libraries() -> tuple[Any, Any]:
    """Import Keras and TensorFlow; what the home folder has for other uses of Keras doesn't count."""
    with tempfile.TemporaryDirectory() as empty:
        os.environ |= {"KERAS_HOME": empty, "KERAS_BACKEND": "tensorflow"}
        import keras
        import tensorflow
    return keras, tensorflow


def _members(groups: Sequence[str]) -> Floats:
    """Return the membership of features in groups [groups, features], as 0 and 1."""
    names = list(dict.fromkeys(groups))
    return np.array([[float(group == name) for group in groups] for name in names])


def _network(members: Floats) -> Any:
    """Features and the mask of hidden groups in, all features out."""
    from keras import Input, Model, layers, ops

    groups, features = members.shape
    values, hidden = Input((features,)), Input((groups,))
    shown = values * (1.0 - ops.matmul(hidden, members.astype(np.float32)))
    layer = layers.Concatenate()([shown, hidden])
    for units in (HIDDEN, LATENT, HIDDEN):
        layer = layers.Dense(units, "tanh")(layer)
    return Model([values, hidden], layers.Dense(features)(layer))


def _all_groups(network: Any, members: Floats) -> Any:
    """One network that hides each group in turn and keeps what is predicted for it."""
    from keras import Input, Model, ops

    groups, features = members.shape
    values = Input((features,), name="features")
    each = values[:, None, :] + np.zeros((1, groups, 1), np.float32)
    masks = ops.zeros_like(each[:, :, :groups]) + np.eye(groups, dtype=np.float32)
    predicted = network([ops.reshape(each, (-1, features)), ops.reshape(masks, (-1, groups))])
    kept = ops.reshape(predicted, (-1, groups, features)) * members.astype(np.float32)
    whole = Model(values, ops.sum(kept, axis=1))
    whole(np.zeros((1, features), np.float32))  # Keras exports only what was called once
    return whole


def _dataset(tf: Any, dataset: Dataset, names: Sequence[str], scales: Scales, members: Floats, seed: int) -> Any:
    features, groups = len(names), len(members)
    row = tf.TensorSpec((None, features), tf.float32)
    signature = ((row, tf.TensorSpec((None, groups), tf.float32)), row)
    source = tf.data.Dataset.from_generator(
        lambda: examples(dataset, names, scales, members, np.random.default_rng(seed)), output_signature=signature
    )
    return source.prefetch(4)


def examples(
    dataset: Dataset, names: Sequence[str], scales: Scales, members: Floats, random: np.random.Generator
) -> Iterator[tuple[tuple[Any, Any], Any]]:
    """Yield endless batches: (rows [rows, features], hidden groups [rows, groups]) and the rows again.

    Other groups are hidden each time round. Rows that fit in memory are read and scaled once.
    """
    fits = dataset.manifest.splits["train"] <= SAMPLE_ROWS
    kept = [*_blocks(dataset, names, scales)] if fits else []
    while True:
        for block in kept or _blocks(dataset, names, scales):
            shuffled = block[random.permutation(len(block))]
            for start in range(0, len(shuffled), BATCH):
                part = shuffled[start : start + BATCH]
                yield (part, _hide(part, members, random)), part


def _blocks(dataset: Dataset, names: Sequence[str], scales: Scales) -> Iterator[Any]:
    """The split `train`, scaled and limited, in blocks [rows, features]."""
    for block in batches(dataset, "train", names):
        scaled = scales.apply(block.features, block.repositories)
        yield np.clip(scaled, -INPUT_LIMIT, INPUT_LIMIT).astype(np.float32)


def _hide(part: Any, members: Floats, random: np.random.Generator) -> Any:
    """Masks [rows, groups]: one group for certain, each other with a chance of a fifth."""
    mask = (random.random((len(part), len(members))) < HIDDEN_SHARE).astype(np.float32)
    mask[np.arange(len(part)), random.integers(0, len(members), len(part))] = 1.0
    return mask


def _export(network: Any) -> bytes:
    """The network as ONNX, from `features` to `reconstruction` [rows, features]; the same weights, the same bytes."""
    import onnx

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        network.export(str(path), format="onnx", opset_version=OPSET, verbose=False)
        model = onnx.load(path)
    _rename(model.graph)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _rename(graph: Any) -> None:
    """Number everything by its place: the names that Keras and tf2onnx give depend on what else a process has done."""
    graph.doc_string = ""
    names = {graph.input[0].name: "features", graph.output[0].name: "reconstruction"}
    for place, node in enumerate(graph.node):
        node.name = f"node_{place}"
        for part in (node.input, node.output):
            part[:] = [name and names.setdefault(name, f"value_{len(names)}") for name in part]
    constants = {names[constant.name]: constant for constant in graph.initializer if constant.name in names}
    for name, constant in constants.items():
        constant.name = name
    ordered = [constants[name] for name in names.values() if name in constants]
    del graph.initializer[:], graph.value_info[:]
    graph.initializer.extend(ordered)
    for end in (graph.input[0], graph.output[0]):
        end.name = names[end.name]
        end.type.tensor_type.shape.dim[0].dim_param = "rows"
