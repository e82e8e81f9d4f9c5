package store_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// truth is an obvious model of the store: all messages as they were first seen, and all
// log lines ever given, paired by taking the best pair again and again; and what has
// become of messages since.
type truth struct {
	messages  map[store.ID]store.Record // by message id
	uncounted map[store.ID]bool
	removed   map[store.ID]bool
	now       map[store.ID]store.Record // of messages that were changed
	early     map[store.ID]store.Change // of messages that are not there yet
	lines     map[line]*told
	salt      []byte
}

// line is what tells lines apart.
type line struct {
	guild, user      store.ID
	time             store.Micros
	channel, content string
}

// told is what else there is of a line.
type told struct {
	channel  store.ID // 0 if not known
	textless bool     // nobody knows any more what it said
}

func newTruth(salt []byte) *truth {
	return &truth{
		map[store.ID]store.Record{}, map[store.ID]bool{}, map[store.ID]bool{}, map[store.ID]store.Record{},
		map[store.ID]store.Change{}, map[line]*told{}, salt,
	}
}

func lineOf(r store.Record) line { return line{r.Guild, r.User, r.Time, r.Channel.Name, r.Content} }

// put takes in messages, one after the other in the order in which the store does.
func (m *truth) put(records []store.Record, uncounted bool) {
	records = slices.Clone(records)
	slices.SortStableFunc(records, func(a, b store.Record) int {
		return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Time, b.Time), cmp.Compare(a.Message, b.Message))
	})
	for _, r := range records {
		if _, known := m.messages[r.Message]; known {
			continue
		}
		if m.uncounted[r.Message] = uncounted; r.Redacted && !uncounted {
			changed := r
			changed.Content = ""
			m.now[r.Message] = changed
		}
		r.Redacted = false
		m.messages[r.Message] = r
		m.strip()
		if c, ok := m.early[r.Message]; ok && !uncounted {
			delete(m.early, r.Message)
			m.change(c)
		}
	}
}

// add takes in lines. One that takes the message of another one leaves it what the two
// said, if anybody knows that.
func (m *truth) add(records []store.Record) {
	records = slices.Clone(records)
	slices.SortStableFunc(records, func(a, b store.Record) int {
		return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Time, b.Time), cmp.Compare(m.key(lineOf(a)), m.key(lineOf(b))))
	})
	for _, r := range records {
		l := lineOf(r)
		if m.lines[l] != nil {
			continue
		}
		_, before := m.pairs()
		m.lines[l] = &told{r.Channel.ID, r.Redacted}
		pairs, _ := m.pairs()
		for has := true; has; {
			p, paired := pairs[l]
			if !paired {
				break
			}
			var other pair
			if other, has = before[p.message.Message]; !has || other.line == l {
				break
			}
			if t := m.lines[other.line]; other.tier < 2 {
				t.textless = r.Redacted || m.isHashed(p.message.Message) && m.lines[l].textless
			}
			l = other.line
		}
		m.strip()
	}
}

// isHashed reports whether the store knows no more what a message said first.
func (m *truth) isHashed(id store.ID) bool {
	_, changed := m.now[id]
	return changed || m.uncounted[id] || m.removed[id]
}

// strip takes the texts of lines that said something else than their messages, of which
// none are to be kept.
func (m *truth) strip() {
	pairs, _ := m.pairs()
	for l, p := range pairs {
		if id := p.message.Message; p.tier == 2 && (m.now[id].Redacted || m.removed[id] || m.uncounted[id]) {
			m.lines[l].textless = true
		}
	}
}

// change does what has happened to a message, or keeps it until the message comes: the
// strongest, and of edits the last.
func (m *truth) change(c store.Change) {
	r, known := m.messages[c.Message]
	if before, ok := m.early[c.Message]; !known && (!ok || before.Action < c.Action || before.Action == c.Action && before.Edited <= c.Edited) {
		m.early[c.Message] = c
	}
	if changed, ok := m.now[c.Message]; ok {
		r = changed
	}
	if !known || m.uncounted[c.Message] || m.removed[c.Message] || r.Redacted && c.Action != store.Remove {
		return
	}
	switch c.Action {
	case store.Edit:
		if c.Edited < r.Edited || c.Edited == r.Edited && c.Content == r.Content {
			return
		}
		r.Content, r.Edited = c.Content, c.Edited
	case store.Redact:
		r.Content, r.Redacted = "", true
	case store.Remove:
		m.removed[c.Message] = true
	}
	m.now[c.Message] = r
	m.strip()
}

func (m *truth) key(l line) uint64 { return store.LogKey(m.salt, l.channel, l.content) }

type pair struct {
	tier     int
	distance store.Micros
	line     line
	message  store.Record
}

// tier tells how well a line and a message agree; ok is false if they cannot be one.
func (m *truth) tier(l line, r store.Record) (tier int, ok bool) {
	late, id := l.time-r.Time, m.lines[l].channel
	if l.guild != r.Guild || l.user != r.User || late < -5e6 || late > 60e6 {
		return 0, false
	}
	if id == youngChannel { // it was found by its name, and cannot be true
		id = 0
	}
	if id != 0 && id != r.Channel.ID {
		return 0, false
	}
	here := id == r.Channel.ID || l.channel == r.Channel.Name
	switch {
	case l.content == r.Content && here:
		return 0, true
	case late > 15e6:
		return 0, false
	case l.content == r.Content:
		return 1, true
	}
	return 2, here && r.Edited != 0
}

// pairs returns the pairs by line and by message.
func (m *truth) pairs() (map[line]pair, map[store.ID]pair) {
	var all []pair
	for l := range m.lines {
		for _, r := range m.messages {
			if tier, ok := m.tier(l, r); ok {
				all = append(all, pair{tier, max(l.time-r.Time, r.Time-l.time), l, r})
			}
		}
	}
	slices.SortFunc(all, func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.tier, b.tier), cmp.Compare(a.distance, b.distance), cmp.Compare(a.line.time, b.line.time),
			cmp.Compare(m.key(a.line), m.key(b.line)), cmp.Compare(a.message.Time, b.message.Time), cmp.Compare(a.message.Message, b.message.Message))
	})
	ofLine, ofMessage := map[line]pair{}, map[store.ID]pair{}
	for _, p := range all {
		_, taken := ofLine[p.line]
		if _, has := ofMessage[p.message.Message]; !taken && !has {
			ofLine[p.line], ofMessage[p.message.Message] = p, p
		}
	}
	return ofLine, ofMessage
}

// expected returns what the store must hold.
func (m *truth) expected() map[string]int {
	ofLine, ofMessage := m.pairs()
	want := map[string]int{}
	for id, r := range m.messages {
		if m.removed[id] || m.uncounted[id] {
			continue
		}
		if changed, ok := m.now[id]; ok {
			r = changed
		}
		_, inLogs := ofMessage[id]
		want[describe(r, inLogs)]++
	}
	for l, t := range m.lines {
		if _, taken := ofLine[l]; taken {
			continue
		}
		r := store.Record{
			Guild: l.guild, User: l.user, Time: l.time, Channel: store.Channel{ID: t.channel, Name: l.channel}, Content: l.content,
			Source: store.SourceLog, Redacted: t.textless,
		}
		if r.Redacted {
			r.Content = ""
		}
		want[describe(r, true)]++
	}
	return want
}

func describe(r store.Record, inLogs bool) string {
	return fmt.Sprintf("%d %d %d %d %v %q %d logs:%t redacted:%t edited:%d", r.Guild, r.User, r.Time, r.Message, r.Channel, r.Content, r.Source, inLogs, r.Redacted, r.Edited)
}

// TestReconcile gives random messages and lines, some of them again, in random
// order and batches: of two channels that were renamed, and whose ids the logs may know, some
// edited before they were seen, some that do not count. It redacts, removes and edits some of
// them, also before they come, with the database closed and opened in between, and
// compares with the model after every batch.
func TestReconcile(t *testing.T) {
	for seed := range uint64(120) {
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
			model := newTruth(store.Salt(db))
			span := []int64{20e6, 120e6, 1200e6}[seed%3]
			given := []store.Record{}
			said := map[store.ID]string{} // a message says one thing
			for range 12 {
				var live, uncounted, logs []store.Record
				for range 1 + random.IntN(12) {
					r := randomRecord(random, span)
					if len(given) > 0 && random.IntN(4) == 0 {
						r = given[random.IntN(len(given))]
					}
					if first, again := said[r.Message]; again && r.Message != 0 {
						r.Content = first
					}
					said[r.Message] = r.Content
					given = append(given, r)
					r.Redacted = random.IntN(16) == 0
					switch {
					case r.Source == store.SourceLog:
						logs = append(logs, r)
					case r.Message%5 == 4:
						r.Edited, r.Redacted = 0, false
						uncounted = append(uncounted, r)
					default:
						live = append(live, r)
					}
				}
				model.put(live, false)
				model.put(uncounted, true)
				changes := randomChanges(random, append(given, randomRecord(random, span), randomRecord(random, span)))
				for _, c := range changes {
					model.change(c)
				}
				if _, err := db.Put(context.Background(), store.Batch{Records: live, Uncounted: uncounted, Changes: changes}); err != nil {
					t.Fatal(err)
				}
				model.add(logs)
				if _, err := storetest.Import(context.Background(), db, store.LogBatch{Records: logs}); err != nil {
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
					for what, n := range want {
						if have[what] != n {
							t.Errorf("want %d, have %d: %s", n, have[what], what)
						}
					}
					for what, n := range have {
						if want[what] == 0 {
							t.Errorf("want none, have %d: %s", n, what)
						}
					}
					t.FailNow()
				}
				mustBeSound(t, db)
			}
		})
	}
}

// A file of before messages and lines were paired by preference is paired once it has
// been brought up to date, in steps between which it may be closed.
func TestPairAgain(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 2))
			path := filepath.Join(t.TempDir(), "rollcall.db")
			db := openWith(t, path, store.Options{})
			model := newTruth(store.Salt(db))
			var records []store.Record
			for range 60 + 1200*(seed%2) {
				r := randomRecord(random, int64(120e6+2000e6*(seed%2)))
				_, known := model.messages[r.Message]
				switch isLine := r.Source == store.SourceLog; {
				case isLine && model.lines[lineOf(r)] == nil:
					model.lines[lineOf(r)] = &told{channel: r.Channel.ID}
				case !isLine && !known:
					model.messages[r.Message] = r
				default:
					continue
				}
				records = append(records, r)
			}
			if err := store.MakeOld(db, records...); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			db = openWith(t, path, store.Options{})
			tasks, err := db.Tasks(context.Background())
			if err != nil || len(tasks) != 2 {
				t.Fatalf("there are the tasks %v, %v, want one for each guild", tasks, err)
			}
			for _, task := range tasks {
				for done := false; !done; {
					if _, done, err = db.Step(context.Background(), task); err != nil {
						t.Fatal(err)
					}
				}
				mustBeSound(t, db)
				db.Close()
				db = openWith(t, path, store.Options{})
			}
			have := map[string]int{}
			for _, r := range all(t, db, store.Query{}) {
				have[describe(r, r.InLogs)]++
			}
			if want := model.expected(); !maps.Equal(have, want) {
				for what, n := range want {
					if have[what] != n {
						t.Errorf("want %d, have %d: %s", n, have[what], what)
					}
				}
			}
			if tasks, err = db.Tasks(context.Background()); err != nil || len(tasks) != 0 {
				t.Errorf("there still are the tasks %v, %v", tasks, err)
			}
		})
	}
}

// randomChanges makes some changes of messages that were given, or will be: as long as
// they are not there nothing comes of it. Discord tells the times of edits to the
// millisecond, and several edits of a message fall into the same one: the later one to
// arrive counts.
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
			c.Content, c.Edited = []string{"lol", "hi", "something else"}[random.IntN(3)], r.Time+store.Micros(random.IntN(3)*1e3)
		}
		changes = append(changes, c)
	}
	return changes
}

// youngChannel was made years after all that is said in this test.
const youngChannel = store.ID(400_000_000_000 << 22)

func randomRecord(random *rand.Rand, span int64) store.Record {
	r := store.Record{
		Guild: store.ID(1 + random.IntN(2)), User: store.ID(1 + random.IntN(2)),
		Time:    store.Micros(1_700_000_000e6 + random.Int64N(span)/250e3*250e3),
		Channel: store.Channel{ID: store.ID(7 + random.IntN(8)/7)},
		Content: []string{"lol", "hi", "", "hi there"}[random.IntN(8)/2*random.IntN(8)/7],
		Source:  store.SourceLog,
	}
	r.Channel.Name = [][]string{{"general", "lounge", "unknown"}, {"random", "general"}}[r.Channel.ID-7][random.IntN(8)/6]
	if random.IntN(2) == 0 {
		r.Source = store.SourceLive
		// An id stands for one message: its guild, user and time follow from it here.
		r.Message = store.ID(uint64(r.Time)*1000+uint64(r.Guild)*400+uint64(r.User)*100) + store.ID(random.IntN(8))
		if random.IntN(4) == 0 {
			r.Edited = r.Time + 1e3
		}
	} else if n := random.IntN(8); n < 5 {
		r.Channel.ID = 0
	} else if n == 5 {
		r.Channel.ID = youngChannel
	}
	return r
}
