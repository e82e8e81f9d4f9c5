#!/usr/bin/env bash
# disgo: one message with Components V2 makes a whole page of history undecodable
#
# One would guess: a message is decoded although it holds a kind of component that the
#   library does not know; the component is left out or kept as unknown.
# What really happens: json.Unmarshal of the message fails with "unknown component with
#   type N received". Text displays (10) and containers (17) are enough. A history page is
#   decoded as one slice, so ninety-nine ordinary messages fail with the one.
# Version: github.com/disgoorg/disgo v0.18.15
# Output seen on 2026-11-28:
#   ordinary page: 3 messages, error: none
#   page with a text display: error: unknown component with type 10 received
#   page with a container: error: unknown component with type 17 received
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
cat >go.mod <<'EOF'
module finding
go 1.26
EOF
cat >main.go <<'EOF'
package main

import (
	"encoding/json"
	"fmt"

	"github.com/disgoorg/disgo/discord"
)

func message(id, rest string) string {
	return `{"id":"` + id + `","channel_id":"900000000000000001","type":0,"content":"hello",` +
		`"timestamp":"2026-11-20T10:00:00.123000+00:00","edited_timestamp":null,` +
		`"author":{"id":"300000000000000001","username":"mara"},"attachments":[],"embeds":[],"mentions":[],` +
		`"mention_roles":[],"pinned":false,"mention_everyone":false,"tts":false` + rest + `}`
}

func page(name, rest string) {
	var messages []discord.Message
	err := json.Unmarshal([]byte("["+message("1576248947855327999", "")+","+message("1576248947855328000", rest)+
		","+message("1576248947855328001", "")+"]"), &messages)
	if err != nil {
		fmt.Printf("%s: error: %v\n", name, err)
		return
	}
	fmt.Printf("%s: %d messages, error: none\n", name, len(messages))
}

func main() {
	page("ordinary page", "")
	page("page with a text display", `,"flags":32768,"components":[{"type":10,"id":1,"content":"x"}]`)
	page("page with a container", `,"flags":32768,"components":[{"type":17,"id":1,"components":[{"type":10,"id":2,"content":"x"}]}]`)
}
EOF
go get github.com/disgoorg/disgo@v0.18.15 2>/dev/null
go mod tidy 2>/dev/null
go run . | tee seen
diff - seen <<'EOF'
ordinary page: 3 messages, error: none
page with a text display: error: unknown component with type 10 received
page with a container: error: unknown component with type 17 received
EOF
