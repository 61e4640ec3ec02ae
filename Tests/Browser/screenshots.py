"""Makes a picture of each page, light and dark, wide and narrow, into a folder."""

import pathlib
import sys

from browser import Browser
from stage import Stage, callback, pages

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
stage = Stage(failing=2)
try:
    for number in range(30):
        stage.post(callback("DOCUMENT_SIGNED", f"lease-{number % 7}", at=f"2026-06-30T20:{number:02}:01.038Z"))
    browser = Browser(stage.url)
    try:
        for width in (1280, 390):
            for scheme in ("light", "dark"):
                browser.size(width)
                browser.scheme(scheme)
                for name, path in pages(stage).items():
                    browser.open(path)
                    browser.screenshot(folder / f"{name}-{scheme}-{'wide' if width > 600 else 'narrow'}.png")
    finally:
        browser.end()
finally:
    stage.end()
print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")
