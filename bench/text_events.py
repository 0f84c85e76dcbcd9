"""Seeded events of processes that start, as an endpoint tells them: image, command line, parent, user; about 330 bytes as JSON.

Few images are started often, and hardly a command line twice: paths, numbers and names in them differ. One event in a hundred
does what rules look for.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
SYSTEM = "C:\\Windows\\System32\\"
USUAL = (
    (SYSTEM + "svchost.exe", "-k {word} -p -s {word}{number}"),
    (SYSTEM + "conhost.exe", "0xffffffff -ForceV1"),
    (SYSTEM + "backgroundTaskHost.exe", "-ServerName:App.{word}{number}.mca"),
    (SYSTEM + "RuntimeBroker.exe", "-Embedding"),
    (SYSTEM + "taskhostw.exe", "{guid}"),
    (SYSTEM + "cmd.exe", '/c "cd /d C:\\Users\\{user}\\src\\{word} && {word} build --target {word}{number}"'),
    (SYSTEM + "WindowsPowerShell\\v1.0\\powershell.exe", "-NoLogo -File C:\\Scripts\\{word}\\{word}{number}.ps1 -Id {guid}"),
    (SYSTEM + "wbem\\WmiPrvSE.exe", "-secured -Embedding"),
    (SYSTEM + "SearchProtocolHost.exe", "Global\\UsGthrFltPipeMssGthrPipe{number}_ {number} 1 -{number} \"Software\\{word}\""),
    ("C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe", "--type=renderer --field-trial-handle={number},i,{number} "
     "--lang=en-US --renderer-client-id={number} --launch-time-ticks={number}{number} --shared-files --{word}={word}"),
    ("C:\\Program Files\\Git\\cmd\\git.exe", "-c {word}.{word}={number} status --porcelain -- src/{word}/{word}.py"),
    ("C:\\Program Files\\nodejs\\node.exe", "C:\\Users\\{user}\\src\\{word}\\node_modules\\{word}\\{word}.js --port {number}"),
    ("C:\\Program Files\\Python312\\python.exe", "-m {word}.{word} --input D:\\data\\{word}\\{number}.parquet --id {guid}"),
    ("C:\\Program Files\\Microsoft Office\\root\\Office16\\OUTLOOK.EXE", '/recycle "{word} {word} {number}.msg"'),
)  # fmt: skip
SYLLABLES = (
    "ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "zo", "ar", "en", "il", "or", "un", "sh", "th",
    "ck", "st", "nd", "rk", "lo", "mi", "qu",
)  # fmt: skip


def words(dice: random.Random, count: int) -> list[str]:
    """So many made-up words, all different."""
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(dice.choices(SYLLABLES, k=dice.randint(3, 5)))] = None
    return list(found)


class Vocabulary:
    """What rules look for and events say: the same for both, by seed.

    tools  names of programs      switches  of their command lines      marks  other tell-tale words
    """

    def __init__(self, seed: int) -> None:
        dice = random.Random(seed)
        some = words(dice, 4000)
        self.tools, self.switches, self.marks, self.usual = some[:600], some[600:1600], some[1600:3000], some[3000:]
        self.users = [f"{word}.{other}" for word, other in zip(some[:400], some[400:800])]


def events(count: int, seed: int = 7) -> Iterator[dict[str, Any]]:
    """So many events, a millisecond apart."""
    said, dice = Vocabulary(seed), random.Random(seed + 1)
    for n in range(count):
        user = dice.choice(said.users)
        image, line = dice.choices(USUAL, k=1)[0]
        parent = dice.choice(USUAL)[0]
        if dice.random() < 0.01:  # what rules look for
            image = f"C:\\Users\\{user}\\AppData\\Local\\Temp\\{dice.choice(said.tools)}.exe"
            line = f"-{dice.choice(said.switches)} {{word}} --{dice.choice(said.marks)}:{{number}} /{dice.choice(said.marks)}"
        line = _filled(line, dice, said.usual, user)
        yield {
            "ts": START_MS + n,
            "type": "process_start",
            "host": f"host{dice.randrange(500)}",
            "user": user,
            "pid": dice.randrange(65536),
            "image": image,
            "command_line": f'"{image}" {line}',
            "parent_image": parent,
            "integrity": dice.choice(("Medium", "High")),
        }


def _filled(line: str, dice: random.Random, usual: list[str], user: str) -> str:
    for name in ("{word}", "{number}", "{guid}", "{user}"):
        while name in line:
            line = line.replace(name, _value(name, dice, usual, user), 1)
    return line


def _value(name: str, dice: random.Random, usual: list[str], user: str) -> str:
    match name:
        case "{word}":
            return dice.choice(usual)
        case "{number}":
            return str(dice.randrange(100_000))
        case "{user}":
            return user
        case _:
            text = f"{dice.getrandbits(128):032x}"
            return "{" + "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:])) + "}"


def json_lines(count: int, seed: int = 7) -> list[bytes]:
    """The same as JSON lines, without their ends."""
    return [json.dumps(event).encode() for event in events(count, seed)]
