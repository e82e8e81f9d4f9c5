package api_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/internal/api"
	"rollcall/internal/storetest"
	"rollcall/store"
)

// serverAt answers as if it were a given time.
func serverAt(db *store.DB, now string) *api.Server {
	return api.New(api.Options{Store: db, Log: slog.New(slog.DiscardHandler), Now: func() time.Time {
		t, err := time.Parse(time.RFC3339, now)
		if err != nil {
			panic(err)
		}
		return t
	}})
}

// row is 24 hours with some that are not zero.
func row(hours map[int]int) string {
	cells := make([]string, 24)
	for h := range cells {
		cells[h] = fmt.Sprint(hours[h])
	}
	return "[" + strings.Join(cells, ",") + "]"
}

func TestGuildShape(t *testing.T) {
	s := serverAt(filled(t), "2026-05-12T12:00:00Z")
	nothing := row(nil)
	want := `{"guild_id":"111111111111111111","guild_name":"My Guild","total_messages":7,"active_users":2,` +
		`"daily":[{"date":"2026-05-10","messages":1,"users":1},{"date":"2026-05-11","messages":6,"users":2}],` +
		`"heatmap":[` + strings.Join([]string{row(map[int]int{6: 6}), nothing, nothing, nothing, nothing, nothing, row(map[int]int{6: 1})}, ",") + `],` +
		`"top_channels":[{"channel_name":"general","messages":6,"channel_id":"901"},{"channel_name":"hilfe 求助","messages":1,"channel_id":"902"}],` +
		`"top_users":[{"user_id":"222222222222222222","user_name":"Anna","messages":6},{"user_id":"444444444444444444","user_name":"bert","messages":1}]}` + "\n"
	for _, query := range []string{"", "?window=all", "?window=7d", "?since=2026-05-10&until=2026-05-12", "?since=2026-05-10T23:59:59Z&until=2026-05-11T00:00:00.000001Z"} {
		if w := get(t, s, "/v1/guilds/my%20guild"+query); w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s: got %d %s\nwant %s", query, w.Code, w.Body, want)
		}
	}
	empty := `{"guild_id":"111111111111111111","guild_name":"My Guild","total_messages":0,"active_users":0,"daily":[],` +
		`"heatmap":[` + strings.Repeat(nothing+",", 6) + nothing + `],"top_channels":[],"top_users":[]}` + "\n"
	if w := get(t, s, "/v1/guilds/111111111111111111?until=2026-05-10"); w.Body.String() != empty {
		t.Errorf("got %d %s\nwant %s", w.Code, w.Body, empty)
	}
}

func TestUserShape(t *testing.T) {
	db := filled(t)
	shape := func(messages, hours, weekdays, channels, words string, streak int) string {
		return `{"guild_id":"111111111111111111","user_id":"222222222222222222","user_name":"Anna","total_messages":` + messages +
			`,"first_message_at":"2026-05-10T06:30:00.123456Z","last_active_at":"2026-05-11T06:30:04.123456Z","active_hours":` + hours + `,"active_weekdays":` + weekdays +
			`,"top_channels":` + channels + `,"top_words":` + words + `,"top_emojis":[],"streak_days":` + fmt.Sprint(streak) + `,"longest_streak_days":2,"streak_last_date":"2026-05-11"}` + "\n"
	}
	all := func(streak int) string {
		return shape("6", row(map[int]int{6: 6}), "[5,0,0,0,0,0,1]", `[{"channel_name":"general","messages":6,"channel_id":"901"}]`,
			`[{"word":"b","count":5},{"word":"message","count":5},{"word":"logs","count":1}]`, streak)
	}
	nothing := func(streak int) string { return shape("0", row(nil), "[0,0,0,0,0,0,0]", "[]", "[]", streak) }
	for _, tc := range []struct{ now, query, want string }{
		{"2026-05-11T23:59:59Z", "", all(2)},
		{"2026-05-12T23:59:59Z", "?window=90d", all(2)},
		{"2026-05-13T00:00:00Z", "?window=7d", all(0)},
		{"2026-05-12T00:00:00Z", "?until=2026-05-11", shape("1", row(map[int]int{6: 1}), "[0,0,0,0,0,0,1]", `[{"channel_name":"general","messages":1,"channel_id":"901"}]`, `[{"word":"logs","count":1}]`, 2)},
		{"2026-05-11T23:59:59Z", "?until=2026-05-10", nothing(2)},
		{"2026-05-13T00:00:00Z", "?since=2026-05-12", nothing(0)},
	} {
		for _, user := range []string{"Anna", "anna", "222222222222222222"} {
			if w := get(t, serverAt(db, tc.now), "/v1/guilds/My%20Guild/users/"+user+tc.query); w.Code != 200 || w.Body.String() != tc.want {
				t.Errorf("%s: got %d %s\nwant %s", tc.query, w.Code, w.Body, tc.want)
			}
		}
	}
}

func TestTop(t *testing.T) {
	s := serverAt(filled(t), "2026-05-11T12:00:00Z")
	const anna = `"user_id":"222222222222222222","user_name":"Anna"`
	const bert = `"user_id":"444444444444444444","user_name":"bert"`
	for query, want := range map[string]string{
		"":                    `[{"rank":1,` + anna + `,"messages":6,"days":2,"share":0.857143},{"rank":2,` + bert + `,"messages":1,"days":1,"share":0.142857}]`,
		"?limit=1":            `[{"rank":1,` + anna + `,"messages":6,"days":2,"share":0.857143}]`,
		"?since=2026-05-11":   `[{"rank":1,` + anna + `,"messages":5,"days":1,"share":0.833333},{"rank":2,` + bert + `,"messages":1,"days":1,"share":0.166667}]`,
		"?until=2026-05-10":   `[]`,
		"?by=days&window=30d": `[{"rank":1,` + anna + `,"messages":6,"days":2,"share":0.857143},{"rank":2,` + bert + `,"messages":1,"days":1,"share":0.142857}]`,
		"?tz=Pacific/Kiritimati&since=2026-05-12": `[]`,
	} {
		if w := get(t, s, "/v1/guilds/My%20Guild/top"+query); w.Code != 200 || w.Body.String() != want+"\n" {
			t.Errorf("%s: got %d %s\nwant %s", query, w.Code, w.Body, want)
		}
	}
}

// A window is today and the days before it, in the zone that is asked for or is the server's.
func TestWindows(t *testing.T) {
	db := storetest.New(t, store.Options{})
	var batch store.Batch
	for day := range 100 { // one message a day at 20:00 UTC, which is the next day in Kathmandu
		m, err := store.ParseMicros("2026-05-11T20:00:00Z")
		if err != nil {
			t.Fatal(err)
		}
		m -= store.Micros(day) * 86400e6
		batch.Records = append(batch.Records, store.Record{Guild: guildA, User: anna, Time: m, Message: snowflake(m, 1), Channel: store.Channel{ID: 1, Name: "c"}, Content: "x", Source: store.SourceLive})
	}
	if _, err := db.Put(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	kathmandu, err := store.ParseZone("Asia/Kathmandu")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		now, query string
		zone       *time.Location
		first      string
		days       int
	}{
		{"2026-05-11T23:00:00Z", "window=7d", nil, "2026-05-05", 7},
		{"2026-05-11T00:00:00Z", "window=7d", nil, "2026-05-05", 7},
		{"2026-05-12T00:00:00Z", "window=7d", nil, "2026-05-06", 6},
		{"2026-05-11T23:00:00Z", "window=30d", nil, "2026-04-12", 30},
		{"2026-05-11T23:00:00Z", "window=90d", nil, "2026-02-11", 90},
		{"2026-05-11T23:00:00Z", "window=all", nil, "2026-02-01", 100},
		{"2026-05-11T23:00:00Z", "", nil, "2026-02-01", 100},
		{"2026-05-11T18:00:00Z", "window=7d&tz=Asia/Kathmandu", nil, "2026-05-05", 7}, // 23:45 there
		{"2026-05-11T18:15:00Z", "window=7d&tz=Asia/Kathmandu", nil, "2026-05-06", 7}, // midnight there
		{"2026-05-11T18:15:00Z", "window=7d", kathmandu, "2026-05-06", 7},
		{"2026-05-11T18:15:00Z", "window=7d&tz=UTC", kathmandu, "2026-05-05", 7},
		{"2026-05-11T18:15:00Z", "since=2026-05-10&until=2026-05-12&tz=Asia/Kathmandu", nil, "2026-05-10", 2},
		{"2026-05-11T18:15:00Z", "since=2026-05-09T18:14:59Z&until=2026-05-11T18:15:00Z&tz=Asia/Kathmandu", nil, "2026-05-09", 3},
	} {
		s := api.New(api.Options{Store: db, Zone: tc.zone, Log: slog.New(slog.DiscardHandler), Now: func() time.Time {
			now, _ := time.Parse(time.RFC3339, tc.now)
			return now
		}})
		w := get(t, s, "/v1/guilds/111111111111111111?"+tc.query)
		var guild api.Guild
		if err := json.Unmarshal(w.Body.Bytes(), &guild); err != nil || len(guild.Daily) != tc.days || guild.Daily[0].Date != tc.first {
			t.Errorf("%s at %s: got %s", tc.query, tc.now, w.Body)
		}
		if zone := w.Header().Get(api.ZoneHeader); strings.Contains(tc.query, "tz=A") != (zone == "Asia/Kathmandu") && tc.zone == nil {
			t.Errorf("%s: the zone is named %q", tc.query, zone)
		}
	}
	// A day is that of the zone for messages and exports too.
	for query, want := range map[string]int{
		"since=2026-05-12&tz=Asia/Kathmandu": 1, "since=2026-05-12": 0, "since=2026-05-11&until=2026-05-12": 1,
		"since=2026-05-11&until=2026-05-12&tz=Asia/Kathmandu": 1, "since=2026-05-11&tz=" + url.QueryEscape("Etc/GMT+5"): 1,
	} {
		s := server(db, "")
		if n := strings.Count(get(t, s, "/v1/export?"+query).Body.String(), "\n"); n != want {
			t.Errorf("export %s: %d lines, want %d", query, n, want)
		}
		var records []api.Record
		if err := json.Unmarshal(get(t, s, "/v1/guilds/111111111111111111/messages?"+query).Body.Bytes(), &records); err != nil || len(records) != want {
			t.Errorf("messages %s: %d, want %d", query, len(records), want)
		}
	}
}

func TestNames(t *testing.T) {
	s := server(filled(t), "")
	for query, want := range map[string]string{"?names=true&limit=2": "bert,Anna", "?names=false&limit=2": ",", "?limit=2": ","} {
		var records []api.Record
		w := get(t, s, "/v1/guilds/My%20Guild/messages"+query)
		if err := json.Unmarshal(w.Body.Bytes(), &records); err != nil || len(records) != 2 {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
		if got := records[0].UserName + "," + records[1].UserName; got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
}

func TestContext(t *testing.T) {
	s := server(filled(t), "")
	w := get(t, s, "/v1/guilds/My%20Guild/users/Anna/context?tz=Asia/Kathmandu")
	want := "Anna in My Guild: 6 messages since 2026-05-10, last on 2026-05-11, on 2 days.\n"
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" || !strings.HasPrefix(w.Body.String(), want) || !strings.Contains(w.Body.String(), "- 2026-05-10 general: from the logs\n") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if strings.Contains(w.Body.String(), "你好") {
		t.Errorf("says what another person said:\n%s", w.Body)
	}
	if short := get(t, s, "/v1/guilds/My%20Guild/users/Anna/context?tokens=50").Body.String(); len(short) >= w.Body.Len() || !strings.HasPrefix(short, "Anna in My Guild") {
		t.Errorf("in fifty tokens: %s", short)
	}
}
