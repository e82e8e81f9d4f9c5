package store_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// model is what a database must hold: records by guild and time, of which no two in a
// guild are of the same.
type model struct {
	*testing.T
	random    *rand.Rand
	path      string
	options   store.Options
	db        *store.DB
	records   map[store.ID]map[store.Micros]store.Record
	removed   map[store.ID]map[store.Micros]bool // for good
	given     []store.Record
	forgotten map[store.Person]bool
	now       int64 // counts the records
	seen      map[string]bool
	shapes    map[store.ID]store.Shape
}

var modelGuilds = []store.ID{1, 77, 1<<64 - 1}

// TestRecordsModel does at random what can happen to records, in commits of all sizes,
// and compares what is read with a plain model of it.
func TestRecordsModel(t *testing.T) {
	seen := map[string]bool{}
	t.Run("seeds", func(t *testing.T) {
		for seed := range uint64(2) {
			m := &model{
				random: rand.New(rand.NewPCG(seed, 31)), records: map[store.ID]map[store.Micros]store.Record{}, seen: map[string]bool{},
				removed: map[store.ID]map[store.Micros]bool{}, forgotten: map[store.Person]bool{}, shapes: map[store.ID]store.Shape{},
			}
			t.Cleanup(func() {
				for what := range m.seen {
					seen[what] = true
				}
			})
			if seed%2 == 1 {
				m.options.Key = key(t, 1)
			}
			t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
				t.Parallel()
				m.T, m.path = t, filepath.Join(t.TempDir(), "rollcall.db")
				m.run()
			})
		}
	})
	for _, what := range []string{
		"level 0", "level 1", "level 2", "moving", "moved some", "moved all", "merged", "in bulk", "uncounted", "a run went", "in no run",
	} {
		if !seen[what] && !t.Failed() {
			t.Errorf("it did not come to this: %s; only to %v", what, seen)
		}
	}
}

func (m *model) run() {
	m.db = openWith(m.T, m.path, m.options)
	defer func() { m.db.Close() }()
	for _, guild := range modelGuilds {
		m.records[guild], m.removed[guild] = map[store.Micros]store.Record{}, map[store.Micros]bool{}
	}
	for step := range 90 {
		switch n := m.random.IntN(100); {
		case n < 45 || step < 20:
			m.put(m.size())
		case n < 65:
			m.importLines(m.size())
		case n < 88:
			m.change()
		case n < 92:
			m.forget()
		case n < 95:
			m.sweep()
		case n < 96:
			m.removeGuild()
		case n < 98:
			m.db.Close()
			m.db = openWith(m.T, m.path, m.options)
		default:
			if _, err := m.db.Compact(context.Background(), store.CompactOptions{}); err != nil {
				m.Fatal(err)
			}
		}
		if step == 50 {
			m.put(20_000)
		}
		m.look()
		if step%30 == 29 || step == 5 {
			m.compare()
			mustBeSound(m.T, m.db)
		}
		if m.Failed() {
			m.Fatalf("step %d", step)
		}
	}
}

// size of a commit.
func (m *model) size() int {
	switch n := m.random.IntN(20); {
	case n < 9:
		return 1 + m.random.IntN(30)
	case n < 14:
		return 100 + m.random.IntN(400)
	default:
		return 1000 + m.random.IntN(1200)
	}
}

// record makes a new one, mostly later than those before.
func (m *model) record(guild store.ID) store.Record {
	m.now++
	at := m.now
	if m.random.IntN(8) == 0 {
		at = m.random.Int64N(m.now) + 1
	}
	user := 2 + store.ID(m.random.IntN(250)*m.random.IntN(250))<<40
	r := live(guild, user, 0, strings.Repeat("words and ", m.random.IntN(12)))
	if m.random.IntN(500) == 0 {
		r.Content = strings.Repeat("many words ", m.random.IntN(600))
	}
	r.Time += store.Micros(at*7e6 + m.now%7e6) // each has its own
	r.Message = store.ID(r.Time)
	return r
}

func (m *model) isForgotten(r store.Record) bool {
	return m.forgotten[store.Person{User: r.User}] || m.forgotten[store.Person{User: r.User, Guild: r.Guild}]
}

// batch makes new records, mostly of one guild, and gives some old ones again.
func (m *model) batch(n int) (batch []store.Record) {
	guild := modelGuilds[m.random.IntN(3)]
	for range n {
		if m.random.IntN(50) == 0 {
			guild = modelGuilds[m.random.IntN(3)]
		}
		batch = append(batch, m.record(guild))
	}
	return batch
}

// again adds records that were given before, of a kind.
func (m *model) again(batch []store.Record, lines bool) []store.Record {
	for range len(batch) / 10 {
		if r := m.given[m.random.IntN(len(m.given))]; (r.Source == store.SourceLog) == lines {
			batch = append(batch, r)
		}
	}
	return batch
}

func (m *model) take(batch []store.Record) (taken int) {
	for _, r := range batch {
		_, known := m.records[r.Guild][r.Time]
		if m.given = append(m.given, r); known || m.removed[r.Guild][r.Time] || m.isForgotten(r) {
			continue
		}
		m.records[r.Guild][r.Time] = r
		taken++
	}
	return taken
}

func (m *model) put(n int) {
	batch := m.batch(n)
	if len(m.given) > 0 {
		batch = m.again(batch, false)
	}
	stored, err := m.db.Put(context.Background(), store.Batch{Records: batch})
	if want := m.take(batch); err != nil || stored != want {
		m.Fatalf("%d of %d are stored, %v, want %d", stored, len(batch), err, want)
	}
}

func (m *model) importLines(n int) {
	batch := m.batch(n)
	for i := range batch {
		r := &batch[i]
		r.Message, r.Source, r.InLogs, r.Channel = 0, store.SourceLog, true, store.Channel{Name: "logs"}
	}
	batch = m.again(batch, true)
	done, err := storetest.Import(context.Background(), m.db, store.LogBatch{Records: batch})
	if want := m.take(batch); err != nil || done.Messages != int64(want) {
		m.Fatalf("%d of %d lines are stored, %v, want %d", done.Messages, len(batch), err, want)
	}
}

// change edits, redacts and removes messages, with some new ones in the same commit.
func (m *model) change() {
	batch := store.Batch{Records: m.batch(1 + m.random.IntN(20))}
	m.take(batch.Records)
	for range 1 + m.random.IntN(100) {
		r := m.given[m.random.IntN(len(m.given))]
		if r.Message == 0 {
			continue
		}
		c := of(r, store.Action(1+m.random.IntN(3)))
		if m.random.IntN(2) == 0 {
			c.User = r.User
		}
		now, known := m.records[r.Guild][r.Time]
		if c.Action == store.Edit {
			c.Content, c.Edited = strings.Repeat("other ", 1+m.random.IntN(60)), max(r.Time, now.Edited)+1
		}
		batch.Changes = append(batch.Changes, c)
		if !known {
			continue
		}
		switch {
		case c.Action == store.Remove:
			delete(m.records[r.Guild], r.Time)
			m.removed[r.Guild][r.Time] = true
			continue
		case now.Redacted:
		case c.Action == store.Edit:
			now.Content, now.Edited = c.Content, c.Edited
		case c.Action == store.Redact:
			now.Content, now.Redacted = "", true
		}
		m.records[r.Guild][r.Time] = now
	}
	mustPut(m.T, m.db, batch)
}

func (m *model) forget() {
	r := m.given[m.random.IntN(len(m.given))]
	p := store.Person{User: r.User, Guild: r.Guild}
	if m.random.IntN(2) == 0 {
		p.Guild = 0
	}
	if _, err := m.db.Forget(context.Background(), p); err != nil {
		m.Fatal(err)
	}
	m.forgotten[p] = true
	for _, records := range m.records {
		for at, r := range records {
			if m.isForgotten(r) {
				delete(records, at)
			}
		}
	}
}

func (m *model) sweep() {
	before := store.Micros(1_700_000_000e6 + m.random.Int64N(m.now)*7e6/2)
	sweep(m.T, m.db, before)
	const quarter = 900e6
	for _, records := range m.records {
		for at, r := range records {
			if r.Content != "" && at/quarter < before/quarter {
				r.Content, r.Redacted = "", true
				records[at] = r
			}
		}
	}
}

func (m *model) removeGuild() {
	guild := modelGuilds[m.random.IntN(3)]
	mustPut(m.T, m.db, store.Batch{Departed: []store.DepartedGuild{{Guild: guild, At: 1}}})
	for done := false; !done; {
		var err error
		if _, done, err = m.db.RemoveGuild(context.Background(), guild, 2); err != nil {
			m.Fatal(err)
		}
	}
	clear(m.records[guild])
	clear(m.removed[guild])
	m.given = slices.DeleteFunc(m.given, func(r store.Record) bool { return r.Guild == guild })
	if shape := shapeOf(m.T, m.db, guild); shape.Blocks > 0 || len(shape.Runs) > 0 {
		m.Errorf("of a removed guild there is %+v", shape)
	}
}

// mostRuns is how many runs a guild has at most (lsm): what a reader merges depends on it.
const mostRuns = 8

// look notes what has become of the records' places.
func (m *model) look() {
	for _, guild := range modelGuilds {
		was, is := m.shapes[guild], shapeOf(m.T, m.db, guild)
		m.shapes[guild] = is
		if len(is.Runs) > mostRuns {
			m.Errorf("guild %d has %d runs, want at most %d", guild, len(is.Runs), mostRuns)
		}
		now := map[uint32]store.RunShape{}
		for _, run := range is.Runs {
			now[run.Number] = run
			m.seen[fmt.Sprint("level ", run.Level)] = true
			m.seen["moving"] = m.seen["moving"] || run.Moving
			m.seen["uncounted"] = m.seen["uncounted"] || run.Uncounted
		}
		for _, run := range was.Runs {
			left, stays := now[run.Number]
			m.seen["moved some"] = m.seen["moved some"] || stays && run.Moving && left.Records < run.Records-500
			m.seen["moved all"] = m.seen["moved all"] || !stays && run.Moving && is.Blocks > was.Blocks
		}
		m.seen["merged"] = m.seen["merged"] || len(is.Runs) < len(was.Runs)-4 && is.Blocks >= was.Blocks && len(is.Runs) > 0
		m.seen["in bulk"] = m.seen["in bulk"] || is.Blocks > was.Blocks+1000 && len(is.Runs) == len(was.Runs)
		m.seen["a run went"] = m.seen["a run went"] || len(is.Runs) == len(was.Runs)-1
		m.seen["in no run"] = m.seen["in no run"] || is.Blocks > 0 && len(is.Runs) == 0
	}
}

// compare reads all in several ways.
func (m *model) compare() {
	for _, guild := range modelGuilds {
		var want []store.Record
		for _, r := range m.records[guild] {
			want = append(want, r)
		}
		slices.SortFunc(want, func(a, b store.Record) int { return bytes.Compare(store.RecordKey(a), store.RecordKey(b)) })
		have := all(m.T, m.db, store.Query{Guild: guild})
		m.same(fmt.Sprintf("guild %d", guild), have, want)
		if len(want) == 0 {
			continue
		}
		for range 15 {
			user := want[m.random.IntN(len(want))].User
			var his []store.Record
			for _, r := range want {
				if r.User == user {
					his = append(his, r)
				}
			}
			m.same("a user's", all(m.T, m.db, store.Query{Guild: guild, User: user}), his)
			d := store.Days{Zone: time.UTC}
			profile, known, err := m.db.Profile(context.Background(), guild, user, d, time.Unix(0, 0))
			if err != nil || !known {
				m.Fatalf("known %t, %v", known, err)
			}
			obvious, _ := obviousProfile(his, user, d, time.Unix(0, 0))
			equal(m.T, "profile", profile, obvious)
			slices.Reverse(his)
			m.same("a user's newest", m.newest(store.Query{Guild: guild, User: user}, len(his)), his)
		}
		slices.SortFunc(want, func(a, b store.Record) int { return cmp.Compare(b.Time, a.Time) })
		n := min(len(want), 3000)
		m.same("the newest", m.newest(store.Query{Guild: guild}, n), want[:n])
	}
}

// newest reads the newest records page by page, at most n and the rest of a page.
func (m *model) newest(q store.Query, n int) (records []store.Record) {
	for behind, more := (*store.Position)(nil), true; more && len(records) < n; more = behind != nil {
		page, next, err := m.db.Newest(context.Background(), q, behind, 1+m.random.IntN(200))
		if err != nil {
			m.Fatal(err)
		}
		records, behind = append(records, page...), next
	}
	return records[:min(n, len(records))]
}

func (m *model) same(what string, have, want []store.Record) {
	if slices.Equal(have, want) {
		return
	}
	at := 0
	for at < min(len(have), len(want)) && have[at] == want[at] {
		at++
	}
	m.Errorf("%s: %d records, want %d; from %d on: have %.300q, want %.300q", what, len(have), len(want), at,
		fmt.Sprint(have[at:min(at+2, len(have))]), fmt.Sprint(want[at:min(at+2, len(want))]))
}
