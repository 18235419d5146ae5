"""BLAKE2 without OpenSSL: `hashlib` loads that library, which takes longer than hashing a run."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hashlib import blake2b as blake2b
else:
    try:
        from _blake2 import blake2b as blake2b
    except ImportError:  # another implementation of Python
        from hashlib import blake2b as blake2b
