"""Texts encrypted at rest: AES-256-GCM, under keys that the database never sees.

A sealed text is the id of its key (8 bytes), a nonce (12 bytes), and the encrypted salt and
text, bound to the text's digest: moved to another row it does not open.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from trustlayer.errors import BrokenSeal, MissingExtra, MissingKey, StoreError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VARIABLE = "TRUSTLAYER_KEYS"  # keys, the one that seals first
FILE_VARIABLE = "TRUSTLAYER_KEYS_FILE"  # in the place of it, a file of them
OPTION = "trustlayer_keys"  # SQLAlchemy's execution option that carries them

_ID = 8
_NONCE = 12
_SALT = 16
_MADE = "make one: trustlayer audit keygen --encryption FILE"


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys of 32 bytes: the first seals, any opens. None at all leaves texts in the open."""

    keys: tuple[bytes, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        for key in self.keys:
            if len(key) != 32:
                raise ValueError(f"a key must have 32 bytes, got {len(key)}")

    def __bool__(self) -> bool:
        return bool(self.keys)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read keys in base64, apart by commas or white space; raises StoreError, showing none."""
        try:
            made = (base64.urlsafe_b64decode(key) for key in re.split(r"[\s,]+", text) if key)
            return cls(tuple(made))
        except (ValueError, binascii.Error):
            error = StoreError("a key must be 32 bytes in base64, one of those given is not")
            error.add_note(_MADE)
            raise error from None  # its message might show the key

    @classmethod
    def read(cls, path: Path) -> Self:
        """The keys in a file; raises StoreError."""
        try:
            keys = cls.parse(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            failure = StoreError(f"the keys in {path} cannot be read: {type(error).__name__}")
            failure.add_note(_MADE)
            raise failure from error
        if not keys:
            raise StoreError(f"{path} holds no key, expected one in base64 a line")
        return keys

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """The keys in TRUSTLAYER_KEYS, or in the file that TRUSTLAYER_KEYS_FILE names."""
        found = os.environ if environment is None else environment
        if path := found.get(FILE_VARIABLE):
            return cls.read(Path(path))
        return cls.parse(found.get(VARIABLE, ""))

    @property
    def id(self) -> bytes:
        """Of the key that seals; it tells nothing of the key."""
        return key_id(self.keys[0])

    def seal(self, text: str, salt: bytes, digest: bytes) -> bytes:
        """Encrypt *text* and its *salt*, bound to their *digest*."""
        nonce = os.urandom(_NONCE)
        plain = salt + text.encode("utf-8", "surrogatepass")
        return self.id + nonce + _cipher(self.keys[0]).encrypt(nonce, plain, digest)

    def open(self, sealed: bytes, digest: bytes) -> tuple[bytes, str]:
        """The salt and the text; raises MissingKey, or BrokenSeal for what was tampered with."""
        if len(sealed) < _ID + _NONCE:
            raise BrokenSeal("an encrypted text is too short to be one")
        id, nonce, rest = sealed[:_ID], sealed[_ID : _ID + _NONCE], sealed[_ID + _NONCE :]
        key = next((key for key in self.keys if key_id(key) == id), None)
        if key is None:
            raise self._missing(id)
        cipher = _cipher(key)
        from cryptography.exceptions import InvalidTag

        try:
            plain = cipher.decrypt(nonce, rest, digest)
            return plain[:_SALT], plain[_SALT:].decode("utf-8", "surrogatepass")
        except (InvalidTag, ValueError) as error:
            raise BrokenSeal("an encrypted text is not what was encrypted") from error

    def _missing(self, id: bytes) -> MissingKey:
        given = ", ".join(key_id(key).hex() for key in self.keys) or "none"
        error = MissingKey(f"a text is encrypted under the key {id.hex()}; given: {given}")
        error.add_note(f"give that key as well, in {VARIABLE} or the file of {FILE_VARIABLE}")
        return error


def key_id(key: bytes) -> bytes:
    """By which a sealed text names its key."""
    return sha256(b"trustlayer key id\0" + key).digest()[:_ID]


def keys_of(source: Session | Connection) -> Keys:
    """The keys of the store that *source* reads."""
    connection = source.connection() if isinstance(source, Session) else source
    keys = connection.get_execution_options().get(OPTION)
    return keys if isinstance(keys, Keys) else Keys()


@cache
def _cipher(key: bytes) -> AESGCM:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ModuleNotFoundError as error:
        missing = MissingExtra("encryption needs a library that is not installed: cryptography")
        missing.add_note("pip install 'trustlayer[crypto]'")
        raise missing from error
    return AESGCM(key)
