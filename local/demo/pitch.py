"""The pictures: one frame drawn from above at ten pixels a metre.

The picture is exactly the pitch, so a normalised label coordinate times the picture's size is the pixel it means, and
whoever stands off the pitch is cut by the edge. The same frame gives the same bytes. Left out: labels and uploads.
"""

import functools
import io
import multiprocessing
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

from PIL import Image, ImageDraw

from local.demo.match import PICTURE, PITCH_M, PIXELS_PER_M, Frame

COLOURS = {
    "grass": (58, 125, 68),
    "mown": (66, 138, 77),
    "line": (226, 236, 226),
    "ball": (255, 255, 255),
    "dark": (20, 24, 28),
    "home": (200, 36, 48),
    "away": (36, 84, 190),
    "goalkeeper": (240, 140, 30),
    "referee": (245, 220, 60),
}
INK = {name: index for index, name in enumerate(COLOURS)}

PERSON_RADIUS_PX = 9
BALL_RADIUS_PX = 4
LINE_PX = 2
FRAMES_PER_TASK = 32


def draw(frame: Frame) -> Image.Image:
    """Draw one frame as a palette picture of `PICTURE` pixels.

    Players wear their team's colour, goalkeepers orange with a rim in their team's, referees yellow; the ball is white
    with a dark rim and lies on top.
    """
    picture = _empty_pitch().copy()
    pen = ImageDraw.Draw(picture)
    for person in frame.people:
        fill = person.team if person.role == "player" and person.team else person.role
        rim = person.team if person.role == "goalkeeper" and person.team else "dark"
        _disc(pen, (person.x, person.y), PERSON_RADIUS_PX, fill, rim)
    if frame.ball:
        _disc(pen, frame.ball, BALL_RADIUS_PX + LINE_PX, "ball", "dark")
    return picture


def draw_png(frame: Frame) -> bytes:
    """Draw one frame as a PNG of four bits a pixel."""
    png = io.BytesIO()
    draw(frame).save(png, "PNG", bits=4, compress_level=6)
    return png.getvalue()


def iter_pngs(frames: Iterable[Frame], workers: int = 2) -> Iterator[tuple[Frame, bytes]]:
    """Draw frames in several processes; pictures come in the order of the frames."""
    # The caller runs threads (server, uploads), and a fork would copy their locks in whatever state they are.
    spawn = multiprocessing.get_context("spawn")
    drawn = list(frames)
    # Ctrl-C reaches every process of the terminal; the caller alone answers it, and drops what is not yet drawn.
    pool = ProcessPoolExecutor(workers, spawn, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN))
    try:
        yield from zip(drawn, pool.map(draw_png, drawn, chunksize=FRAMES_PER_TASK), strict=True)
    finally:
        pool.shutdown(cancel_futures=True)


def _disc(pen: ImageDraw.ImageDraw, at: tuple[float, float], radius_px: int, fill: str, rim: str) -> None:
    x, y = round(at[0] * PICTURE[0]), round(at[1] * PICTURE[1])
    pen.ellipse((x - radius_px, y - radius_px, x + radius_px, y + radius_px), INK[fill], INK[rim], LINE_PX)


@functools.cache
def _empty_pitch() -> Image.Image:
    """The pitch without anyone on it: mown stripes and every line of the laws of the game, both halves alike."""
    picture = Image.new("P", PICTURE, INK["grass"])
    picture.putpalette([channel for colour in COLOURS.values() for channel in colour])
    pen = ImageDraw.Draw(picture)
    stripe = PICTURE[0] / 20
    for start in range(1, 20, 2):
        pen.rectangle((start * stripe, 0, (start + 1) * stripe - 1, PICTURE[1]), INK["mown"])
    _half(pen, goal_line=0.0, inward=1)
    _half(pen, goal_line=PITCH_M[0], inward=-1)
    _box(pen, (0, 0), PITCH_M)
    _box(pen, (0, 0), (PITCH_M[0] / 2, PITCH_M[1]))
    _circle(pen, (PITCH_M[0] / 2, PITCH_M[1] / 2), 9.15)
    _spot(pen, (PITCH_M[0] / 2, PITCH_M[1] / 2))
    return picture


def _half(pen: ImageDraw.ImageDraw, goal_line: float, inward: int) -> None:
    """Penalty area 16.5 x 40.32 m, goal area 5.5 x 18.32 m, spot at 11 m with its arc, corners of 1 m, goal of 7.32."""
    middle = PITCH_M[1] / 2
    spot = (goal_line + inward * 11, middle)
    # 53.05 degrees to each side of the pitch's axis is where a circle of 9.15 m leaves an area that ends 5.5 m off.
    facing = 0 if inward > 0 else 180
    _circle(pen, spot, 9.15, (facing - 53, facing + 53))
    _spot(pen, spot)
    for depth, width in ((16.5, 40.32), (5.5, 18.32)):
        near, far = sorted((goal_line, goal_line + inward * depth))
        _box(pen, (near, middle - width / 2), (far, middle + width / 2))
    for side in (0.0, PITCH_M[1]):
        _circle(pen, (goal_line, side), 1)
    x = goal_line * PIXELS_PER_M
    pen.rectangle((x - 5, (middle - 3.66) * PIXELS_PER_M, x + 5, (middle + 3.66) * PIXELS_PER_M), INK["line"])


def _box(pen: ImageDraw.ImageDraw, top_left: tuple[float, float], bottom_right: tuple[float, float]) -> None:
    """A rectangle given by two corners in metres; its outermost pixel stays inside the picture."""
    left, top = (round(metres * PIXELS_PER_M) for metres in top_left)
    right, bottom = (round(metres * PIXELS_PER_M) - 1 for metres in bottom_right)
    pen.rectangle((left, top, right, bottom), outline=INK["line"], width=LINE_PX)


def _circle(
    pen: ImageDraw.ImageDraw, centre: tuple[float, float], radius: float, degrees: tuple[float, float] = (0, 360)
) -> None:
    x, y, r = (metres * PIXELS_PER_M for metres in (*centre, radius))
    pen.arc((x - r, y - r, x + r, y + r), *degrees, fill=INK["line"], width=LINE_PX)


def _spot(pen: ImageDraw.ImageDraw, centre: tuple[float, float]) -> None:
    x, y = (metres * PIXELS_PER_M for metres in centre)
    pen.ellipse((x - 3, y - 3, x + 3, y + 3), INK["line"])
