"""Nodes for ComfyUI: a picture in the style of a painting, of a bundled style or of a card."""

from __future__ import annotations

from typing import Any

import torch

import gesso

STYLE, CATEGORY = "GESSO_STYLE", "gesso"


class BundledStyle:
    """One of the drawn styles that come with gesso."""

    RETURN_TYPES, FUNCTION, CATEGORY = (STYLE,), "found", CATEGORY

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"name": (sorted(gesso.list_styles()),)}}

    def found(self, name: str) -> tuple[list[Any]]:
        return ([gesso.list_styles()[name]],)


class PaintedStyle:
    """The style of pictures; several of a batch are mixed."""

    RETURN_TYPES, FUNCTION, CATEGORY = (STYLE,), "found", CATEGORY

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"paintings": ("IMAGE",)}}

    def found(self, paintings: torch.Tensor) -> tuple[list[Any]]:
        return ([_picture(one) for one in paintings],)


class CardStyle:
    """The style that a card of `gesso adapt` keeps."""

    RETURN_TYPES, FUNCTION, CATEGORY = (STYLE,), "found", CATEGORY

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"file": ("STRING", {"default": "style.safetensors"})}}

    def found(self, file: str) -> tuple[list[Any]]:
        return ([gesso.StyleCard.load(file)],)


class Stylize:
    """Pictures in a style, by any method; `auto` is that of the card, or the default."""

    RETURN_TYPES, FUNCTION, CATEGORY = ("IMAGE",), "painted", CATEGORY

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "images": ("IMAGE",),
                "style": (STYLE,),
                "method": (["auto", *gesso.list_methods()], {"default": "auto"}),
                "strength": ("FLOAT", {"default": 1.0, "min": 0.0, "max": 1.0, "step": 0.05}),
            },
        }

    def painted(
        self, images: torch.Tensor, style: list[Any], method: str, strength: float
    ) -> tuple[torch.Tensor]:
        how: dict[str, Any] = {"method": None if method == "auto" else method}
        how["controls"] = gesso.Controls(strength=strength)
        pictures = [gesso.stylize(_picture(image), style, **how) for image in images]
        rows = [torch.tensor(picture).float() / 255 for picture in pictures]
        return (torch.stack(rows),)


def _picture(image: torch.Tensor) -> torch.Tensor:
    """ComfyUI's (H, W, C) as gesso's (3, H, W), both in [0, 1]."""
    return image[..., :3].permute(2, 0, 1).float().cpu().clamp(0, 1).contiguous()


NODE_CLASS_MAPPINGS = {
    "GessoBundledStyle": BundledStyle,
    "GessoPaintedStyle": PaintedStyle,
    "GessoCardStyle": CardStyle,
    "GessoStylize": Stylize,
}
NODE_DISPLAY_NAME_MAPPINGS = {
    "GessoBundledStyle": "Bundled style (gesso)",
    "GessoPaintedStyle": "Style of paintings (gesso)",
    "GessoCardStyle": "Style of a card (gesso)",
    "GessoStylize": "Stylize (gesso)",
}
