"""What methods have in common whose one network, with its configuration, `gesso train` wrote."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from torch import Tensor

from gesso.methods.base import Encoders, Method
from gesso.methods.inputs import load_exactly


class Trained(Method):
    """A method with one `network`, which its `config` builds. A subclass names the class of that
    configuration, with `build` and `from_header`, in `made_of`."""

    made_of: ClassVar[Any]
    config: Any
    network: Any

    def __init__(self, encoder: Encoders, config: Any, base: str = "") -> None:
        super().__init__(encoder, base)
        self.config = config
        self.network = config.build()

    @classmethod
    def from_weights(
        cls, encoder: Encoders, tensors: dict[str, Tensor], header: dict[str, Any], source: str
    ) -> Self:
        """The method with weights that `gesso train` wrote for it."""
        config = cls.made_of.from_header(header.get("config", {}))
        method = cls(encoder, config, str(header["sha256"]))
        load_exactly(method.network, tensors, source)
        return method
