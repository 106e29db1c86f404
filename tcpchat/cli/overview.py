"""The help of `tcpchat` as a whole: one screen, which is printed without importing what it is about."""

from __future__ import annotations

from typing import Final

OVERVIEW: Final = """\
Usage: tcpchat [OPTIONS]             join the chat on this machine, or host it
       tcpchat [NAME@]HOST[:PORT]    join a chat elsewhere
       tcpchat COMMAND [OPTIONS]

Commands:
  connect        Join a chat.
  send           Send one message and exit.
  tail           Print the last messages of the lobby.
  serve          Run a chat server until SIGTERM or Ctrl-C.
  admin          Manage the users, bans, mutes and data of a server.
  bench          Put a load on your own server and print figures.
  help COMMAND   Explain a command and its options, with examples.

Options of the client, for connect too:
  --name NAME    The name to take.
  -W             Ask for the password of the user NAME, and log in.
  --no-remember  Join as a new guest and do not save the identity.
  --plain        Print plain text line by line, as in a pipe.
  --json         Print events and replies as JSON; take requests as JSON.
  --commands     Run each line of a pipe as a command, not as text.
For the chat that it hosts, each setting of serve: --port 9000, --config FILE.
Others: --version, --install-completion.
For example:  tcpchat --name alice    tcpchat send -u bob "see you at 6"
"""
