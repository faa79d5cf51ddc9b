r"""Mathematics as models write it, in plain text: `\boxed{\frac{1}{2}}` is 1/2."""

from __future__ import annotations

import re

_DEEP = 8  # levels of braces that are looked into
_BOX = re.compile(r"\\f?box(?:ed)?\s*\{")
_FRACTION = re.compile(r"\\[dtc]?frac\s*(?:\{([^{}]*)\}\s*\{([^{}]*)\}|(\d)(\d))")
_ROOT = re.compile(r"\\sqrt\s*\{([^{}]*)\}")
_WRAPPED = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox|operatorname)\s*\{([^{}]*)\}")
_POWER_OF_TEN = re.compile(r"\s*(?:\\times|\\cdot|[×*x])\s*10\s*\^\s*\{?\s*([-−]?\d{1,3})\s*\}?")  # noqa: RUF001
_SPACES = re.compile(r"\\[,;:! ]|~|\\q?quad")
_DELIMITERS = re.compile(r"\\[()\[\]]|\\(?:left|right)(?![a-z])|\$\$")
_INLINE = re.compile(r"\$(?=\S)([^$\n]{1,200}?)(?<=[^\s\\])\$(?!\d)")
_ESCAPED = re.compile(r"\\([%$#&_{}])")
_THOUSANDS = re.compile(r"(?<=\d)(?:\{,\}|\\,|\\!)(?=\d{3})")
_DEGREES = re.compile(r"\^\s*\{?\s*\\circ\s*\}?")
_EMPHASIS = re.compile(r"\*\*|__|`")


def plain(text: str) -> str:
    """Return *text* without its mark-up; only what is in the last box, if there is one."""
    text = _THOUSANDS.sub(",", _EMPHASIS.sub("", _boxed(text)))
    if "\\" in text or "$" in text:
        text = _INLINE.sub(r" \1 ", text)
        text = _DEGREES.sub("°", _DELIMITERS.sub(" ", text))
        text = _unwrapped(text)
        text = _ESCAPED.sub(r"\1", _SPACES.sub(" ", text))
    return _POWER_OF_TEN.sub(r"e\1", text).strip()


def _boxed(text: str) -> str:
    """What the last box holds, to its own closing brace."""
    *_, last = [None, *_BOX.finditer(text)]
    if last is None:
        return text
    depth = 1
    for position in range(last.end(), len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return text[last.end() : position]
    return text[last.end() :]


def _unwrapped(text: str) -> str:
    for _ in range(_DEEP):
        before = text
        text = _FRACTION.sub(_fraction, _WRAPPED.sub(r" \1 ", _ROOT.sub(r"sqrt(\1)", text)))
        if text == before:
            break
    return text


def _fraction(match: re.Match[str]) -> str:
    top, bottom = (match[1], match[2]) if match[1] is not None else (match[3], match[4])
    return f" {top.strip()}/{bottom.strip()}"
