package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// searched is a guild in which 30 users wrote at some of 1,000 instants of ten days, of
// which some are the first of a quarter hour.
func searched(random *rand.Rand, from, n int) (messages []store.Record, lines []store.Record) {
	for i := range n {
		r := store.Record{
			Guild: 1, User: store.ID(1 + random.IntN(30)), Time: store.Micros(random.Int64N(1000) * 900e6),
			Message: store.ID(1 + from + i), Channel: store.Channel{ID: 1, Name: fmt.Sprint("c", i%3)},
			Content: fmt.Sprint("text ", random.IntN(100)), Source: store.SourceLive,
		}
		r.Time += []store.Micros{0, 0, 1, 77e6}[random.IntN(4)]
		if i%4 == 0 {
			r.Message, r.Source, r.Channel.ID = 0, store.SourceLog, 0
			lines = append(lines, r)
		} else {
			messages = append(messages, r)
		}
	}
	return messages, lines
}

func put(t testing.TB, db *store.DB, messages, lines []store.Record, changes ...store.Change) {
	t.Helper()
	if _, err := db.Put(t.Context(), store.Batch{Records: messages, Changes: changes}); err != nil {
		t.Fatal(err)
	}
	if _, err := storetest.Import(t.Context(), db, store.LogBatch{Records: lines}); err != nil {
		t.Fatal(err)
	}
}

// gather reads all that a way to read newest first finds behind a position.
func gather(t testing.TB, behind *store.Position, limit int, way func(behind *store.Position, limit int) ([]store.Record, *store.Position, error)) (all []store.Record) {
	t.Helper()
	for {
		page, next, err := way(behind, limit)
		if err != nil || len(page) > limit {
			t.Fatalf("%d records, %v", len(page), err)
		}
		if all = append(all, page...); next == nil {
			return all
		}
		behind = next
	}
}

// A search finds what reading newest first finds, in its order, from any position, with
// any limit, in pages of any size, while messages come, change and go.
func TestSearch(t *testing.T) {
	for name, o := range map[string]store.Options{"plain": {}, "encrypted": {Key: key(t, 1)}} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			db := openWith(t, filepath.Join(t.TempDir(), "rollcall.db"), o)
			random := rand.New(rand.NewPCG(5, 6))
			for round := range 3 {
				messages, lines := searched(random, round*10_000, 1_500)
				var changes []store.Change
				for i, r := range messages {
					c := store.Change{Guild: 1, Message: r.Message, Time: r.Time, User: r.User, Content: "text edited", Edited: r.Time + 1}
					if i%5 == 0 {
						c.Action = []store.Action{store.Edit, store.Redact, store.Remove}[random.IntN(3)]
						changes = append(changes, c)
					}
				}
				put(t, db, messages, lines, changes...)
				for name, q := range map[string]store.Query{
					"all":      {Guild: 1},
					"rare":     {Guild: 1, Text: func(b []byte) bool { return string(b) == "text 42" }},
					"edited":   {Guild: 1, Text: func(b []byte) bool { return string(b) == "text edited" }},
					"absent":   {Guild: 1, Text: func([]byte) bool { return false }},
					"redacted": {Guild: 1, Match: func(r *store.Record) bool { return r.Redacted }},
					"channel":  {Guild: 1, Channel: func(c store.Channel) bool { return c.Name == "c1" && c.ID == 1 }},
					"together": {
						Guild: 1, Channel: func(c store.Channel) bool { return c.Name == "c2" },
						Text:  func(b []byte) bool { return strings.HasSuffix(string(b), "7") },
						Match: func(r *store.Record) bool { return r.User%2 == 0 },
					},
					"range":         {Guild: 1, When: store.Range{From: 100 * 900e6, To: 800*900e6 + 1}, Text: func(b []byte) bool { return strings.Contains(string(b), "3") }},
					"user":          {Guild: 1, User: 7},
					"empty range":   {Guild: 1, When: store.Range{From: 900e6, To: 900e6}},
					"no such guild": {Guild: 99},
				} {
					t.Run(fmt.Sprint(round, " ", name), func(t *testing.T) {
						behind := []*store.Position{nil}
						for range 2 {
							p := &store.Position{Time: store.Micros(random.Int64N(1000) * 900e6), User: store.ID(random.IntN(31)), Key: random.Uint64N(1<<62) << random.IntN(3)}
							behind = append(behind, p)
						}
						for _, from := range behind {
							want := gather(t, from, 10_000, func(p *store.Position, limit int) ([]store.Record, *store.Position, error) {
								return db.Newest(ctx, q, p, limit)
							})
							for _, limit := range []int{1, 7, 100, 10_000} {
								if len(want) > 40*limit {
									continue // so many pages take long
								}
								for _, page := range []int{60, 50_000} {
									have := gather(t, from, limit, func(p *store.Position, limit int) ([]store.Record, *store.Position, error) {
										return store.SearchBy(ctx, db, q, p, limit, time.Minute, 40, page)
									})
									if !slices.Equal(have, want) {
										t.Fatalf("behind %v, limit %d, page %d: have %d records, want %d", from, limit, page, len(have), len(want))
									}
								}
							}
						}
					})
				}
			}
			mustBeSound(t, db)
		})
	}
}

// inOrder is a Text that selects nothing, calls a function with how many it has seen, and
// knows whether they came newest first. The messages hold their time.
type inOrder struct {
	mu    sync.Mutex
	seen  int
	last  string
	newer int // than the one before
	then  func(seen int)
}

func (o *inOrder) text(b []byte) bool {
	o.mu.Lock()
	o.seen++
	if o.seen > 1 && string(b) > o.last {
		o.newer++
	}
	o.last = string(b)
	seen := o.seen
	o.mu.Unlock()
	if o.then != nil {
		o.then(seen)
	}
	return false
}

// quarters are messages of some users, one each quarter hour.
func quarters(users, n int) (messages []store.Record) {
	for i := range n {
		r := live(1, store.ID(1+i*7%users), i*900, "")
		r.Content = r.Time.String()
		messages = append(messages, r)
	}
	return messages
}

// What is rare is looked for in the order of users, unless the guild has more of them than
// there are messages to look through.
func TestSearchOrder(t *testing.T) {
	for users, windows := range map[int]bool{50: true, 4_901: false} {
		db := openTemp(t)
		messages := quarters(users, 5_000)
		put(t, db, messages, nil)
		var o inOrder
		q := store.Query{Guild: 1, When: store.Range{From: messages[4_000].Time, To: messages[4_999].Time + 1}, Text: o.text}
		found, next, err := store.SearchBy(t.Context(), db, q, nil, 50, time.Minute, 100, 50_000)
		if err != nil || len(found) != 0 || next != nil || o.seen != 1_000 {
			t.Errorf("found %d of %d, go on at %v, %v", len(found), o.seen, next, err)
		}
		if (o.newer > 0) != windows {
			t.Errorf("%d users: %d came before older ones", users, o.newer)
		}
	}
}

// Whatever matching takes, an answer comes in time, a window that takes longer than was
// to be expected counts for nothing, and asking on finds everything.
func TestSearchPatience(t *testing.T) {
	db := openTemp(t)
	put(t, db, quarters(20, 3_000), nil)
	oldest := live(1, 20, 0, "").Time.String()
	synctest.Test(t, func(t *testing.T) {
		var o inOrder
		slow := func(b []byte) bool {
			o.text(b)
			if string(b) < "2023-12-10" { // the older half
				time.Sleep(10 * time.Millisecond)
			}
			return string(b) == oldest
		}
		var found []store.Record
		var behind *store.Position
		for pages := 1; ; pages++ {
			begin := time.Now()
			page, next, err := store.SearchBy(t.Context(), db, store.Query{Guild: 1, Text: slow}, behind, 50, 2*time.Second, 100, 50_000)
			if took := time.Since(begin); err != nil || took > 2*time.Second+200*time.Millisecond {
				t.Fatalf("page %d took %s, %v", pages, took, err)
			}
			found = append(found, page...)
			if behind = next; next == nil {
				break
			}
			if pages > 100 {
				t.Fatal("no end")
			}
		}
		if len(found) != 1 || o.newer == 0 || o.seen < 3_100 {
			t.Errorf("found %d; %d were looked at, %d before older ones", len(found), o.seen, o.newer)
		}
	})
}

// A search ends soon after its caller has gone, since it holds no transaction for long:
// neither where matching takes long, nor over many records.
func TestSearchCancelled(t *testing.T) {
	db := openTemp(t)
	put(t, db, quarters(2, 3_000), nil)
	for _, c := range []struct {
		page, most int // records after the caller has gone
		each       time.Duration
	}{{50_000, 1_000, 50 * time.Millisecond}, {20, 40, 0}} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var begin time.Time
			o := inOrder{}
			o.then = func(seen int) {
				if seen == 500 {
					begin = time.Now()
					cancel()
				}
				if seen >= 500 {
					time.Sleep(c.each)
				}
			}
			q := store.Query{Guild: 1, Match: func(r *store.Record) bool { return o.text([]byte(r.Content)) }}
			_, _, err := store.SearchBy(ctx, db, q, nil, 50, time.Hour, 100, c.page)
			if took := time.Since(begin); !errors.Is(err, context.Canceled) || o.newer == 0 || took > time.Second || o.seen > 500+c.most {
				t.Errorf("ended after %s and %d records, %v; %d came before older ones", took, o.seen-500, err, o.newer)
			}
		})
	}
}

// Damaged records are left out, and counted as often as they are met.
func TestSearchDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	messages := quarters(20, 3_000)
	put(t, db, messages, nil)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	file := readFile(t, path)
	for i := 10; i < len(messages); i += 500 {
		file = flip(file, strings.LastIndex(string(file), messages[i].Content))
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if db, err = store.Open(path, store.Options{}); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	q := store.Query{Guild: 1}
	want := gather(t, nil, 10_000, func(p *store.Position, limit int) ([]store.Record, *store.Position, error) {
		return db.Newest(t.Context(), q, p, limit)
	})
	met := db.Damaged()
	have := gather(t, nil, 10_000, func(p *store.Position, limit int) ([]store.Record, *store.Position, error) {
		return store.SearchBy(t.Context(), db, q, p, limit, time.Minute, 100, 50_000)
	})
	if !slices.Equal(have, want) || met < 6 || db.Damaged() != 2*met || len(have) > len(messages)-6 {
		t.Errorf("have %d, want %d of %d; counted %d, then %d", len(have), len(want), len(messages), met, db.Damaged()-met)
	}
}

// What stays while others come and go is found once, in order.
func TestSearchWhileWriting(t *testing.T) {
	db := openTemp(t)
	random := rand.New(rand.NewPCG(7, 8))
	messages := quarters(20, 3_000)
	put(t, db, messages, nil)
	var gone []store.Record
	var stays []string
	for i, r := range slices.Backward(messages) {
		if i%10 == 0 {
			gone = append(gone, r)
		} else {
			stays = append(stays, r.Content)
		}
	}
	n := 10_000
	var have []string
	var behind *store.Position
	for {
		page, next, err := store.SearchBy(t.Context(), db, store.Query{Guild: 1}, behind, 70, time.Minute, 40, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			if r.Content != "new" && slices.Contains(stays, r.Content) {
				have = append(have, r.Content)
			}
		}
		if behind = next; next == nil {
			break
		}
		var changes []store.Change
		var fresh []store.Record
		for range 5 {
			if n++; len(gone) > 0 {
				i := random.IntN(len(gone))
				r := gone[i]
				gone = slices.Delete(gone, i, i+1)
				changes = append(changes, store.Change{Guild: 1, Message: r.Message, Time: r.Time, User: r.User, Action: store.Remove})
			}
			r := live(1, store.ID(1+random.IntN(40)), random.IntN(3_000*900), "new")
			r.Message = store.ID(n)
			fresh = append(fresh, r)
		}
		put(t, db, fresh, nil, changes...)
	}
	if !slices.Equal(have, stays) {
		t.Errorf("have %d, want %d", len(have), len(stays))
	}
}

// BenchmarkSearch looks through a guild of 200,000 messages of 10,000 users for what many
// messages hold, what few do, and what none does.
func BenchmarkSearch(b *testing.B) {
	const n, users = 200_000, 10_000
	db := openWith(b, filepath.Join(b.TempDir(), "rollcall.db"), store.Options{})
	random := rand.New(rand.NewPCG(1, 2))
	lines := make([]store.Record, n)
	for i := range lines {
		lines[i] = logged(1, store.ID(1+int(users*random.Float64()*random.Float64())), i*150, "general", fmt.Sprintf("what was said, number %06d", i))
	}
	put(b, db, nil, lines)
	for _, word := range []string{"said", "9999", "absent"} {
		for how, way := range map[string]func(store.Query, *store.Position, int) ([]store.Record, *store.Position, error){
			"search": func(q store.Query, p *store.Position, limit int) ([]store.Record, *store.Position, error) {
				return db.Search(b.Context(), q, p, limit, time.Minute)
			},
			"newest": func(q store.Query, p *store.Position, limit int) ([]store.Record, *store.Position, error) {
				return db.Newest(b.Context(), q, p, limit)
			},
		} {
			b.Run(word+"/"+how, func(b *testing.B) {
				q := store.Query{Guild: 1, Text: func(text []byte) bool { return bytes.Contains(text, []byte(word)) }}
				for b.Loop() {
					found := 0
					for behind := (*store.Position)(nil); ; {
						page, next, err := way(q, behind, 50-found)
						if err != nil {
							b.Fatal(err)
						}
						found += len(page)
						if behind = next; next == nil || found == 50 {
							break
						}
					}
				}
			})
		}
	}
}
