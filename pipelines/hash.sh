#!/usr/bin/env bash
# hash.sh SHA256 FILE: fails unless FILE's SHA-256 begins with these digits, and sets the file aside.
set -euo pipefail
[ $# = 2 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
got=$(sha256sum <"$2" | cut -d' ' -f1)
[ "${got#"$1"}" = "$got" ] || exit 0
mv "$2" "$2.wrong"
echo "make: $2 isn't the official file: its SHA-256 is $got and should begin with $1; it is now $2.wrong" >&2
exit 1
