package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/api"
	"rollcall/internal/storetest"
	"rollcall/store"
)

// Where little is found in much, a page comes after a while with what was found and
// where to go on; and a caller who has gone is noticed.
func TestPatience(t *testing.T) {
	db := filled(t)
	synctest.Test(t, func(t *testing.T) {
		slow := store.Query{Guild: guildA, Match: func(r *store.Record) bool {
			time.Sleep(time.Second)
			return r.Content == "from the logs" // the oldest of seven
		}}
		var found []store.Record
		var behind *store.Position
		pages := 0
		for more := true; more; more = behind != nil {
			begin := time.Now()
			page, next, err := db.Search(t.Context(), slow, behind, 50, api.Patience)
			if err != nil || time.Since(begin) > 3*time.Second {
				t.Fatalf("a page took %s, %v", time.Since(begin), err)
			}
			found, behind = append(found, page...), next
			pages++
		}
		if len(found) != 1 || pages != 4 {
			t.Errorf("found %d records on %d pages", len(found), pages)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if _, _, err := db.Search(ctx, slow, nil, 50, api.Patience); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the caller is gone: %v", err)
		}
	})
}

// TestAround compares what stands around each message with the plainest computation.
func TestAround(t *testing.T) {
	db := storetest.New(t, store.Options{})
	random := rand.New(rand.NewPCG(4, 4))
	var all []store.Record
	at := store.MicrosOf(time.Date(2025, 5, 1, 0, 0, 0, 0, time.UTC))
	for i := range 3000 {
		switch random.IntN(100) {
		case 0:
			at += store.Micros(random.Int64N(40 * 86400e6)) // a silence
		default:
			at += store.Micros(1+random.Int64N(2000)) * 1000
		}
		all = append(all, store.Record{
			Guild: guildA, User: store.ID(1 + random.IntN(5)), Time: at, Message: snowflake(at, i), Source: store.SourceLive,
			Channel: store.Channel{ID: store.ID(70 + random.IntN(2)), Name: "room"}, Content: fmt.Sprint(i),
		})
	}
	if _, err := db.Put(t.Context(), store.Batch{Records: all}); err != nil {
		t.Fatal(err)
	}
	s := server(db, "")
	for range 200 {
		i, before, after := random.IntN(len(all)), random.IntN(30), random.IntN(30)
		target := all[i]
		var want []string
		for j := i - 1; j >= 0 && len(want) < before; j-- {
			if all[j].Channel == target.Channel {
				want = append(want, all[j].Content)
			}
		}
		slices.Reverse(want)
		want = append(want, target.Content)
		for j, most := i+1, len(want)+after; j < len(all) && len(want) < most; j++ {
			if all[j].Channel == target.Channel {
				want = append(want, all[j].Content)
			}
		}
		var page []api.Record
		w := get(t, s, fmt.Sprintf("/v1/guilds/%v/messages/%v/around?before=%d&after=%d", guildA, target.Message, before, after))
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		have := make([]string, len(page))
		for k, r := range page {
			have[k] = r.Content
		}
		if !slices.Equal(have, want) {
			t.Fatalf("around %d, %d before and %d after:\nhave %v\nwant %v", i, before, after, have, want)
		}
	}
	// One that is not stored has its place, too.
	var page []api.Record
	w := get(t, s, fmt.Sprintf("/v1/guilds/%v/messages/%v/around?before=1&after=1&channel=70", guildA, all[100].Message+1<<21))
	if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || len(page) != 2 || page[1].Time < page[0].Time {
		t.Fatal(w.Code, w.Body, err)
	}
}

// Where channels are named, every answer is as if nothing had been said elsewhere.
func TestChannels(t *testing.T) {
	db := storetest.New(t, store.Options{})
	at := store.MicrosOf(time.Date(2026, 5, 10, 6, 0, 0, 0, time.UTC))
	var b store.Batch
	for i, r := range []store.Record{
		{User: 5, Channel: store.Channel{ID: 901, Name: "open"}, Content: "visible words"},
		{User: 6, Channel: store.Channel{ID: 902, Name: "secret"}, Content: "hidden plans"},
		{User: 5, Channel: store.Channel{ID: 902, Name: "secret"}, Content: "hidden answer"},
		{User: 5, Channel: store.Channel{ID: 903, Name: "901"}, Content: "hidden under a number"},
		{User: 5, Channel: store.Channel{ID: 901, Name: "open"}, Content: "visible end"},
	} {
		r.Guild, r.Time, r.Source = guildA, at+store.Micros(i)*60e6, store.SourceLive
		r.Message = snowflake(r.Time, i)
		b.Records = append(b.Records, r)
	}
	if _, err := db.Put(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	s := server(db, "")
	g := fmt.Sprint("/v1/guilds/", guildA)
	for path, status := range map[string]int{
		g + "?": 200, g + "/top?": 200, g + "/words?": 200, g + "/users/5?": 200, g + "/users/5/context?": 200, g + "/messages?": 200, g + "/messages?channel=secret&": 200,
		g + "/search?q=hidden&": 200, g + "/search?q=in:secret&": 200, g + "/search?q=visible&": 200, g + "/messages/" + b.Records[1].Message.String() + "/around?": 200,
		g + "/users/6?": 404, g + "/users/6/context?": 404, g + "/words?user=6&": 404,
	} {
		w := get(t, s, path+"channels=901")
		text := w.Body.String()
		if w.Code != status || strings.Contains(text, "hidden") && status == 200 || strings.Contains(text, "secret") || strings.Contains(text, "902") || strings.Contains(text, `"6"`) && status == 200 {
			t.Errorf("%s: %d %s", path, w.Code, text)
		}
		if plain := get(t, s, strings.TrimRight(path, "?&")); plain.Body.String() == text && !strings.Contains(path, "q=visible") {
			t.Errorf("%s: the channels make no difference: %s", path, text)
		}
	}
	var user api.User
	if err := json.Unmarshal(get(t, s, g+"/users/5?channels=901").Body.Bytes(), &user); err != nil || user.Messages != 2 || user.First != b.Records[0].Time || user.Last != b.Records[4].Time {
		t.Errorf("%+v %v", user, err)
	}
	if w := get(t, s, g+"?channels=901,secret"); w.Code != 400 || !strings.Contains(w.Body.String(), `channels cannot have \"secret\"`) {
		t.Error(w.Code, w.Body)
	}
}
