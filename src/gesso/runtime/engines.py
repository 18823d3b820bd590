"""What computes a graph: ONNX Runtime or OpenVINO, both behind `Engine`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from typing import Any, Protocol

from numpy.typing import NDArray

from gesso.environment import wants_float32
from gesso.errors import OptionError
from gesso.runtime.onnx_bytes import ends_of, facts_of, with_weights

Arrays = Mapping[str, NDArray[Any]]

DEFAULT = "onnxruntime"
THREADS = "OMP_NUM_THREADS"


class Engine(Protocol):
    """A graph, ready to run.

    Attributes:
        inputs: name → shape, with None or a name for sides that vary.
        outputs: names.
        facts: the file's metadata.
    """

    inputs: dict[str, tuple[Any, ...]]
    outputs: list[str]
    facts: dict[str, str]

    def run(self, given: Arrays, wanted: Sequence[str]) -> list[NDArray[Any]]:
        """The outputs wanted, in their order, of float32 inputs."""
        ...


class OnnxRuntime:
    """`Engine` of ONNX Runtime on the processor, in float32."""

    def __init__(self, model: bytes, weights: Arrays) -> None:
        ort = module_of("onnxruntime")
        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = threads()
        # Waiting threads take the time of others, and none here waits for less than a millisecond.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # It saves a fifth of adain's time on one picture, and costs meta_networks milliseconds.
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        self._weights = {n: ort.OrtValue.ortvalue_from_numpy(w) for n, w in weights.items()}
        if self._weights:
            options.add_external_initializers(list(self._weights), list(self._weights.values()))
        made = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._session = made
        self.inputs = {one.name: tuple(one.shape) for one in made.get_inputs()}
        self.outputs: list[str] = [one.name for one in made.get_outputs()]
        self.facts: dict[str, str] = made.get_modelmeta().custom_metadata_map

    def run(self, given: Arrays, wanted: Sequence[str]) -> list[NDArray[Any]]:
        """The outputs wanted."""
        found: list[NDArray[Any]] = self._session.run(list(wanted), dict(given))
        return found


class OpenVino:
    """`Engine` of OpenVINO on the processor: in bfloat16 where it multiplies that natively and
    float32 is not asked for."""

    def __init__(self, model: bytes, weights: Arrays) -> None:
        core = module_of("openvino").Core()
        self.facts = facts_of(model)
        native = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        fast = native and not wants_float32()
        how = {"INFERENCE_PRECISION_HINT": "bf16" if fast else "f32"}
        if threads():
            how["INFERENCE_NUM_THREADS"] = str(threads())
        read = core.read_model(with_weights(model, weights))
        self._compiled = core.compile_model(read, "CPU", how)
        self._request, self._lock = self._compiled.create_infer_request(), Lock()
        # A port has the names of all values that are the same.
        inputs, self.outputs = ends_of(model)
        self.inputs = {name: _shape(self._compiled.input(name)) for name in inputs}

    def run(self, given: Arrays, wanted: Sequence[str]) -> list[NDArray[Any]]:
        """The outputs wanted."""
        with self._lock:
            self._request.infer(dict(given))
            return [self._request.get_tensor(name).data.copy() for name in wanted]


ENGINES: dict[str, Callable[[bytes, Arrays], Engine]] = {
    "onnxruntime": OnnxRuntime,
    "openvino": OpenVino,
}
"""Modules' names → engines."""


def is_installed(name: str) -> bool:
    """Whether the module of an engine is installed."""
    return find_spec(name) is not None


def require(name: str) -> None:
    """Raises OptionError where the module of an engine is not installed."""
    if not is_installed(name):
        brings = "gesso" if name == DEFAULT else f"gesso[{name}]"
        raise OptionError("engine", f"{name} is not installed: pip install '{brings}'")


def module_of(name: str) -> Any:
    """The module of an engine. Raises OptionError where it is not installed."""
    require(name)
    reports = "openvino_telemetry"  # sends word of the import, unless it is not there
    kept = sys.modules.get(reports)
    sys.modules[reports] = None  # type: ignore[assignment]
    try:
        return import_module(name)
    finally:
        del sys.modules[reports]
        if kept is not None:
            sys.modules[reports] = kept


def threads() -> int:
    """How many are to compute; 0: as many as the engine likes."""
    return int(os.environ.get(THREADS) or 0)


def _shape(port: Any) -> tuple[Any, ...]:
    return tuple(None if side.is_dynamic else side.get_length() for side in port.partial_shape)
