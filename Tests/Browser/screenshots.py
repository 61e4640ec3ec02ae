"""Makes a picture of each page, light and dark, wide and narrow, into a folder."""

import pathlib
import sys

from browser import Browser
from stage import PendingStage, Stage, callback, pages

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)


def photograph(stage, paths):
    browser = Browser(stage.url)
    try:
        for width in (1280, 390):
            for scheme in ("light", "dark"):
                browser.size(width)
                browser.scheme(scheme)
                for name, path in paths.items():
                    browser.open(path)
                    browser.screenshot(folder / f"{name}-{scheme}-{'wide' if width > 600 else 'narrow'}.png")
    finally:
        browser.end()


stage = Stage(failing=2)
try:
    for number in range(30):
        stage.post(callback("DOCUMENT_SIGNED", f"lease-{number % 7}", at=f"2026-06-30T20:{number:02}:01.038Z"))
    photograph(stage, pages(stage))
finally:
    stage.end()
stage = PendingStage(failing=0)
try:
    photograph(stage, stage.pages())
finally:
    stage.end()
print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")
