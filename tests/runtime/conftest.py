"""Pictures with and without torch are compared in float32."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def _float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the processor multiplies bfloat16 torch would round more than is compared here."""
    for probe in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, probe, lambda: False)
