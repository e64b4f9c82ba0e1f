"""Prints figures, each with its target and whether it is met."""

from typing import NamedTuple


class Line(NamedTuple):
    """One figure. One without a target is there for comparison."""

    what: str
    figure: str
    target: str = ""
    is_met: bool | None = None


def compared(what: str, ours: float, baseline: float, most: float) -> Line:
    """The ratio of our cost to the baseline, which must be at most `most`."""
    times = ours / baseline
    return Line(what, f"{times:.2f}x", f"<= {most:.1f}x", times <= most)


def below(what: str, figure: float, most: float, unit: str) -> Line:
    """A figure that must be below `most`."""
    return Line(what, f"{figure:.1f} {unit}", f"< {most:g} {unit}", figure < most)


def show(title: str, lines: list[Line]) -> None:
    """Print one section."""
    print(f"\n{title}")
    for line in lines:
        verdict = {None: "", True: "met", False: "NOT MET"}[line.is_met]
        print(f"  {line.what:<58} {line.figure:>24}  {line.target:>12}  {verdict}".rstrip(), flush=True)
