"""Keys in files: a pair to sign anchors with, and keys that encrypt texts."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Self

from trustlayer.errors import BadKey, MissingExtra

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

PRIVATE, PUBLIC = 0o600, 0o644  # the modes of new files
_MAKE = "make a pair: trustlayer audit keygen anchors.key"


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """An Ed25519 public key."""

    key: Ed25519PublicKey = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Self:
        """The public key in a PEM file; raises BadKey."""
        _expect_library()
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        try:
            found = load_pem_public_key(path.read_bytes())
        except (ValueError, TypeError, OSError) as error:
            raise _bad(path, "public", f"{type(error).__name__}") from error
        if not isinstance(found, Ed25519PublicKey):
            raise _bad(path, "public", type(found).__name__)
        return cls(found)

    @property
    def pem(self) -> bytes:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits by which people tell keys apart."""
        return sha256(self.key.public_bytes_raw()).hexdigest()[:16]

    def signed(self, data: bytes, signature: bytes) -> bool:
        """Whether the private key of this one made *signature* of *data*."""
        from cryptography.exceptions import InvalidSignature

        try:
            self.key.verify(signature, data)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 private key."""

    key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def generate(cls) -> Self:
        """A new one."""
        _expect_library()
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def read(cls, path: Path) -> Self:
        """The private key in a PEM file; raises BadKey, also where others may read the file."""
        _expect_library()
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            found = load_pem_private_key(path.read_bytes(), None)
        except (ValueError, TypeError, OSError) as error:
            raise _bad(path, "private", f"{type(error).__name__}") from error
        if not isinstance(found, Ed25519PrivateKey):
            raise _bad(path, "private", type(found).__name__)
        expect_private(path)
        return cls(found)

    @property
    def pem(self) -> bytes:
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            NoEncryption,
            PrivateFormat,
        )

        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def public(self) -> VerifyingKey:
        return VerifyingKey(self.key.public_key())

    def sign(self, data: bytes) -> bytes:
        """The signature of *data*, 64 bytes."""
        return self.key.sign(data)


def keygen(path: Path) -> tuple[Path, VerifyingKey]:
    """Write a new private key to *path*, for its owner alone, and the public one beside it.

    Returns where the public key is. Raises BadKey when there is a file: none is overwritten.
    """
    public, key = path.with_name(f"{path.name}.pub"), SigningKey.generate()
    if public.exists():
        raise _there(public)
    _write_new(path, key.pem, PRIVATE)
    _write_new(public, key.public.pem, PUBLIC)
    return public, key.public


def keygen_encryption(path: Path) -> None:
    """Write a new key for texts to *path*, for its owner alone; raises BadKey."""
    _write_new(path, base64.urlsafe_b64encode(os.urandom(32)) + b"\n", PRIVATE)


def expect_private(path: Path) -> None:
    """Raise BadKey when others than its owner may read the file, where rights are kept."""
    if os.name == "posix" and (mode := path.stat().st_mode & 0o777) & 0o077:
        error = BadKey(f"{path} has mode {mode:03o}: others may read the key, expected 600")
        error.add_note(f"chmod 600 {path}")
        raise error


def _write_new(path: Path, data: bytes, mode: int) -> None:
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise _there(path) from error
    except OSError as error:
        raise BadKey(f"{path} cannot be written: {error.strerror}") from error
    with os.fdopen(file, "wb") as opened:
        opened.write(data)
        opened.flush()
        os.fsync(opened.fileno())


def _there(path: Path) -> BadKey:
    error = BadKey(f"{path} is there already, and no key is overwritten")
    error.add_note("name another file, or move that one away")
    return error


def _bad(path: Path, kind: str, found: str) -> BadKey:
    error = BadKey(f"{path} holds no Ed25519 {kind} key in PEM: {found}")
    error.add_note(_MAKE)
    return error


def _expect_library() -> None:
    if find_spec("cryptography") is None:
        error = MissingExtra("signing needs a library that is not installed: cryptography")
        error.add_note("pip install 'trustlayer[crypto]'")
        raise error
