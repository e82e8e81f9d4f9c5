package api_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"rollcall/internal/api"
	"rollcall/internal/coverage"
	"rollcall/internal/storetest"
	"rollcall/internal/words"
	"rollcall/store"
)

// Every answer equals what the plainest computation makes of the exported records:
// live and migrated, in zones with 45 minutes and with daylight saving time that
// begins and ends within the data, also after the database was compacted and opened again.
func TestOracle(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	lexicon := words.NewLexicon(time.Hour)
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db := openAt(t, path)
	for round := range 5 {
		switch round {
		case 0:
			say(t, db, random, true, false)
		case 1:
			say(t, db, random, false, true)
		case 2:
			say(t, db, random, true, true)
		case 3:
			if _, err := db.Compact(t.Context(), store.CompactOptions{}); err != nil {
				t.Fatal(err)
			}
		case 4:
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			db = openAt(t, path)
		}
		for _, zone := range []string{"UTC", "Asia/Kathmandu", "America/New_York", "Europe/Berlin"} {
			now := time.Date(2025, 10, 1, random.IntN(24), 0, 0, 0, time.UTC).AddDate(0, 0, random.IntN(190))
			compare(t, db, lexicon, zone, now)
		}
	}
	compareWhy(t, db)
	storetest.Check(t, db)
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// compareWhy asks of each message that is exported, and of one that is not beside it.
func compareWhy(t *testing.T, db *store.DB) {
	t.Helper()
	s := api.New(api.Options{Store: db, Log: slog.New(slog.DiscardHandler)})
	stored := map[store.ID]bool{}
	records := exported(t, s)
	for _, r := range records {
		stored[r.MessageID] = true
	}
	for _, r := range records {
		if r.MessageID == 0 {
			continue
		}
		for _, id := range []store.ID{r.MessageID, r.MessageID + 1} {
			for _, name := range []string{id.String(), url.PathEscape(fmt.Sprintf("https://discord.com/channels/%s/%s/%s", r.Guild, r.ChannelID, id))} {
				var answer coverage.Answer
				w := get(t, s, "/v1/messages/"+name+"/why")
				if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 || answer.Message != id || answer.Stored != stored[id] || (answer.Reason == coverage.Stored) != stored[id] {
					t.Fatalf("%s: %d %s, stored: %v", name, w.Code, w.Body, stored[id])
				}
			}
		}
	}
}

func openAt(t *testing.T, path string) *store.DB {
	t.Helper()
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// say writes what few people say in few channels of two guilds from October to April,
// as messages, as log lines or as both of the same.
func say(t *testing.T, db *store.DB, random *rand.Rand, live, logged bool) {
	t.Helper()
	texts := []string{"Hello world", "hello again, friends!", "今天天气很好", "今日は", "오늘 안녕", "😀 👍🏽 🇩🇪", "<:wave:123456789> hi", "", "it is what it is", "https://example.org/x 42"}
	from := store.MicrosOf(time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC))
	var batch store.Batch
	var lines store.LogBatch
	for range 500 {
		r := store.Record{
			Guild: []store.ID{guildA, guildB}[random.IntN(2)], User: store.ID(1 + random.IntN(6)*random.IntN(3)),
			Time:    from + store.Micros(random.Int64N(190*86400e6)),
			Content: texts[random.IntN(len(texts))], Channel: store.Channel{Name: fmt.Sprint("channel ", random.IntN(4)*random.IntN(4))}, Source: store.SourceLog,
		}
		if random.IntN(3) == 0 { // around midnight somewhere
			r.Time -= r.Time%900e6 - store.Micros(random.IntN(2))
		}
		if logged && (!live || random.IntN(3) > 0) {
			lines.Records = append(lines.Records, r)
		}
		if live && (!logged || random.IntN(3) > 0) {
			r.Source, r.Channel.ID, r.Message = store.SourceLive, store.ID(70+random.IntN(4)), snowflake(r.Time, random.IntN(1<<20))
			switch random.IntN(12) {
			case 0: // what others wrote is nobody's words
				r.Extra = &store.Extra{Forwarded: &store.Forwarded{Content: "borrowed borrowed borrowed 借来的", Attachments: 1}}
			case 1:
				r.Extra = &store.Extra{Poll: &store.Poll{Question: "polled polled polled", Answers: []string{"yes", "no"}}, Stickers: []string{"stuck"}}
			}
			batch.Records = append(batch.Records, r)
		}
	}
	batch.Names = []store.Name{{Guild: guildA, User: 1, Name: "One"}, {Guild: guildB, User: 1, Name: "One"}, {Guild: guildA, Name: "A"}}
	if _, err := db.Put(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if _, err := storetest.Import(t.Context(), db, lines); err != nil {
		t.Fatal(err)
	}
}

// compare asks everything in a zone at a time.
func compare(t *testing.T, db *store.DB, lexicon *words.Lexicon, zone string, now time.Time) {
	t.Helper()
	s := api.New(api.Options{Store: db, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }})
	o := obvious{records: exported(t, s), names: map[store.ID]string{1: "One"}, lexicon: lexicon}
	var err error
	if o.zone, err = time.LoadLocation(zone); err != nil {
		t.Fatal(err)
	}
	o.today = now.In(o.zone).Format(time.DateOnly)
	ago := func(days int) string {
		year, month, day := now.In(o.zone).Date()
		return time.Date(year, month, day-days, 12, 0, 0, 0, time.UTC).Format(time.DateOnly)
	}
	for _, span := range []struct{ query, first, last string }{
		{"", "", ""},
		{"&window=all", "", ""},
		{"&window=7d", ago(6), o.today},
		{"&window=30d", ago(29), o.today},
		{"&window=90d", ago(89), o.today},
		{"&since=2025-11-02&until=2025-11-03", "2025-11-02", "2025-11-02"}, // the day has 25 hours in New York
		{"&since=2026-03-08", "2026-03-08", ""},                            // and this one 23
		{"&until=2025-10-27", "", "2025-10-26"},                            // 25 in Berlin
		{"&since=2026-01-05T12:00:00%2B01:00&until=2026-02-01", "2026-01-05", "2026-01-31"},
	} {
		o.first, o.last = span.first, span.last
		query := "?tz=" + zone + span.query
		for guild, name := range map[store.ID]string{guildA: "A", guildB: ""} {
			path := "/v1/guilds/" + guild.String()
			same(t, s, "/v1/coverage?guild="+guild.String(), o.coverage(guild))
			same(t, s, path+query, o.guild(guild, name))
			same(t, s, path+"/top"+query, o.top(guild, "messages", 10))
			same(t, s, path+"/top"+query+"&by=days&limit=3", o.top(guild, "days", 3))
			same(t, s, path+"/words"+query, o.words(guild, 0, 20, 10))
			for user := store.ID(1); user < 12; user++ {
				want, known := o.user(guild, user)
				if !known {
					wantProblem(t, get(t, s, fmt.Sprintf("%s/users/%d%s", path, user, query)), 404, "no such user")
					continue
				}
				same(t, s, fmt.Sprintf("%s/users/%d%s", path, user, query), want)
				same(t, s, fmt.Sprintf("%s/words%s&user=%d&limit=3", path, query, user), o.words(guild, user, 3, 3))
			}
			if !strings.Contains(span.query, "window") && !strings.Contains(span.query, "T") {
				compareMessages(t, s, path+"/messages"+query, o.messages(guild, 0))
				compareMessages(t, s, path+"/messages"+query+"&user=1", o.messages(guild, 1))
			}
		}
	}
	if t.Failed() {
		t.Fatalf("in %s at %s", zone, now)
	}
}

func exported(t *testing.T, s *api.Server) (records []api.Record) {
	t.Helper()
	for d := json.NewDecoder(get(t, s, "/v1/export").Body); d.More(); {
		var r api.Record
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	if len(records) < 300 {
		t.Fatalf("only %d records", len(records))
	}
	return records
}

// same wants an answer that has nothing but what is wanted, in its type's JSON.
func same[T any](t *testing.T, s *api.Server, target string, want T) {
	t.Helper()
	w := get(t, s, target)
	var have T
	d := json.NewDecoder(w.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&have); err != nil || w.Code != 200 || !reflect.DeepEqual(have, want) {
		t.Errorf("%s: %d, %v\nhave %+v\nwant %+v", target, w.Code, err, have, want)
	}
}

// compareMessages follows the links to the end. Of records of one user at one instant
// the order is not told.
func compareMessages(t *testing.T, s *api.Server, target string, want []api.Record) {
	t.Helper()
	var have []api.Record
	for next := target + "&limit=100"; next != ""; {
		w := httptest.NewRecorder()
		s.Socket().ServeHTTP(w, httptest.NewRequest("GET", next, nil))
		var page []api.Record
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != 200 {
			t.Fatalf("%s: %d %s", next, w.Code, w.Body)
		}
		have = append(have, page...)
		next, _, _ = strings.Cut(strings.TrimPrefix(w.Header().Get("Link"), "<"), ">")
	}
	describe := func(list []api.Record) (lines []string) {
		for _, r := range list {
			lines = append(lines, fmt.Sprint(r.Time, r.User))
		}
		return lines
	}
	if !reflect.DeepEqual(describe(have), describe(want)) {
		t.Errorf("%s: have %d messages, want %d, or in another order", target, len(have), len(want))
	}
}
