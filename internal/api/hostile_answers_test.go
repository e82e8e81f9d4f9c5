package api_test

import (
	"net/url"
	"strings"
	"testing"
)

// Each endpoint that counts refuses what it cannot take, and names it.
func TestHostileAnswers(t *testing.T) {
	s := server(filled(t), "")
	long := strings.Repeat("x", 10_000)
	const guild, user = "/v1/guilds/My%20Guild", "/v1/guilds/My%20Guild/users/Anna"
	for _, tc := range []struct {
		name, query string
		status      int
		detail      string
	}{
		{"window", "window=8", 400, `window cannot be "8": want a number of days, weeks or years such as 7d, 30d, 2w or 1y, or all`},
		{"window empty", "window=", 400, `window cannot be "": want`},
		{"window negative", "window=-7d", 400, `window cannot be "-7d"`},
		{"window huge", "window=" + long, 400, `window cannot be "xxx`},
		{"window twice", "window=7d&window=30d", 400, `window is given 2 times`},
		{"window and since", "window=7d&since=2026-05-11", 400, `window and since exclude each other`},
		{"window and until", "until=2026-05-11&window=all", 400, `window and until exclude each other`},
		{"zone", "tz=Mars/Olympus", 400, `tz cannot be "Mars/Olympus": not a time zone: want a name of the IANA database such as Europe/Berlin, or UTC`},
		{"zone empty", "tz=", 400, `tz cannot be "": not a time zone`},
		{"zone of the machine", "tz=Local", 400, `tz cannot be "Local"`},
		{"zone up", "tz=../../etc/passwd", 400, `tz cannot be "../../etc/passwd"`},
		{"zone absolute", "tz=/etc/localtime", 400, `tz cannot be "/etc/localtime"`},
		{"zone with leap seconds", "tz=right/UTC", 400, `tz cannot be "right/UTC"`},
		{"zone a folder", "tz=Europe", 400, `tz cannot be "Europe"`},
		{"zone with a zero", "tz=UTC%00", 400, `tz cannot be "UTC\x00"`},
		{"zone long", "tz=" + long, 400, `tz cannot be "xxx`},
		{"zone of bad bytes", "tz=%ff", 400, `tz is not UTF-8`},
		{"since", "since=yesterday", 400, `since cannot be "yesterday": want RFC 3339 such as`},
		{"until before since", "since=2026-05-11&until=2026-05-11", 400, `until 2026-05-11T00:00:00.000000Z is not later than since`},
		{"until before since in the zone", "since=2026-05-11&until=2026-05-10T18:00:00Z&tz=Asia/Kathmandu", 400, `until 2026-05-10T18:00:00.000000Z is not later than since 2026-05-10T18:15:00.000000Z`},
		{"unknown", "usr=5", 400, `no such parameter: "usr"`},
		{"of another path", "grep=x", 400, `no such parameter: "grep"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, path := range []string{guild, guild + "/top", guild + "/words", user} {
				wantProblem(t, get(t, s, path+"?"+tc.query), tc.status, tc.detail)
			}
		})
	}
	for _, tc := range []struct {
		name, target string
		status       int
		detail       string
	}{
		{"guild", "/v1/guilds/5", 404, `no such guild: "5"`},
		{"guild that is no id", "/v1/guilds/0", 400, `guild cannot be "0": not an id`},
		{"guild long", "/v1/guilds/" + long, 400, `guild cannot be "xxx`},
		{"guild of control characters", "/v1/guilds/%1b%5b31m%0a", 404, `no such guild: "\x1b[31m\n"`},
		{"guild of top", "/v1/guilds/nobody/top", 404, `no such guild: "nobody"`},
		{"guild of words", "/v1/guilds/nobody/words", 404, `no such guild: "nobody"`},
		{"guild of a user", "/v1/guilds/nobody/users/Anna", 404, `no such guild: "nobody"`},
		{"guild of a portrait", "/v1/guilds/nobody/users/Anna/context", 404, `no such guild: "nobody"`},
		{"user", guild + "/users/5", 404, `no such user: "5"`},
		{"user of another guild", "/v1/guilds/Other/users/222222222222222222", 404, `no such user: "222222222222222222"`},
		{"user of deleted accounts", guild + "/users/456226577798135808", 404, `user 456226577798135808 stands for every deleted account`},
		{"portrait of deleted accounts", guild + "/users/456226577798135808/context", 404, `user 456226577798135808 stands for every deleted account`},
		{"words of deleted accounts", guild + "/words?user=456226577798135808", 404, `user 456226577798135808 stands for every deleted account`},
		{"messages of deleted accounts", guild + "/messages?user=456226577798135808", 404, `user 456226577798135808 stands for every deleted account`},
		{"export of deleted accounts", "/v1/export?user=456226577798135808", 404, `user 456226577798135808 stands for every deleted account`},
		{"person of deleted accounts", "/v1/users/456226577798135808", 404, `user 456226577798135808 stands for every deleted account`},
		{"user by name", guild + "/users/nobody", 404, `no such user: "nobody"`},
		{"user that is no id", guild + "/users/0", 400, `user cannot be "0": not an id`},
		{"user long", guild + "/users/" + long, 400, `user cannot be "xxx`},
		{"user of the words", guild + "/words?user=nobody", 404, `no such user: "nobody"`},
		{"user without words", guild + "/words?user=5", 404, `no such user: "5"`},
		{"user of a portrait", guild + "/users/5/context", 404, `no such user: "5"`},
		{"top by", guild + "/top?by=words", 400, `by cannot be "words": want messages or days`},
		{"top of none", guild + "/top?limit=0", 400, `limit cannot be "0": want a whole number from 1 to 1000`},
		{"top of all", guild + "/top?limit=1001", 400, `limit cannot be "1001"`},
		{"words of all", guild + "/words?limit=99999999999999999999", 400, `limit cannot be "99999999999999999999"`},
		{"limit of a guild", guild + "?limit=5", 400, `no such parameter: "limit"`},
		{"tokens few", user + "/context?tokens=49", 400, `tokens cannot be "49": want a whole number from 50 to 8000`},
		{"tokens many", user + "/context?tokens=8001", 400, `tokens cannot be "8001"`},
		{"tokens negative", user + "/context?tokens=-1", 400, `tokens cannot be "-1"`},
		{"portrait in a window", user + "/context?window=7d", 400, `no such parameter: "window"`},
		{"portrait in a bad zone", user + "/context?tz=Local", 400, `tz cannot be "Local"`},
		{"names", guild + "/messages?names=1", 400, `names cannot be "1": want true or false`},
		{"messages in a bad zone", guild + "/messages?tz=..", 400, `tz cannot be ".."`},
		{"export in a bad zone", "/v1/export?tz=Berlin", 400, `tz cannot be "Berlin"`},
		{"pattern that repeats", guild + "/messages?grep=" + url.QueryEscape("(ab){1000}"), 400, `grep cannot be "(ab){1000}": it repeats too much`},
		{"pattern that may repeat", guild + "/messages?grep=" + url.QueryEscape("((((x{0,10}){0,10}){0,10}){0,10}){0,5}"), 400, `grep cannot be`},
		{"pattern of many classes", guild + "/messages?grep=" + url.QueryEscape(`(\pL\pN){999}(\w|é){999}`), 400, `grep cannot be`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wantProblem(t, get(t, s, tc.target), tc.status, tc.detail)
		})
	}
}
