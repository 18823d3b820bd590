"""The page's graphs: those of the package, whose numbers lie in the weights' files, and one of its
own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from frames import frames_graph
from onnx import TensorProto, helper

from gesso import assets
from gesso.disk.header import read_layout
from gesso.runtime.looks import AnyStyle


def write_graph(site: Path, part: str, model: onnx.ModelProto, method: str) -> dict[str, Any]:
    """A graph that finds its numbers where they lie in the weights' files; what it needs."""
    encoder = {f"compact.{n}": place for n, place in entries(site, "compact").items()}
    places = encoder | entries(site, method)
    casts, tensors, files = [], [], set()
    for tensor in model.graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL:
            file, dtype, offset, length = places[tensor.name]
            tensor, cast = located(tensor, file, dtype, offset, length)
            casts += cast
            files.add(file)
        tensors.append(tensor)
    nodes = [*casts, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(tensors)
    model.graph.node.extend(nodes)
    return write_model(site, part, model) | {"weights": sorted(files)}


def write_model(site: Path, part: str, model: onnx.ModelProto) -> dict[str, Any]:
    """A graph's file, and where it is."""
    path = site / "graphs" / f"{part}.onnx"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(model.SerializeToString(deterministic=True))
    return {"graph": f"graphs/{path.name}"}


def entries(site: Path, name: str) -> dict[str, tuple[str, str, int, int]]:
    """Where the numbers of a weights' file lie, which is copied to the site: file, type, place and
    length in bytes."""
    source, target = assets.weights(name), site / "weights" / f"{name}.safetensors"
    target.parent.mkdir(exist_ok=True)
    shutil.copy(source, target)
    with source.open("rb") as file:
        layout = read_layout(source, file)
    begin = len(layout.head)
    return {
        n: (target.name, e.dtype, begin + e.begin, e.end - e.begin)
        for n, e in layout.entries.items()
    }


def located(
    tensor: TensorProto, file: str, dtype: str, offset: int, length: int
) -> tuple[TensorProto, list[Any]]:
    """A tensor whose numbers lie there, and the operator that widens them to float32."""
    half = dtype == "F16"
    name = f"{tensor.name}.half" if half else tensor.name
    kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    made = TensorProto(name=name, data_type=kind, dims=tensor.dims)
    made.data_location = TensorProto.EXTERNAL
    for key, text in (("location", file), ("offset", offset), ("length", length)):
        made.external_data.add(key=key, value=str(text))
    widened = helper.make_node("Cast", [name], [tensor.name], to=TensorProto.FLOAT)
    return made, [widened] if half else []


def write_frames(
    site: Path, name: str, method: AnyStyle, network: onnx.ModelProto, kernels: dict[str, list[int]]
) -> dict[str, Any]:
    """The graph of the camera's frames, which holds its few numbers itself."""
    own = [one.name for one in network.graph.initializer if one.name.startswith("shared.")]
    shapes = method.about["network"]
    numbers = {n: v.reshape(shapes[n]) for n, v in method.weights.of(own).items()}
    order = {i.name: kernels[i.name] for i in network.graph.input if i.name in kernels}
    model = frames_graph({n: np.float32(v) for n, v in numbers.items()}, order)
    return write_model(site, f"{name}.frames", model) | {"weights": []}


def only_hidden(model: onnx.ModelProto) -> None:
    """Leaves of the hypernetwork what makes the hidden vector: kernels are made of it by the page,
    after mixing."""
    graph = model.graph
    sliced = {n.input[0] for n in graph.node if n.op_type == "Slice"}
    (hidden,) = [o for n in graph.node if n.op_type == "Relu" for o in n.output if o in sliced]
    wanted, kept = {hidden}, []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            kept.insert(0, node)
            wanted |= set(node.input)
    tensors = [t for t in graph.initializer if t.name in wanted]
    del graph.node[:], graph.initializer[:], graph.output[:]
    graph.node.extend([*kept, helper.make_node("Identity", [hidden], ["hidden"])])
    graph.initializer.extend(tensors)
    graph.output.append(helper.make_tensor_value_info("hidden", TensorProto.FLOAT, None))
