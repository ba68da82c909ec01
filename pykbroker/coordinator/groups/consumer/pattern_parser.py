"""The syntax of RE2 (https://github.com/google/re2/wiki/Syntax), as far as topics' names can tell.

Left out: classes of Unicode by name (\\pN, \\p{Greek}), as names of topics are ASCII. That an expression is refused is
said in the words of RE2/J, which Kafka passes on.
"""

from __future__ import annotations

from collections.abc import Callable
from string import ascii_letters, digits, hexdigits

from pykbroker.coordinator.groups.consumer.pattern_classes import (
    POSIX_CLASSES,
    SHORT_CLASSES,
    Takes,
    either,
    in_range,
    negated,
    one,
)
from pykbroker.coordinator.groups.consumer.pattern_graph import (
    Around,
    Part,
    State,
    any_of,
    asserting,
    in_turn,
    repeated,
    taking,
)

MAX_REPEAT = 1000
MAX_SIZE = 10_000  # states, about: repetitions of repetitions multiply
MAX_DEPTH = 100  # of groups in groups; Python's stack has an end

_ASSERTIONS: dict[str, Callable[[Around], bool]] = {
    "A": lambda around: around.before is None,
    "z": lambda around: around.after is None,
    "b": lambda around: around.is_word_boundary,
    "B": lambda around: not around.is_word_boundary,
}
_CONTROLS = {"a": "\a", "f": "\f", "t": "\t", "n": "\n", "r": "\r", "v": "\v"}
_PUNCTUATION = frozenset(map(chr, range(128))) - frozenset(ascii_letters + digits)


class BadPattern(ValueError):
    """Not a regular expression, or one that RE2 does not have."""


def parse(text: str) -> State:
    """The first state of the expression's graph. Raises BadPattern."""
    parser = _Parser(text)
    part, _ = parser.alternatives(0)
    if not parser.is_at_end:
        raise BadPattern("unexpected )")
    final = State()
    final.is_final = True
    return part(final)


class _Parser:
    """By recursive descent. Parts come with their size."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.flags: frozenset[str] = frozenset()

    @property
    def is_at_end(self) -> bool:
        return self.position >= len(self.text)

    def eat(self, expected: str) -> bool:
        found = self.text.startswith(expected, self.position)
        if found:
            self.position += len(expected)
        return found

    def next(self, otherwise: str) -> str:
        if self.is_at_end:
            raise BadPattern(otherwise)
        self.position += 1
        return self.text[self.position - 1]

    # --- structure

    def alternatives(self, depth: int) -> tuple[Part, int]:
        if depth > MAX_DEPTH:
            raise BadPattern("expression nests too deeply")
        flags = self.flags
        parts = [self.sequence(depth)]
        while self.eat("|"):
            parts.append(self.sequence(depth))
        self.flags = flags
        return any_of([part for part, _ in parts]), 1 + sum(size for _, size in parts)

    def sequence(self, depth: int) -> tuple[Part, int]:
        parts: list[Part] = []
        total = 0
        while not self.is_at_end and self.text[self.position] not in "|)":
            found = self.repeatable(depth)
            if found:
                found[-1] = self.repetitions(*found[-1])
            parts += (part for part, _ in found)
            total += sum(size for _, size in found)
        if total > MAX_SIZE:
            raise BadPattern("expression too large")
        return in_turn(parts), total

    def repetitions(self, part: Part, size: int) -> tuple[Part, int]:
        bounds = self.repetition()
        if bounds is None:
            return part, size
        least, most = bounds
        self.eat("?")  # lazy: all the same where all of a name must match
        if self.repetition() is not None:
            raise BadPattern("invalid nested repetition operator")
        size *= max(least + 1 if most is None else most, 1)
        if size > MAX_SIZE:
            raise BadPattern("invalid repeat count")
        return repeated(part, least, most), size + 1

    def repetition(self) -> tuple[int, int | None] | None:
        for operator, found in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self.eat(operator):
                return found
        start = self.position
        if not self.eat("{"):
            return None
        end = self.text.find("}", self.position)
        least, comma, most = self.text[self.position : end].partition(",")
        if end < 0 or not _is_number(least) or not (most == "" or _is_number(most)):
            self.position = start  # a brace like any character
            return None
        self.position = end + 1
        bounds: tuple[int, int | None] = int(least[:6]), int(most[:6]) if most else None if comma else int(least[:6])
        if bounds[0] > MAX_REPEAT or (bounds[1] is not None and not bounds[0] <= bounds[1] <= MAX_REPEAT):
            raise BadPattern("invalid repeat count")
        return bounds

    def repeatable(self, depth: int) -> list[tuple[Part, int]]:
        """What a repetition may follow; several where only the last is repeated, none for flags."""
        character = self.next("missing argument to repetition operator")
        if character == "(":
            return self.group(depth + 1)
        if character in "*+?":
            raise BadPattern("missing argument to repetition operator")
        if character == "[":
            return [(taking(self.folded(self.bracket_class())), 1)]
        if character == ".":
            return [(taking(_anything if "s" in self.flags else _not_newline), 1)]
        if character in "^$":
            return [(asserting(self.line_end(character)), 1)]
        if character == "\\":
            return self.escape()
        return [self.literal(character)]

    def line_end(self, character: str) -> Callable[[Around], bool]:
        is_start, by_line = character == "^", "m" in self.flags

        def holds(around: Around) -> bool:
            beside = around.before if is_start else around.after
            return beside is None or (by_line and beside == "\n")

        return holds

    def literal(self, character: str) -> tuple[Part, int]:
        return taking(self.folded(one(character))), 1

    def folded(self, takes: Takes) -> Takes:
        return (lambda c: takes(c.lower()) or takes(c.upper())) if "i" in self.flags else takes

    # --- groups

    def group(self, depth: int) -> list[tuple[Part, int]]:
        flags = self.flags
        if self.eat("?"):
            if self.eat("P<") or (not self.text.startswith(("<=", "<!"), self.position) and self.eat("<")):
                self.group_name()
            elif self.set_flags():
                return []  # they hold for the rest of the group around
        part = self.alternatives(depth)
        if not self.eat(")"):
            raise BadPattern("missing closing )")
        self.flags = flags
        return [part]

    def group_name(self) -> None:
        end = self.text.find(">", self.position)
        name = self.text[self.position : end]
        if end < 0 or name == "" or not set(name) <= {*ascii_letters, *digits, "_"}:
            raise BadPattern("invalid named capture")
        self.position = end + 1

    def set_flags(self) -> bool:
        """True for "(?i)", False for the head of a group, as in "(?i:"."""
        flags, is_on, seen = set(self.flags), True, ""
        while (character := self.next("invalid or unsupported Perl syntax")) not in ":)":
            if character == "-" and is_on:
                is_on = False
            elif character in "imsU":
                (flags.add if is_on else flags.discard)(character)
            else:
                raise BadPattern("invalid or unsupported Perl syntax")
            seen += character
        if seen.endswith("-") or (character == ")" and seen == ""):
            raise BadPattern("invalid or unsupported Perl syntax")
        self.flags = frozenset(flags)
        return character == ")"

    # --- escapes and classes

    def escape(self) -> list[tuple[Part, int]]:
        if self.is_at_end:
            raise BadPattern("trailing backslash at end of expression")
        character = self.text[self.position]
        if character in _ASSERTIONS:
            self.position += 1
            return [(asserting(_ASSERTIONS[character]), 1)]
        if character == "Q":
            return self.quoted()
        if character in SHORT_CLASSES:
            self.position += 1
            return [(taking(SHORT_CLASSES[character]), 1)]
        return [self.literal(self.escaped_character())]

    def quoted(self) -> list[tuple[Part, int]]:
        end = self.text.find("\\E", self.position)
        stop = len(self.text) if end < 0 else end
        found = [self.literal(character) for character in self.text[self.position + 1 : stop]]
        self.position = stop if end < 0 else end + 2
        return found

    def escaped_character(self) -> str:
        character = self.next("trailing backslash at end of expression")
        if character in _CONTROLS:
            return _CONTROLS[character]
        if character in _PUNCTUATION:
            return character
        if character == "x":
            return self.hexadecimal()
        following = self.text[self.position : self.position + 1]
        if character == "0" or (character in "1234567" and following in set("01234567")):
            while len(character) < 3 and self.text[self.position : self.position + 1] in set("01234567"):
                character += self.next("")
            return chr(int(character, 8))
        raise BadPattern("invalid escape sequence")

    def hexadecimal(self) -> str:
        if self.eat("{"):
            end = self.text.find("}", self.position)
            number = self.text[self.position : end] if end >= 0 else ""
            self.position = end + 1
        else:
            number = self.text[self.position : self.position + 2]
            self.position += 2
            number = number if len(number) == 2 else ""
        if number == "" or not set(number) <= set(hexdigits) or int(number, 16) > 0x10FFFF:
            raise BadPattern("invalid escape sequence")
        return chr(int(number, 16))

    def bracket_class(self) -> Takes:
        is_negated = self.eat("^")
        found: list[Takes] = []
        while not found or not self.eat("]"):  # a bracket that comes first is one of the class
            found.append(self.class_item())
        takes = either(found)
        return negated(takes) if is_negated else takes

    def class_item(self) -> Takes:
        if self.text.startswith("[:", self.position) and ":]" in self.text[self.position :]:
            end = self.text.index(":]", self.position)
            name, self.position = self.text[self.position + 2 : end], end + 2
            if name.removeprefix("^") not in POSIX_CLASSES:
                raise BadPattern("invalid character class range")
            takes = POSIX_CLASSES[name.removeprefix("^")]
            return negated(takes) if name.startswith("^") else takes
        if (
            self.text.startswith("\\", self.position)
            and self.text[self.position + 1 : self.position + 2] in SHORT_CLASSES
        ):
            self.position += 2
            return SHORT_CLASSES[self.text[self.position - 1]]
        first = self.class_character()
        if not self.text.startswith("-", self.position) or self.text.startswith("-]", self.position):
            return one(first)
        self.position += 1
        last = self.class_character()
        if last < first:
            raise BadPattern("invalid character class range")
        return in_range(first, last)

    def class_character(self) -> str:
        character = self.next("missing closing ]")
        return self.escaped_character() if character == "\\" else character


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _anything(_: str) -> bool:
    return True


def _not_newline(character: str) -> bool:
    return character != "\n"
