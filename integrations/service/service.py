"""gesso by HTTP: POST a photo to /stylize?style=impasto and get a PNG; /styles lists the styles."""

from io import BytesIO
from threading import Lock

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool

import gesso
from gesso.images.apart import apart

MOST_BYTES, MOST_PX = 20 * 2**20, 2048
app, one_at_a_time = FastAPI(title="gesso"), Lock()


@app.get("/styles")
def styles() -> list[str]:
    return sorted(gesso.list_styles())


@app.post("/stylize")
async def stylize(request: Request, style: str, size: int = 512, method: str = "adain") -> Response:
    if style not in styles() or method not in gesso.list_methods() or not 16 <= size <= MOST_PX:
        raise HTTPException(422, f"a style of /styles, a method, a size from 16 to {MOST_PX} px")
    photo = bytearray()
    async for piece in request.stream():
        photo += piece
        if len(photo) > MOST_BYTES:
            raise HTTPException(413, f"allowed are {MOST_BYTES} bytes")
    picture = await run_in_threadpool(paint, bytes(photo), style, size, method)
    return Response(picture, media_type="image/png")


def paint(photo: bytes, style: str, size: int, method: str) -> bytes:
    try:
        with one_at_a_time, apart():  # a stranger's photo is decoded by a process of its own
            pixels = gesso.stylize(photo, gesso.list_styles()[style], size=size, method=method)
    except gesso.GessoError as error:
        raise HTTPException(422, str(error)) from error
    gesso.write_image(out := BytesIO(), pixels[..., :3], format="png")
    return out.getvalue()
