#!/usr/bin/env bash
# chat-analytics: an export from before mentions were exported is refused
#
# One would guess: JSON of DiscordChatExporter 2.24 and older, whose messages have no
#   "mentions", is read, as exports without "stickers" are.
# What really happens: the whole run ends with an error, newer files of it included.
# Version: chat-analytics 1.1.2 (npm)
# Output seen on 2026-11-28:
#   without stickers: 4 messages
#   without mentions: error: message.mentions is not iterable
#   a newer one beside it: error: message.mentions is not iterable
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
const without = (key) => ({ ...full, messages: full.messages.map(({ [key]: _, ...rest }) => rest) });
(async () => {
  await count('without stickers', without('stickers'));
  await count('without mentions', without('mentions'));
  await count('a newer one beside it', full, without('mentions'));
})();
EOF
node run.js | tee seen
diff - seen <<'EOF'
without stickers: 4 messages
without mentions: error: message.mentions is not iterable
a newer one beside it: error: message.mentions is not iterable
EOF
