package endtoend_test

import (
	"bytes"
	"compress/gzip"
	"container/heap"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"rollcall/internal/simulator"
)

// otherBot is the bot that logs beside us: what it hears it writes a moment later into
// the files of its days, in pieces that end anywhere.
type otherBot struct {
	t    *testing.T
	root string

	mu     sync.Mutex
	random *rand.Rand
	due    lines             // heard, and to be written when its time has come
	rest   map[string][]byte // by file: what is written but not yet flushed
	logged []line            // all that was ever written and counts
	dates  map[simulator.ID]string
}

// line is a message in the logs.
type line struct {
	guild, user      simulator.ID
	channel, content string
	at               time.Time // UTC, µs
}

// lines is a heap by time.
type lines []line

func (l lines) Len() int           { return len(l) }
func (l lines) Less(i, j int) bool { return l[i].at.Before(l[j].at) }
func (l lines) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }
func (l *lines) Push(x any)        { *l = append(*l, x.(line)) }
func (l *lines) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}

func newOtherBot(t *testing.T, root string, seed uint64) *otherBot {
	if err := os.MkdirAll(root, 0o755); err != nil {
		t.Fatal(err)
	}
	return &otherBot{
		t: t, root: root, random: rand.New(rand.NewPCG(seed, 1)),
		rest: map[string][]byte{}, dates: map[simulator.ID]string{},
	}
}

// heard notes a message that is written so much after its own time.
func (b *otherBot) heard(m simulator.Message, delay time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	heap.Push(&b.due, line{m.Guild, m.Author, m.ChannelName, m.Content, m.Time.Add(delay)})
}

// run writes what is due until ctx is done, and then all the rest at once.
func (b *otherBot) run(ctx context.Context) (wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticks := time.NewTicker(20 * time.Millisecond)
		defer ticks.Stop()
		for {
			select {
			case now := <-ticks.C:
				b.write(now, false)
			case <-ctx.Done():
				b.write(time.Now().Add(time.Hour), true)
				return
			}
		}
	}()
	return func() { <-done }
}

// write writes what is due at a moment. Unless it is the last time, a part of each
// file's new bytes is held back, as a buffer does.
func (b *otherBot) write(now time.Time, last bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.due) > 0 && !b.due[0].at.After(now) {
		l := heap.Pop(&b.due).(line)
		file := b.file(l)
		b.rest[file] = b.append(b.rest[file], l)
	}
	for file, text := range b.rest {
		n := len(text)
		if !last {
			n -= b.random.IntN(n/2 + 1)
		}
		if n > 0 {
			b.flush(file, text[:n])
			b.rest[file] = text[n:]
		}
	}
}

// file is where a line belongs. b.mu is held.
func (b *otherBot) file(l line) string {
	date := l.at.Format("20060102")
	if today := time.Now().UTC().Format("20060102"); date < today {
		b.dates[l.guild] = max(b.dates[l.guild], date)
	}
	return filepath.Join(b.root, l.guild.String(), date, "info.jsonl")
}

// append adds a line, and now and then one that changes nothing: the same again, or one
// that is no message. b.mu is held.
func (b *otherBot) append(text []byte, l line) []byte {
	b.logged = append(b.logged, l)
	text = appendLine(text, l)
	switch b.random.IntN(60) {
	case 0:
		text = appendLine(text, l)
	case 1:
		text = append(text, `{"timestamp":"2026-05-11T06:30:00Z","action":"send_message","message":"x"}`+"\n"...)
	case 2:
		text = append(text, "this line is damaged\n"...)
	case 3:
		text = append(text, '\n')
	}
	return text
}

// appendLine writes a line as the other bot does.
func appendLine(text []byte, l line) []byte {
	type extra struct {
		Server simulator.ID `json:"server_id"`
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.Encode(struct { // into memory: cannot fail
		Timestamp string       `json:"timestamp"`
		Level     string       `json:"level"`
		Source    string       `json:"source"`
		Server    simulator.ID `json:"server_id"`
		Channel   string       `json:"channel_or_file"`
		User      simulator.ID `json:"user_id"`
		Action    string       `json:"action"`
		Message   string       `json:"message"`
		Trace     *string      `json:"trace_id"`
		Extra     extra        `json:"extra"`
	}{
		l.at.Format("2006-01-02T15:04:05.999999Z"), "INFO", "server", l.guild, l.channel, l.user,
		"receive_message", l.content, nil, extra{l.guild},
	})
	return append(text, b.Bytes()...)
}

func (b *otherBot) flush(file string, text []byte) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		b.t.Error(err)
		return
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		b.t.Error(err)
		return
	}
	_, err = f.Write(text)
	if cerr := f.Close(); err != nil || cerr != nil {
		b.t.Error(err, cerr)
	}
}

// years fills the logs with what the other bot heard in a guild on past days, together
// with what it has heard of before today; some new files are compressed.
func (b *otherBot) years(w *world, guild *simulator.Guild, days, perDay int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	files := map[string]lines{}
	put := func(l line) { files[b.file(l)] = append(files[b.file(l)], l) }
	midnight := time.Now().UTC().Truncate(24 * time.Hour)
	first := 1 + b.random.IntN(300)
	for day := range days {
		begin := midnight.AddDate(0, 0, -first-day)
		if exists(b.file(line{guild: guild.ID, at: begin}) + ".gz") {
			continue
		}
		for range perDay {
			put(line{
				guild.ID, w.people[b.random.IntN(len(w.people))].ID, []string{"general", "random", "long gone"}[b.random.IntN(3)],
				[]string{"lol", "gg", fmt.Sprint("old words ", b.random.Uint64())}[b.random.IntN(3)],
				begin.Add(time.Duration(b.random.Int64N(24*3600*1e6)) * time.Microsecond),
			})
		}
	}
	for len(b.due) > 0 && b.due[0].at.Before(midnight) {
		put(heap.Pop(&b.due).(line))
	}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		all := files[file]
		slices.SortFunc(all, func(x, y line) int { return x.at.Compare(y.at) })
		var text []byte
		for _, l := range all {
			text = b.append(text, l)
		}
		if b.random.IntN(3) == 0 && !exists(file) {
			var packed bytes.Buffer
			z := gzip.NewWriter(&packed)
			z.Write(text) // into memory: cannot fail
			z.Close()
			file, text = file+".gz", packed.Bytes()
		}
		b.flush(file, text)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
