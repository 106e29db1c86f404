#!/bin/sh
# prompt-toolkit 3.0.53 with wcwidth 0.9.4: a flag is 4 columns in the input line, and 2 in terminals.
#
# prompt-toolkit adds up wcwidth() of single characters. Since wcwidth 0.6 each half of a flag has 2 columns
# there; eleven terminals that were measured (docs/terminals.md) show 2 for the whole flag. What is typed after
# one is drawn two columns too far to the right. wcwidth's own wcswidth() says 2 for the same text.
#
# Seen: prompt-toolkit 4, wcswidth 2
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder" || exit 2
"$folder/bin/pip" install --quiet --disable-pip-version-check prompt-toolkit==3.0.53 wcwidth==0.9.4 || exit 2
seen=$("$folder/bin/python" - <<'PYTHON'
from prompt_toolkit.utils import get_cwidth
from wcwidth import wcswidth

flag = "\U0001f1e9\U0001f1ea"
print(f"prompt-toolkit {get_cwidth(flag)}, wcswidth {wcswidth(flag)}")
PYTHON
)
echo "$seen"
[ "$seen" = "prompt-toolkit 4, wcswidth 2" ]
