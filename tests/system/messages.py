"""messages: the project's own small message family, and real XBeteiligung messages where they are there.

A message is made from a sample in schemas/samples by putting in other header facts. Its text is in
canonical form, so that a digest over it is the digest of its canonical form.
"""

import functools
import os
import pathlib
import re
import uuid as uuids

from signing import canonical

AGS = {"wuppertal": "05124000", "remscheid": "05120000", "solingen": "05122000"}
SERVICE = "urn:muengsten:message:service:1"
REGISTER = "urn:muengsten:message:register:1"

SOURCE = pathlib.Path(os.environ.get("srcdir") or pathlib.Path(__file__).parents[2]).resolve()


def shared():
    """The folder with published standards and real messages, or None."""
    places = [os.environ.get("MUENGSTEN_SHARED"), SOURCE / ".." / "shared"]
    for place in filter(None, places):
        if (pathlib.Path(place) / "standards").is_dir():
            return pathlib.Path(place).resolve()
    return None


class Message:
    """A message without signature."""

    def __init__(self, text, uuid, author, reader):
        self.text, self.uuid, self.author, self.reader = text, uuid, author, reader

    def without(self, element):
        """The text without the first such element."""
        return re.sub(rf"<([\w.-]+:)?{element}[ >].*?</([\w.-]+:)?{element}>", "", self.text, count=1,
                      flags=re.DOTALL)


@functools.lru_cache(maxsize=None)
def _template(path):
    return canonical(pathlib.Path(path).read_bytes())


def _element(name):
    """A pattern for an element: its start tag, content and end tag."""
    return re.compile(rf"(<(?:[\w-]+:)?{name}(?: [^>]*)?>)(.*?)(</(?:[\w-]+:)?{name}>)", re.DOTALL)


def _put(text, name, value, inside=None):
    """Replaces the content of the first such element; inside: only within that element."""
    if inside:
        return _element(inside).sub(lambda m: m[1] + _put(m[2], name, value) + m[3], text, count=1)
    changed, count = _element(name).subn(lambda m: m[1] + value + m[3], text, count=1)
    if not count:
        raise ValueError(f"the sample has no element {name}")
    return changed


def _address(text, inside, authority):
    """Writes an authority, in one piece or split."""
    prefix, key = authority.split(":", 1)
    part = _element(inside).search(text)[2]
    if "behoerdenkennung" not in part:
        return _put(text, "kennung", authority, inside=inside)

    def split(match):
        inner = match[2]
        inner = _element("praefix").sub(lambda m: m[1] + _put(m[2], "code", prefix) + m[3], inner, 1)
        inner = _element("kennung").sub(lambda m: m[1] + _put(m[2], "code", key) + m[3], inner, 1)
        return match[1] + inner + match[3]

    return _element(inside).sub(split, text, count=1)


def authority(city):
    """A city's authority; what is one already stays as it is."""
    return f"ags:{AGS[city]}" if city in AGS else city


def message(author="wuppertal", reader="remscheid", sample="service-0101", uuid=None, path=None):
    """A new message from an author to a reader, each a city or prefix:key."""
    text = _template(str(path or SOURCE / "schemas" / "samples" / f"{sample}.xml"))
    uuid = uuid or str(uuids.uuid4())
    author, reader = authority(author), authority(reader)
    text = _put(text, "nachrichtenUUID", uuid)
    text = _address(text, "leser", reader)
    text = _address(text, "autor", author)
    return Message(text, uuid, author, reader)


def xbeteiligung(author, reader, name="kommunal.Initiieren.0401"):
    """A real message with its authorities adapted; None where there are none."""
    folder = shared()
    path = folder and folder / "messages" / "xbeteiligung" / f"{name}.xml"
    return message(author, reader, path=path) if path and path.is_file() else None
