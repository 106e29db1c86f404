#!/bin/sh
# prompt-toolkit 3.0.53: the answer of a terminal to another program's question is typed.
#
# Terminals answer into the input. Of all answers the parser knows one, the position of the cursor; of the
# others it makes keys. That to a query of kitty's graphics begins with Escape and _, which in emacs mode is
# yank-last-arg: the last word of the line before is put into the input, and then the text of the answer.
#
# Seen: escape _ G i = 3 1 ; O K escape \
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder" || exit 2
"$folder/bin/pip" install --quiet --disable-pip-version-check prompt-toolkit==3.0.53 wcwidth==0.9.4 || exit 2
seen=$("$folder/bin/python" - <<'PYTHON'
from prompt_toolkit.input.vt100_parser import Vt100Parser

keys = []
parser = Vt100Parser(lambda press: keys.append(getattr(press.key, "value", press.key)))
parser.feed_and_flush("\x1b_Gi=31;OK\x1b\\")
print(*keys)
PYTHON
)
echo "$seen"
[ "$seen" = 'escape _ G i = 3 1 ; O K escape \' ]
