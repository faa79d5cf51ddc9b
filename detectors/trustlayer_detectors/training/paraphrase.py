"""Says a sentence in other words that mean the same, so that it stays supported.

The counterpart of `edits` and `wording`: a model that sees words replaced only where the result
is unsupported learns that any new word is an error. Edited summaries hold harmless rewording
as often as errors (SummEdits, arXiv 2305.14540).
"""

from __future__ import annotations

import random
import re
from functools import lru_cache

# What of a line, between bars, can stand for each other in nearly any place; of "a>b" only b for a.
# No shorter word that has other meanings too ("to", "as", "made") is replaced.
_SAME = """
to purchase|to buy
purchased|bought
assist>help
assisted|helped
assists>helps
begin>start
began|started
begins>starts
demonstrate>show
demonstrated>showed
demonstrates>shows
utilize>use
utilized>used
utilizes|uses
obtain>get
obtained>got
require>need
requires>needs
selected|chosen
permits>allows
permitted|allowed
attempt to>try to
attempted to>tried to
attempts to>tries to
receive>get
inform>tell
informed|told
respond>reply
responded|replied
discover>find
discovered>found
construct>build
constructed|built
reside>live
resides>lives
resided>lived
manufacture>produce|make
manufactured>produced|made
discuss>talk about
discussed|talked about
discusses|talks about
ensure|make sure
ensures|makes sure
depart>leave
departed>left
requested>asked for
examine>look into
examined>looked into
create>make
created>made
creates|makes
hazardous|dangerous
large|big
larger|bigger
largest|biggest
rapid>fast
rapidly|quickly
sufficient|enough
numerous>many
entire|whole
additional>further|more
difficult>hard
simple>easy
crucial|vital|essential
primary>main
annual|yearly
incorrect>wrong
ill>sick
wealthy>rich
famous|well-known
frequently|often
nearly|almost
primarily|mainly
currently|at present
approximately>about|roughly|around
roughly>about
immediately>at once
subsequently>afterwards|later
previously>earlier
additionally>in addition|also
Additionally,>Also,|In addition,
therefore|thus
Therefore,>So,|Thus,
However,>But|Still,|Nevertheless,
although|though
because>since|as
Because>Since|As
in order to>to
due to|because of|owing to
prior to>before
such as>like
as well as>and
in case of|in the event of
a number of|several
with regard to|regarding|concerning
children|kids
physician>doctor
physicians>doctors
automobile>car
automobiles>cars
film|movie
films|movies
attorney|lawyer
attorneys|lawyers
journey|trip
error|mistake
errors|mistakes
residence>home
beginning>start
section>part
sections>parts
advantages|benefits
staff|employees
the United States>the US|America
the US>the United States
the United Kingdom>the UK|Britain
the UK>the United Kingdom
per cent|percent
television|TV
photograph|photo
photographs|photos
did not|didn't
does not|doesn't
do not|don't
is not|isn't
are not|aren't
was not|wasn't
were not|weren't
has not|hasn't
have not|haven't
would not|wouldn't
could not|couldn't
should not|shouldn't
will not|won't
cannot|can't
two>2
three>3
four>4
five>5
six>6
seven>7
eight>8
nine>9
ten>10
"""
_TAIL = re.compile(r", (?:which|who|where)\b[^,.;]{8,90}(?=[.]?$)")


@lru_cache
def _others() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in _SAME.strip().splitlines():
        left, to, right = line.partition(">")
        for word in left.split("|"):
            others = (right if to else left).split("|")
            found[word] = tuple(other for other in others if other != word)
    return found


@lru_cache
def _known() -> re.Pattern[str]:
    words = sorted(_others(), key=len, reverse=True)
    # Not within numbers, dates, names or hyphenated words.
    inside = "|".join(map(re.escape, words))
    return re.compile(rf"(?<![\w.,$€£:/'-])(?:{inside})(?![\w%:/'-]|[.,]\d)")


def reworded(text: str, random: random.Random, most: int = 3) -> str | None:
    """Put words of the same meaning in the place of one to *most*; None where none is known."""
    found = list(_known().finditer(text))
    if not found:
        return None
    picked = random.sample(found, min(len(found), random.randint(1, most)))
    for match in sorted(picked, key=lambda each: -each.start()):
        new = random.choice(_others()[match.group()])
        text = text[: match.start()] + new + text[match.end() :]
    return text


def shortened(text: str) -> str | None:
    """Leave out a relative clause at the end: what is left is still said by the evidence."""
    found = _TAIL.sub("", text)
    return found if found != text else None
