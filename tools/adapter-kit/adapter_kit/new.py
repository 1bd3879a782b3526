"""new: the command muengsten-adapter-new, which writes a new adapter from the templates beside this module.

In a template, @WORD@ stands for a value, and the lines from %%source or %%destination to %%end are for adapters with
that role only; those from %%taker for a destination that is no source.
"""

import argparse
import pathlib
import re
import sys

TEMPLATES = pathlib.Path(__file__).resolve().parent.parent / "templates"
# The gateway's own adapters: another of the same name would never be found, or take the place of one.
OWN = ("rest", "folder", "mailbox", "sftp", "amqp", "mqtt", "smtp")
ROLES = {"source": (("source",), '"bring"', "MG_CAN_BRING", "SOURCE"),
         "destination": (("destination", "taker"), '"take"', "MG_CAN_TAKE", "DESTINATION"),
         "both": (("source", "destination"), '"bring", "take"', "MG_CAN_BRING | MG_CAN_TAKE", "BOTH")}


class Refused(Exception):
    """Nothing was written: why."""


def files(language, name):
    """What the language's templates become: (template, file)."""
    return {"c": [("c/adapter.c.in", f"{name}.c"), ("c/makefile.in", "Makefile")],
            "python": [("python/adapter.py.in", f"{name}.py"), ("python/makefile.in", "Makefile")],
            "java": [("java/Adapter.java.in", f"{class_name(name)}.java"), ("java/makefile.in", "Makefile")],
            }[language] + [("readme.md.in", "README.md")]


def class_name(name):
    return "".join(word.capitalize() for word in name.split("-"))


def filled(template, roles, values):
    """The text of a template for an adapter with these roles."""
    lines, kept = [], True
    for line in template.splitlines(keepends=True):
        if line.startswith("%%"):
            kept = line.strip() == "%%end" or line.strip()[2:] in roles
        elif kept:
            lines.append(line)
    return re.sub(r"@([A-Z]+)@", lambda found: values[found[1]], "".join(lines))


def write(folder, name, language, role):
    roles, abilities, flags, use = ROLES[role]
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > 40:
        raise Refused(f"{name!r} is no name for an adapter: use up to 40 small letters, digits and hyphens, "
                      "a letter first")
    if name in OWN:
        raise Refused(f"{name} is an adapter that comes with the gateway: choose another name")
    try:
        folder.mkdir()
    except FileExistsError as error:
        raise Refused(f"{folder} exists already, and nothing is overwritten") from error
    except OSError as error:
        raise Refused(f"{folder} cannot be made: {error.strerror}") from error
    pairs = files(language, name)
    values = {"NAME": name, "IDENTIFIER": name.replace("-", "_"), "CLASS": class_name(name), "ABILITIES": abilities,
              "FLAGS": flags, "USE": role, "CONSTANT": use, "FOLDER": str(folder.resolve()), "YOURS": pairs[0][1]}
    for template, file in pairs:
        text = filled((TEMPLATES / template).read_text(encoding="utf-8"), roles, values)
        (folder / file).write_text(text, encoding="utf-8")
    return [file for _, file in pairs]


def options(words):
    parser = argparse.ArgumentParser(prog="muengsten-adapter-new", allow_abbrev=False,
                                     description="Writes a new adapter, complete and working, into a new folder.")
    parser.add_argument("name", metavar="NAME", help='the name that will stand in adapter="…"')
    parser.add_argument("--lang", choices=("c", "python", "java"), required=True, help="the language to write it in")
    role = parser.add_mutually_exclusive_group()
    for word, what in (("source", "it brings messages in"), ("destination", "it takes messages out (the default)"),
                       ("both", "it does both")):
        role.add_argument(f"--{word}", dest="role", action="store_const", const=word, help=what)
    return parser.parse_args(words)


def main(words):
    chosen = options(words)
    folder = pathlib.Path(chosen.name)
    try:
        written = write(folder, chosen.name, chosen.lang, chosen.role or "destination")
    except (Refused, OSError) as error:
        print(f"muengsten-adapter-new: {error}", file=sys.stderr)
        return 2
    print(f"{folder}/ has {', '.join(written)}. Next: cd {folder} && make && make test")
    return 0
