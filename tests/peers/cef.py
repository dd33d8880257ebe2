"""Lines of CEF as pycef reads them: `cef.py < alerts.cef` prints, for each line, a JSON object of what it finds."""

import json
import sys

import pycef

for line in sys.stdin:
    print(json.dumps(pycef.parse(line.rstrip("\n"))))
