"""An independent implementation of JOSE reads signed objects, or signs one.

Usage: jose.py verify PUBLIC_KEY < objects
       jose.py sign-json SECRET_KEY HEADER < payload

`verify` takes one object a line, in its compact or its flattened JSON form, checks it with the key in that file, and prints
its payload. `sign-json` prints the payload signed in the flattened JSON form.
"""

import json
import sys
from pathlib import Path

from joserfc import jws
from joserfc.jwk import OKPKey

ALGORITHMS = ["EdDSA", "Ed25519"]


def verify(key: OKPKey, line: str) -> str:
    if line.startswith("{"):
        signed = jws.deserialize_json(json.loads(line), key, algorithms=ALGORITHMS)
    else:
        signed = jws.deserialize_compact(line, key, algorithms=ALGORITHMS)
    return signed.payload.decode()


def main() -> None:
    what, path, *rest = sys.argv[1:]
    key = OKPKey.import_key(Path(path).read_text())
    if what == "verify":
        for line in sys.stdin:
            print(verify(key, line.strip()))
    else:
        member = {"protected": json.loads(rest[0])}
        print(json.dumps(jws.serialize_json(member, sys.stdin.read(), key, algorithms=ALGORITHMS)))


main()
