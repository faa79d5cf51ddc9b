"""Recogniser of secrets: keys and tokens by their issuers' forms, passwords by what is said."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trustlayer.exchange import Span
from trustlayer.privacy.recognised import Recognised

# Forms that the issuers document, each beginning so that nothing else does.
_ISSUED = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    + "|".join(
        [
            r"(?:AKIA|ASIA|AGPA|AIDA|AROA|ABIA|ACCA)[A-Z0-9]{16}",  # AWS
            r"gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_\w{20,255}",  # GitHub
            r"gl(?:pat|dt|ptt|rt|agent|oas|soat|ft|imt|cbt)-[\w-]{16,255}",  # GitLab
            r"xox[abeoprs]-[A-Za-z0-9-]{10,255}|xapp-[A-Za-z0-9-]{10,255}",  # Slack
            r"https://hooks\.slack\.com/services/[\w/]{20,100}",
            r"sk-[A-Za-z0-9][\w-]{18,255}",  # OpenAI, Anthropic and others
            r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,255}|whsec_[\w+/=]{16,255}",  # Stripe
            r"AIza[\w-]{35}|ya29\.[\w-]{20,1000}|GOCSPX-[\w-]{20,100}",  # Google
            r"hf_[A-Za-z0-9]{20,100}|npm_[A-Za-z0-9]{30,100}|pypi-[\w-]{50,1000}",
            r"SG\.[\w-]{16,100}\.[\w-]{16,100}",  # SendGrid
            r"(?:SK|AC)[0-9a-f]{32}",  # Twilio
            r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|do[opr]_v1_[0-9a-f]{64}|dapi[0-9a-f]{32}",
            r"key-[0-9a-f]{32}|[0-9]{8,10}:AA[\w-]{33}",  # Mailgun, Telegram
            r"gsk_[A-Za-z0-9]{20,100}|xai-[A-Za-z0-9]{20,200}|r8_[A-Za-z0-9]{30,60}",
            r"AGE-SECRET-KEY-1[0-9A-Z]{58}|hv[sb]\.[\w-]{20,300}|dckr_pat_[\w-]{20,100}",
            r"eyJ[\w-]{8,4000}\.eyJ[\w-]{8,4000}\.[\w-]{0,4000}",  # JSON Web Tokens
        ]
    )
    + ")"
)
_BLOCK = re.compile(
    r"-----BEGIN ([A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?)-----"
    r"(?:[\s\S]{0,20000}?-----END \1-----|[\s\S]{0,20000})"
)
_NAME = (
    r"(?:pass(?:word|wd|phrase|code)|pwd|secret(?:[_ -]?(?:access[_ -]?)?key)?|"
    r"api[_ -]?(?:key|secret|token)|access[_ -]?(?:key|token)|auth[_ -]?(?:key|token)|"
    r"client[_ -]?secret|private[_ -]?key|account[_ -]?key|credentials?|token|bearer)"
)
_ASSIGNED = re.compile(
    rf"(?<![^\W_]){_NAME}[\"']?\s{{0,3}}(?::=|=>|[:=])\s{{0,3}}"
    r"[\"'`]?((?:Bearer |Basic )?[^\s\"'`,;<>]{6,2000})",
    re.IGNORECASE,
)
# Where words stand between, what follows is a secret only if it does not look like a word.
_TOLD = re.compile(
    rf"(?<![^\W_]){_NAME}\s{{1,3}}(?:(?:is|was|are)\s{{1,3}}(?:now\s)?)?"
    r"[\"'`]?((?=[^\s]{0,199}[\d!@#$%^&*_+=])[^\s\"'`,;<>]{6,200})",
    re.IGNORECASE,
)
_USER = re.compile(r"(?<=://)[^\s/@:]{0,200}:([^\s/@]{1,200})(?=@)")
_STOPS = ".?)]}"


def secrets(text: str) -> Iterator[Recognised]:
    """API keys, tokens, private keys, and what is called a password where it is told."""
    for form, group in ((_ISSUED, 0), (_BLOCK, 0), (_ASSIGNED, 1), (_TOLD, 1), (_USER, 1)):
        for match in form.finditer(text):
            start, end = match.span(group)
            length = len(match[group].rstrip(_STOPS)) or end - start
            yield Recognised("secret", Span(start, start + length))
