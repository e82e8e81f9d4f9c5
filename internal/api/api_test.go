package api_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"rollcall/internal/api"
	"rollcall/internal/storetest"
	"rollcall/store"
)

const (
	guildA = store.ID(111111111111111111)
	guildB = store.ID(333333333333333333)
	anna   = store.ID(222222222222222222)
	bert   = store.ID(444444444444444444)
)

// at returns an instant of 2026-05-11, so many seconds after 06:30.
func at(seconds int) store.Micros {
	m, err := store.ParseMicros("2026-05-11T06:30:00.123456Z")
	if err != nil {
		panic(err)
	}
	return m + store.Micros(seconds)*1e6
}

// snowflake returns the id of a message of that instant.
func snowflake(m store.Micros, n int) store.ID {
	return store.ID((int64(m)/1000-1420070400000)<<22 | int64(n))
}

// filled returns a store with live records of two guilds, log records, a
// quarantine and a gap.
func filled(t *testing.T) *store.DB {
	t.Helper()
	db := storetest.New(t, store.Options{})
	fill(t, db)
	return db
}

func fill(t testing.TB, db *store.DB) {
	t.Helper()
	general, help := store.Channel{ID: 901, Name: "general"}, store.Channel{ID: 902, Name: "hilfe 求助"}
	batch := store.Batch{
		Names: []store.Name{
			{Guild: guildA, Name: "My Guild"}, {Guild: guildB, Name: "Other"},
			{Guild: guildA, User: anna, Name: "Anna"}, {Guild: guildA, User: bert, Name: "bert"}, {Guild: guildB, User: bert, Name: "Bertram"},
		},
		Gaps: []store.Gap{{Guild: guildA, Channel: 901, After: 5, Until: 9, From: at(0), To: at(1), Reason: "restart", State: store.GapOpen}},
	}
	for i := range 5 {
		batch.Records = append(batch.Records, store.Record{
			Guild: guildA, User: anna, Time: at(i), Message: snowflake(at(i), i), Channel: general,
			Content: fmt.Sprintf("message %d <b>&", i), Source: store.SourceLive,
		})
	}
	batch.Records = append(batch.Records,
		store.Record{Guild: guildA, User: bert, Time: at(10), Message: snowflake(at(10), 1), Channel: help, Content: "你好\n\x1b[31m\"", Source: store.SourceBackfill, ReplyTo: 7, ReplyToUser: anna, Attachments: 2},
		store.Record{Guild: guildB, User: bert, Time: at(20), Message: snowflake(at(20), 1), Channel: store.Channel{Name: "x"}, Source: store.SourceLive},
	)
	if _, err := db.Put(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	_, err := storetest.Import(t.Context(), db, store.LogBatch{
		Records:    []store.Record{{Guild: guildA, User: anna, Time: at(-86400), Channel: store.Channel{Name: "general"}, Content: "from the logs", Source: store.SourceLog}},
		File:       store.LogFile{Key: "1/20260510/info.jsonl", Path: "1/20260510/info.jsonl.gz", Offset: 300, Size: 100, Complete: true, Counts: store.Counts{Lines: 2, Malformed: 1}},
		Done:       []store.GuildDay{{Guild: guildA, Date: "20260510"}},
		Quarantine: []store.Quarantined{{File: "1/20260510/info.jsonl.gz", Offset: 200, Reason: "not JSON"}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func server(db *store.DB, token string) *api.Server {
	return api.New(api.Options{Store: db, Token: token, Host: "127.0.0.1", Socket: "r.sock", Log: slog.New(slog.DiscardHandler)})
}

// get asks the socket's handler.
func get(t *testing.T, s *api.Server, target string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	s.Socket().ServeHTTP(w, httptest.NewRequest("GET", target, nil))
	return w
}

func TestGuilds(t *testing.T) {
	w := get(t, server(filled(t), ""), "/v1/guilds")
	want := `[{"guild_id":"111111111111111111","guild_name":"My Guild","total_messages":7,"users":2,"first_message_at":"2026-05-10T06:30:00.123456Z","last_message_at":"2026-05-11T06:30:10.123456Z"},` +
		`{"guild_id":"333333333333333333","guild_name":"Other","total_messages":1,"users":1,"first_message_at":"2026-05-11T06:30:20.123456Z","last_message_at":"2026-05-11T06:30:20.123456Z"}]` + "\n"
	if w.Code != 200 || w.Body.String() != want {
		t.Errorf("got %d %s\nwant %s", w.Code, w.Body, want)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("content type %q", got)
	}
}

func TestNothingStored(t *testing.T) {
	s := server(storetest.New(t, store.Options{}), "")
	for target, want := range map[string]string{
		"/v1/guilds":            "[]\n",
		"/v1/export":            "",
		"/v1/export?format=csv": "guild_id,user_id,channel_name,message_content,timestamp,source,message_id,channel_id,reply_to_user_id,attachments,edited_at,redacted,forwarded_content,forwarded_attachments,poll_question,poll_answers,stickers\n",
		"/v1/state":             `{"log_migration_state":[],"files":[],"quarantine":[],"gaps":[]}` + "\n",
	} {
		if w := get(t, s, target); w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s: got %d %q, want %q", target, w.Code, w.Body, want)
		}
	}
}

func TestState(t *testing.T) {
	w := get(t, server(filled(t), ""), "/v1/state")
	want := `{"log_migration_state":[{"guild_id":"111111111111111111","last_date":"20260510"}],` +
		`"files":[{"path":"1/20260510/info.jsonl.gz","offset":300,"size":100,"complete":true}],` +
		`"quarantine":[{"file":"1/20260510/info.jsonl.gz","offset":200,"reason":"not JSON"}],` +
		`"gaps":[{"seq":1,"guild_id":"111111111111111111","channel_id":"901","after":"5","until":"9","from":"2026-05-11T06:30:00.123456Z","to":"2026-05-11T06:30:01.123456Z","reason":"restart","state":"open","found":0}]}` + "\n"
	if w.Code != 200 || w.Body.String() != want {
		t.Errorf("got %d %s\nwant %s", w.Code, w.Body, want)
	}
}

func TestMessages(t *testing.T) {
	s := server(filled(t), "")
	for _, tc := range []struct{ name, guild, query, want string }{
		{"newest first", "111111111111111111", "limit=2", "10 4"},
		{"all", "111111111111111111", "", "10 4 3 2 1 0 -86400"},
		{"guild by name", "My%20Guild", "limit=1", "10"},
		{"guild by name in another case", "my%20guild", "limit=1", "10"},
		{"user by id", "111111111111111111", "user=444444444444444444", "10"},
		{"user by name", "111111111111111111", "user=ANNA&limit=1", "4"},
		{"user without records", "111111111111111111", "user=5", ""},
		{"channel by name", "111111111111111111", "channel=" + url.QueryEscape("hilfe 求助"), "10"},
		{"channel by id", "111111111111111111", "channel=902", "10"},
		{"no such channel", "111111111111111111", "channel=gener", ""},
		{"since is part of it", "111111111111111111", "since=2026-05-11T06:30:03.123456Z", "10 4 3"},
		{"until is not", "111111111111111111", "until=2026-05-11T06:30:01.123456Z", "0 -86400"},
		{"an offset", "111111111111111111", "since=2026-05-11T08:30:04%2B02:00", "10 4"},
		{"days", "111111111111111111", "since=2026-05-10&until=2026-05-11", "-86400"},
		{"grep", "111111111111111111", "grep=" + url.QueryEscape(`^message [13]\b`), "3 1"},
		{"grep any case", "111111111111111111", "grep=" + url.QueryEscape(`(?i)LOGS`), "-86400"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := get(t, s, "/v1/guilds/"+tc.guild+"/messages?"+tc.query)
			var records []api.Record
			if err := json.Unmarshal(w.Body.Bytes(), &records); err != nil || w.Code != 200 {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			var seconds []string
			for _, r := range records {
				seconds = append(seconds, fmt.Sprint(int64(r.Time-at(0))/1e6))
			}
			if got := strings.Join(seconds, " "); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestRecordShapes(t *testing.T) {
	s := server(filled(t), "")
	reply := fmt.Sprintf(`{"guild_id":"111111111111111111","user_id":"444444444444444444","channel_name":"hilfe 求助","message_content":"你好\n\u001b[31m\"","timestamp":"2026-05-11T06:30:10.123456Z","source":"backfill","message_id":"%d","channel_id":"902","reply_to_user_id":"222222222222222222","attachments":2}`, snowflake(at(10), 1))
	bare := fmt.Sprintf(`{"guild_id":"333333333333333333","user_id":"444444444444444444","channel_name":"x","message_content":"","timestamp":"2026-05-11T06:30:20.123456Z","source":"live","message_id":"%d","attachments":0}`, snowflake(at(20), 1))
	log := `{"guild_id":"111111111111111111","user_id":"222222222222222222","channel_name":"general","message_content":"from the logs","timestamp":"2026-05-10T06:30:00.123456Z","source":"log"}`
	for target, want := range map[string]string{
		"/v1/guilds/111111111111111111/messages?user=bert":                          "[" + reply + "]\n",
		"/v1/guilds/111111111111111111/messages?until=2026-05-11":                   "[" + log + "]\n",
		"/v1/export?user=444444444444444444":                                        reply + "\n" + bare + "\n",
		"/v1/export?user=Bertram":                                                   reply + "\n" + bare + "\n",
		"/v1/export?guild=Other":                                                    bare + "\n",
		"/v1/export?guild=111111111111111111&until=2026-05-11T00:00:00Z":            log + "\n",
		"/v1/export?guild=111111111111111111&until=2026-05-11&user=Anna&format=csv": "guild_id,user_id,channel_name,message_content,timestamp,source,message_id,channel_id,reply_to_user_id,attachments,edited_at,redacted,forwarded_content,forwarded_attachments,poll_question,poll_answers,stickers\n111111111111111111,222222222222222222,general,from the logs,2026-05-10T06:30:00.123456Z,log,,,,,,,,,,,\n",
		"/v1/export?user=444444444444444444&guild=111111111111111111&format=csv":    fmt.Sprintf("guild_id,user_id,channel_name,message_content,timestamp,source,message_id,channel_id,reply_to_user_id,attachments,edited_at,redacted,forwarded_content,forwarded_attachments,poll_question,poll_answers,stickers\n111111111111111111,444444444444444444,hilfe 求助,\"你好\n\x1b[31m\"\"\",2026-05-11T06:30:10.123456Z,backfill,%d,902,222222222222222222,2,,,,,,,\n", snowflake(at(10), 1)),
	} {
		if w := get(t, s, target); w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s: got %d\n%s\nwant\n%s", target, w.Code, w.Body, want)
		}
	}
}

// Following the links from page to page gives every record once, newest first.
func TestMessagesPaging(t *testing.T) {
	s := server(filled(t), "")
	link := regexp.MustCompile(`^<(.*)>; rel="next"$`)
	for _, limit := range []int{1, 2, 3, 7, 1000} {
		var seen []string
		target := fmt.Sprintf("/v1/guilds/My%%20Guild/messages?limit=%d&grep=.", limit)
		for target != "" {
			w := get(t, s, target)
			var records []api.Record
			if err := json.Unmarshal(w.Body.Bytes(), &records); err != nil || w.Code != 200 || len(records) > limit {
				t.Fatalf("%s: got %d %s", target, w.Code, w.Body)
			}
			for _, r := range records {
				seen = append(seen, fmt.Sprint(int64(r.Time-at(0))/1e6))
			}
			target = ""
			if m := link.FindStringSubmatch(w.Header().Get("Link")); m != nil {
				target = m[1]
			}
		}
		if got := strings.Join(seen, " "); got != "10 4 3 2 1 0 -86400" {
			t.Errorf("limit %d: got %q", limit, got)
		}
	}
}

func TestHead(t *testing.T) {
	front := httptest.NewServer(server(filled(t), "").Socket())
	defer front.Close()
	for _, path := range []string{"/v1/guilds", "/v1/export", "/healthz"} {
		r, err := http.Head(front.URL + path)
		if err != nil || r.StatusCode != 200 || r.Header.Get("Content-Type") == "" {
			t.Errorf("%s: %v, %v", path, r, err)
		}
	}
}
