"""Signs an intent for tagout.

Usage: intent.py KEY KEY_ID < claims.json >> intents.jws

KEY is the secret key that `tagout key new` or `openssl genpkey -algorithm ed25519` wrote. Needs `pip install joserfc`.
"""

import json
import sys
from pathlib import Path

from joserfc import jws
from joserfc.jwk import OKPKey


def sign(claims: dict, key: OKPKey, key_id: str) -> str:
    """The claims as a JWS in its compact form (RFC 7515, RFC 8037)."""
    header = {"alg": "EdDSA", "kid": key_id, "typ": "tagout-intent+jwt"}
    return jws.serialize_compact(header, json.dumps(claims), key, algorithms=["EdDSA"])


if __name__ == "__main__":
    secret = OKPKey.import_key(Path(sys.argv[1]).read_text())
    print(sign(json.load(sys.stdin), secret, sys.argv[2]))
