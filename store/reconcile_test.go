package store_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"rollcall/store"
)

// truth is an obvious model of the store: all messages as they were first, and all log
// lines ever given, paired by taking the nearest pair again and again; and what has
// become of messages since.
type truth struct {
	messages map[store.ID]store.Record // by guild and message id, see id
	lines    map[line]bool
	removed  map[store.ID]bool
	now      map[store.ID]store.Record // of messages that were changed
}

func newTruth() truth {
	return truth{map[store.ID]store.Record{}, map[line]bool{}, map[store.ID]bool{}, map[store.ID]store.Record{}}
}

// put takes in a message.
func (m truth) put(r store.Record) {
	if _, known := m.messages[r.Message]; !known && r.Redacted {
		changed := r
		changed.Content = ""
		m.now[r.Message] = changed
	}
	r.Redacted = false
	if _, known := m.messages[r.Message]; !known {
		m.messages[r.Message] = r
	}
}

// change does what has happened to a message, if it is there.
func (m truth) change(c store.Change) {
	r, known := m.messages[c.Message]
	if changed, ok := m.now[c.Message]; ok {
		r = changed
	}
	if !known || r.Redacted && c.Action != store.Remove {
		return
	}
	switch c.Action {
	case store.Edit:
		if c.Edited <= r.Edited || c.Content == r.Content {
			return
		}
		r.Content, r.Edited = c.Content, c.Edited
	case store.Redact:
		r.Content, r.Redacted = "", true
	case store.Remove:
		m.removed[c.Message] = true
	}
	m.now[c.Message] = r
}

type line struct {
	guild, user      store.ID
	time             store.Micros
	channel, content string
}

func lineOf(r store.Record) line { return line{r.Guild, r.User, r.Time, r.Channel.Name, r.Content} }

// expected returns what the store must hold: "message id" or "line" by place,
// and whether the logs had it.
func (m truth) expected() map[string]int {
	type pair struct {
		distance store.Micros
		line     line
		message  store.Record
	}
	var pairs []pair
	for l := range m.lines {
		for _, r := range m.messages {
			a, b := l, lineOf(r)
			a.time, b.time = 0, 0
			if late := l.time - r.Time; a == b && late >= -5e6 && late <= 60e6 {
				pairs = append(pairs, pair{max(late, -late), l, r})
			}
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		for _, d := range []int64{
			int64(a.distance - b.distance), int64(a.line.time - b.line.time),
			int64(a.message.Time - b.message.Time), int64(a.message.Message) - int64(b.message.Message),
		} {
			if d != 0 {
				return int(min(max(d, -1), 1))
			}
		}
		return 0
	})
	taken, inLogs := map[line]bool{}, map[store.ID]bool{}
	for _, p := range pairs {
		if !taken[p.line] && !inLogs[p.message.Message] {
			taken[p.line], inLogs[p.message.Message] = true, true
		}
	}
	want := map[string]int{}
	for id, r := range m.messages {
		if m.removed[id] {
			continue
		}
		if changed, ok := m.now[id]; ok {
			r = changed
		}
		want[describe(r, inLogs[id])]++
	}
	for l := range m.lines {
		if !taken[l] {
			want[describe(store.Record{Guild: l.guild, User: l.user, Time: l.time, Channel: store.Channel{Name: l.channel}, Content: l.content, Source: store.SourceLog}, true)]++
		}
	}
	return want
}

func describe(r store.Record, inLogs bool) string {
	return fmt.Sprintf("%d %d %d %d %v %q %d logs:%t redacted:%t edited:%d", r.Guild, r.User, r.Time, r.Message, r.Channel, r.Content, r.Source, inLogs, r.Redacted, r.Edited)
}

// TestReconcile gives random messages and lines, some of them again, in random
// order and batches, redacts, removes and edits some of them, also before they come,
// with the database closed and opened in between, and compares with the model after
// every batch.
func TestReconcile(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			path := filepath.Join(t.TempDir(), "rollcall.db")
			o := store.Options{}
			if seed%2 == 1 {
				o.Key = key(t, 1)
			}
			db, err := store.Open(path, o)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { db.Close() }()
			model := newTruth()
			span := []int64{20e6, 120e6, 1200e6}[seed%3]
			given := []store.Record{}
			for range 12 {
				var live, logs []store.Record
				for range 1 + random.IntN(12) {
					r := randomRecord(random, span)
					if len(given) > 0 && random.IntN(4) == 0 {
						r = given[random.IntN(len(given))]
					}
					given = append(given, r)
					if r.Source == store.SourceLog {
						logs = append(logs, r)
						model.lines[lineOf(r)] = true
					} else {
						r.Redacted = random.IntN(16) == 0
						live = append(live, r)
						model.put(r)
					}
				}
				changes := randomChanges(random, given)
				for _, c := range changes {
					model.change(c)
				}
				if _, err := db.Put(context.Background(), store.Batch{Records: live, Changes: changes}); err != nil {
					t.Fatal(err)
				}
				if _, err := db.Import(context.Background(), store.LogBatch{Records: logs}); err != nil {
					t.Fatal(err)
				}
				if random.IntN(3) == 0 {
					if err := db.Close(); err != nil {
						t.Fatal(err)
					}
					if db, err = store.Open(path, o); err != nil {
						t.Fatal(err)
					}
				}
				have := map[string]int{}
				for _, r := range all(t, db, store.Query{}) {
					have[describe(r, r.InLogs)]++
				}
				if want := model.expected(); !maps.Equal(have, want) {
					t.Fatalf("have %v\nwant %v", have, want)
				}
				mustBeSound(t, db)
			}
		})
	}
}

// randomChanges makes some changes of messages that were given, or will be: as long as
// they are not there nothing comes of it.
func randomChanges(random *rand.Rand, given []store.Record) (changes []store.Change) {
	for range random.IntN(4) {
		r := given[random.IntN(len(given))]
		if r.Source == store.SourceLog {
			continue
		}
		c := store.Change{Guild: r.Guild, Message: r.Message, Time: r.Time - r.Time%1e3, Action: store.Action(1 + random.IntN(3)), User: r.User}
		if random.IntN(2) == 0 {
			c.User = 0
		}
		if c.Action == store.Edit {
			c.Content, c.Edited = []string{"lol", "hi", "something else"}[random.IntN(3)], r.Time+store.Micros(random.IntN(1000))
		}
		changes = append(changes, c)
	}
	return changes
}

func randomRecord(random *rand.Rand, span int64) store.Record {
	r := store.Record{
		Guild: store.ID(1 + random.IntN(2)), User: store.ID(1 + random.IntN(2)),
		Time:    store.Micros(1_700_000_000e6 + random.Int64N(span)/250e3*250e3),
		Channel: store.Channel{Name: []string{"general", "random"}[random.IntN(8)/7]},
		Content: []string{"lol", "hi"}[random.IntN(6)/5],
		Source:  store.SourceLog,
	}
	if random.IntN(2) == 0 {
		r.Source = store.SourceLive
		r.Channel.ID = 7
		// An id stands for one message: its guild, user and time follow from it here.
		r.Message = store.ID(uint64(r.Time)*100 + uint64(r.Guild)*50 + uint64(r.User)*10)
		if r.Channel.Name == "random" {
			r.Message++
		}
		if r.Content == "hi" {
			r.Message += 2
		}
	}
	return r
}
