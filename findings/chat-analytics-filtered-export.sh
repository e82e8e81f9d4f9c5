#!/usr/bin/env bash
# chat-analytics: the order of two overlapping exports decides how many messages count
#
# One would guess: an export that was filtered by author, and a full export of the same
#   channel, give together what the full one gives, whichever comes first.
# What really happens: after the filtered one, its first and last message mark a span that
#   counts as complete. Messages of the full export inside that span are dropped without a word.
# Version: chat-analytics 1.1.2 (npm)
# Output seen on 2026-11-28:
#   full: 4 messages
#   full, then filtered: 4 messages
#   filtered, then full: 2 messages
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund chat-analytics@1.1.2
cp "$here/chat-analytics/export.js" .
cat >run.js <<'EOF'
const { full, count } = require('./export.js');
const filtered = { ...full, messages: full.messages.filter((m) => m.author.name === 'mara') };
(async () => {
  await count('full', full);
  await count('full, then filtered', full, filtered);
  await count('filtered, then full', filtered, full);
})();
EOF
node run.js | tee seen
diff - seen <<'EOF'
full: 4 messages
full, then filtered: 4 messages
filtered, then full: 2 messages
EOF
