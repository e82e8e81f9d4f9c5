#!/bin/sh
# Makes the fixtures anew, from the last commit of each format. See ../README.md.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
repo=$(git -C "$here" rev-parse --show-toplevel)
work=$(mktemp -d)
trap 'rm -rf "$work"; git -C "$repo" worktree prune' EXIT

# fixture COMMIT TAGS NAME OPTION...
fixture() {
	tree=$work/$1
	[ -d "$tree" ] || git -C "$repo" worktree add --detach "$tree" "$1"
	mkdir -p "$tree/internal/make"
	cp "$here"/*.go "$tree/internal/make"
	(cd "$tree" && go build -tags "$2" -o "$work/make" ./internal/make)
	shift 2
	(cd "$work" && ./make "$@")
	for end in db ndjson; do
		gzip -9 -n -c "$work/$1.$end" >"$here/../$1.$end.gz"
	done
	cp "$work/$1.json" "$here/.."
}

fixture 8da2e9410866 one format1
fixture d8bba74f7831 later format2
fixture d8bba74f7831 later format2-encrypted encrypted
fixture 2889e6a91c01 later format3 bulk
fixture 2889e6a91c01 later format3-encrypted encrypted
fixture 623e6bca476d four format4 bulk
fixture 623e6bca476d four format4-encrypted encrypted
