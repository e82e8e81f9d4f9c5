package corpus

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"rollcall/store"
)

// Options of Write.
type Options struct {
	Lines  int // of all files together
	Guilds int
	Users  int // each may write in every guild
	Days   int // of each guild
	Seed   uint64
}

// Summary is what was written.
type Summary struct {
	Files    int   `json:"files"`
	Lines    int64 `json:"lines"`
	Messages int64 `json:"messages"` // the others are skipped by a migration
	Bytes    int64 `json:"bytes"`
}

const (
	// sticky is how many of a hundred lines are of the one who wrote the line before.
	sticky = 30
	// others is how many of a thousand lines are no messages.
	others = 20
)

// begin is the first day.
var begin = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// hours is how much is written in each hour of the day (UTC).
var hours = [24]int{5, 4, 3, 2, 2, 2, 3, 4, 5, 6, 7, 8, 9, 9, 10, 11, 12, 14, 16, 18, 19, 17, 12, 8}

// Write writes the logs below root, which it makes if need be.
func Write(ctx context.Context, root string, o Options) (Summary, error) {
	if o.Lines < 1 || o.Guilds < 1 || o.Users < 1 || o.Days < 1 {
		return Summary{}, fmt.Errorf("a corpus of %d lines, %d guilds, %d users, %d days: each must be at least 1", o.Lines, o.Guilds, o.Users, o.Days)
	}
	w := &writer{Options: o, users: people(o)}
	for i, lines := range w.shares() {
		if err := ctx.Err(); err != nil {
			return w.sum, err
		}
		if lines == 0 {
			continue
		}
		if err := w.day(root, i/o.Days, i%o.Days, lines); err != nil {
			return w.sum, fmt.Errorf("write the corpus: %w", err)
		}
	}
	return w.sum, nil
}

// Users returns the ids of those who may write.
func Users(o Options) []store.ID {
	users := make([]store.ID, o.Users)
	for i, id := range people(o) {
		users[i] = store.ID(id)
	}
	return users
}

// GuildIDs returns the ids of the guilds, from the largest on.
func GuildIDs(o Options) []store.ID {
	ids := make([]store.ID, o.Guilds)
	for i := range ids {
		ids[i] = store.ID(guildID(i))
	}
	return ids
}

// End returns the beginning of the day after the last one, in UTC.
func End(o Options) time.Time { return begin.AddDate(0, 0, o.Days) }

// writer makes each day of each guild from a seed of its own.
type writer struct {
	Options
	users []uint64
	sum   Summary
}

// people returns the users' ids, which are snowflakes of the years 2015 to 2025.
func people(o Options) []uint64 {
	r := rand.New(rand.NewPCG(o.Seed, 0))
	ids := make([]uint64, o.Users)
	for i := range ids {
		ids[i] = r.Uint64N(10*365*86400*1000)<<22 | r.Uint64N(1<<22)
	}
	return ids
}

// guildID returns the id of a guild by its number.
func guildID(n int) uint64 { return 411111111111111111 + uint64(n)*1_000_000_000_007 }

// shares divides the lines among the days: the first guild has most of them, and
// no two days have as many.
func (w *writer) shares() []int {
	r := rand.New(rand.NewPCG(w.Seed, 1))
	weights := make([]float64, w.Guilds*w.Days)
	sum := 0.0
	for i := range weights {
		weights[i] = (1 + 0.6*r.Float64()) / float64(2+i/w.Days)
		sum += weights[i]
	}
	lines := make([]int, len(weights))
	upTo, given := 0.0, 0
	for i, weight := range weights {
		upTo += weight / sum
		lines[i] = int(upTo*float64(w.Lines)+0.5) - given
		given += lines[i]
	}
	return lines
}

func (w *writer) day(root string, guild, day, lines int) error {
	date := begin.AddDate(0, 0, day)
	id := strconv.FormatUint(guildID(guild), 10)
	folder := filepath.Join(root, id, date.Format("20060102"))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(folder, "info.jsonl"))
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(f, 1<<20)
	w.crowd(guild, day, id).write(buffered, date, lines, &w.sum)
	return errors.Join(buffered.Flush(), f.Close())
}

// crowd is a guild on one day.
type crowd struct {
	id       string // the guild's
	r        *rand.Rand
	talk     *Talk
	users    []uint64
	order    []int // of the users, the most talkative first
	who      *rand.Zipf
	channels []string
	where    *rand.Zipf
	line     []byte
	text     []byte
}

func (w *writer) crowd(guild, day int, id string) *crowd {
	r := rand.New(rand.NewPCG(w.Seed, uint64(guild+1)<<32|uint64(day+1)))
	c := &crowd{
		id: id, r: r, talk: NewTalk(r), users: w.users, channels: channels(),
		order: rand.New(rand.NewPCG(w.Seed, uint64(guild+1)<<32)).Perm(w.Users),
		who:   rand.NewZipf(r, 1.1, 8, uint64(w.Users-1)),
	}
	c.where = rand.NewZipf(r, 1.3, 3, uint64(len(c.channels)-1))
	return c
}

// write writes the day's lines. An error of the writer shows when it is flushed.
func (c *crowd) write(to *bufio.Writer, date time.Time, lines int, sum *Summary) {
	user, channel := 0, ""
	for i, at := range c.moments(date, lines) {
		if i == 0 || c.r.IntN(100) >= sticky {
			user, channel = c.order[c.who.Uint64()], c.channels[c.where.Uint64()]
		}
		action := "receive_message"
		if c.r.IntN(1000) < others {
			action = "send_message"
		} else {
			sum.Messages++
		}
		c.text = c.talk.Append(c.text[:0], user)
		c.append(at, channel, c.users[user], action)
		to.Write(c.line)
		sum.Lines++
		sum.Bytes += int64(len(c.line))
	}
	sum.Files++
}

// moments returns when something is written on a day, in order. No two are the
// same, so that no line is a duplicate.
func (c *crowd) moments(date time.Time, n int) []time.Time {
	var upTo [24]int
	all := 0
	for hour, much := range hours {
		all += much
		upTo[hour] = all
	}
	micros := make([]int64, n)
	for i := range micros {
		hour, _ := slices.BinarySearch(upTo[:], 1+c.r.IntN(all))
		micros[i] = int64(hour)*3600e6 + c.r.Int64N(3600e6)
	}
	slices.Sort(micros)
	times := make([]time.Time, n)
	for i := range micros {
		if i > 0 {
			micros[i] = max(micros[i], micros[i-1]+1)
		}
		times[i] = date.Add(time.Duration(micros[i]) * time.Microsecond)
	}
	return times
}

// append makes the next line, as Python's json module writes it without spaces
// and with ensure_ascii off.
func (c *crowd) append(at time.Time, channel string, user uint64, action string) {
	b := append(c.line[:0], `{"timestamp":"`...)
	layout := "2006-01-02T15:04:05.000000Z"
	if at.Nanosecond() == 0 {
		layout = "2006-01-02T15:04:05Z"
	}
	b = at.AppendFormat(b, layout)
	b = append(b, `","level":"INFO","source":"server","server_id":"`...)
	b = append(b, c.id...)
	b = append(b, `","channel_or_file":"`...)
	b = append(b, channel...)
	b = append(b, `","user_id":"`...)
	b = strconv.AppendUint(b, user, 10)
	b = append(b, `","action":"`...)
	b = append(b, action...)
	b = append(b, `","message":"`...)
	for _, ch := range c.text {
		switch ch {
		case '"', '\\':
			b = append(b, '\\', ch)
		case '\n':
			b = append(b, '\\', 'n')
		default:
			b = append(b, ch)
		}
	}
	b = append(b, `","trace_id":null,"extra":{"server_id":"`...)
	b = append(b, c.id...)
	c.line = append(b, "\"}}\n"...)
}
