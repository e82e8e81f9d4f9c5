#!/usr/bin/env bash
# chat-analytics: an export made with --reverse is refused
#
# One would guess: an export that DiscordChatExporter 2.47 wrote with --reverse (the newest
#   message first) is read like any other, or read with its messages sorted.
# What really happens: the whole run ends with an error, and no file is taken in.
# Version: chat-analytics 1.1.2 (npm)
# Output seen on 2026-11-28:
#   oldest first: 4 messages
#   newest first: error: MessagesInterval can only be extended to the future
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
(async () => {
  await count('oldest first', full);
  await count('newest first', { ...full, messages: [...full.messages].reverse() });
})();
EOF
node run.js | tee seen
diff - seen <<'EOF'
oldest first: 4 messages
newest first: error: MessagesInterval can only be extended to the future
EOF
