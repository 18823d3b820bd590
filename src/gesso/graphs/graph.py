"""An ONNX graph that is being written: operators, weights, inputs and outputs by their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gesso.errors import GessoError
from gesso.images.arrays import as_numpy

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

Name = str
"""Of a value in the graph."""

Shape = Sequence[int | str | None]
"""Sides that vary are names."""

OPSET, IR_VERSION = 20, 10
FLOAT, HALF, INT64 = 1, 10, 7  # of TensorProto


class Graph:
    """Operators in the order they run; every value is float32 but for what convolutions with
    `half` weights compute.

    Attributes:
        half: large weights are float16, and convolutions compute in it.
        inputs, outputs: name → shape; all are float32.
        weights: name → array.
    """

    def __init__(self, half: bool = False) -> None:
        self.half = half
        self.inputs: dict[Name, Shape] = {}
        self.outputs: dict[Name, Shape] = {}
        self.weights: dict[Name, NDArray[Any]] = {}
        self._nodes: list[NodeProto] = []
        self._constants: dict[tuple[str, bytes, tuple[int, ...]], Name] = {}

    def input(self, name: Name, shape: Shape) -> Name:
        """A value that whoever runs the graph gives."""
        self.inputs[name] = shape
        return name

    def output(self, value: Name, name: Name, shape: Shape) -> None:
        """A value that the graph gives, under a name of its own."""
        from onnx import helper

        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs[name] = shape

    def op(self, kind: str, *values: Any, **attributes: Any) -> Name:
        """The value of an operator; arguments that are no names are numbers, "" is none."""
        return self.ops(kind, 1, *values, **attributes)[0]

    def ops(self, kind: str, count: int, *values: Any, **attributes: Any) -> list[Name]:
        """The values of an operator that has so many."""
        from onnx import helper

        names = [value if isinstance(value, str) else self.constant(value) for value in values]
        made = [f"{kind.lower()}_{len(self._nodes)}_{i}" for i in range(count)]
        self._nodes.append(helper.make_node(kind, names, made, **attributes))
        return made

    def constant(self, value: Any) -> Name:
        """Numbers: whole ones are int64, others float32. Equal ones are there once."""
        array = np.asarray(value)
        array = array.astype(np.int64 if array.dtype.kind == "i" else np.float32)
        key = (array.dtype.str, array.tobytes(), array.shape)
        if key not in self._constants:
            self._constants[key] = name = f"constant_{len(self._constants)}"
            self.weights[name] = array
        return self._constants[key]

    def weight(self, name: Name, value: Any, narrow: bool = False) -> Name:
        """Trained numbers under their name, in float32; with `narrow`, and in a graph of half the
        precision, in float16."""
        kind = np.float16 if narrow and self.half else np.float32
        self.weights[name] = as_numpy(name, value).astype(kind)
        return name

    def narrow(self, value: Name) -> Name:
        """The value as convolutions take it."""
        return self.op("Cast", value, to=HALF) if self.half else value

    def wide(self, value: Name) -> Name:
        """The value in float32."""
        return self.op("Cast", value, to=FLOAT) if self.half else value

    def model(
        self, facts: Mapping[str, str], outside: Callable[[Name], bool] = lambda name: False
    ) -> ModelProto:
        """The whole as a model with these facts in its metadata. Of weights for which `outside` is
        true it says where they would lie, and holds none of their numbers."""
        from onnx import checker, helper, numpy_helper

        stored = [
            _outside(name, array) if outside(name) else numpy_helper.from_array(array, name)
            for name, array in self.weights.items()
        ]
        inputs, outputs = (
            [helper.make_tensor_value_info(n, FLOAT, shape) for n, shape in side.items()]
            for side in (self.inputs, self.outputs)
        )
        graph = helper.make_graph(self._nodes, "gesso", inputs, outputs, stored)
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
        model.producer_name = "gesso"
        helper.set_model_props(model, dict(facts))
        if not any(outside(name) for name in self.weights):
            checker.check_model(model, full_check=True)
        return model


def _outside(name: Name, array: NDArray[Any]) -> Any:
    from onnx import TensorProto, helper

    kind = helper.np_dtype_to_tensor_dtype(array.dtype)
    tensor = TensorProto(name=name, data_type=kind, dims=array.shape)
    tensor.data_location = TensorProto.EXTERNAL
    for key, text in (("location", "weights"), ("offset", "0"), ("length", str(array.nbytes))):
        tensor.external_data.add(key=key, value=text)
    return tensor


class NotWritten(GessoError):
    """A network for which nobody wrote down how it is exported."""


def check_installed() -> None:
    """Raises GessoError where the package that writing needs is not installed."""
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise GessoError("export: needs onnx; pip install 'gesso[export]' brings it") from error
