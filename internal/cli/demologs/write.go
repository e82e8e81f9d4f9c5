package demologs

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Saying is a message that a log line tells of. Ids are decimal.
type Saying struct {
	Channel string // by name
	User    string // by id
	Text    string
}

// Options of Write.
type Options struct {
	Guilds []string // ids
	Days   int      // how many days, of which the last is that of Until
	PerDay int      // messages a day and guild, on average
	Until  time.Time
	// Say returns something that is said in a guild.
	Say func(guild string) Saying
}

// Summary is what was written.
type Summary struct {
	Files, Messages int
	Bytes           int64 // before compression
}

// compressedDays is how many of the first days an operator has compressed since.
const compressedDays = 7

// line is a line of the log, its keys in the order in which the bot wrote them.
type line struct {
	Timestamp string            `json:"timestamp"`
	Level     string            `json:"level"`
	Source    string            `json:"source"`
	Server    string            `json:"server_id"`
	Channel   string            `json:"channel_or_file"`
	User      string            `json:"user_id"`
	Action    string            `json:"action"`
	Message   string            `json:"message"`
	Trace     *string           `json:"trace_id"`
	Extra     map[string]string `json:"extra"`
}

// Write writes the logs below root, which it makes.
func Write(root string, o Options) (Summary, error) {
	r := rand.New(rand.NewPCG(1, 2))
	until := o.Until.UTC()
	today := until.Truncate(24 * time.Hour)
	var sum Summary
	for back := o.Days - 1; back >= 0; back-- {
		day := today.AddDate(0, 0, -back)
		for _, guild := range o.Guilds {
			times := moments(r, day, until, o.PerDay)
			folder := filepath.Join(root, guild, day.Format("20060102"))
			n, err := writeDay(folder, o.Days-1-back < compressedDays, guild, times, o.Say)
			if err != nil {
				return sum, fmt.Errorf("write logs of %s: %w", day.Format(time.DateOnly), err)
			}
			sum.Files++
			sum.Messages += len(times)
			sum.Bytes += n
		}
	}
	return sum, nil
}

// moments returns when something is said on a day, before until: mostly in the
// evening, more on some days than on others.
func moments(r *rand.Rand, day, until time.Time, average int) []time.Time {
	var times []time.Time
	for range average/2 + r.IntN(average+1) {
		hour := 18 + 3.5*r.NormFloat64()
		at := day.Add(time.Duration(hour * float64(time.Hour))).Truncate(time.Microsecond)
		if at.Before(day) || !at.Before(day.AddDate(0, 0, 1)) || !at.Before(until) {
			continue
		}
		times = append(times, at)
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// writeDay writes one day of one guild and returns its size before compression.
func writeDay(folder string, compress bool, guild string, times []time.Time, say func(string) Saying) (n int64, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return 0, err
	}
	name := "info.jsonl"
	if compress {
		name += ".gz"
	}
	f, err := os.OpenFile(filepath.Join(folder, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	if compress {
		z := gzip.NewWriter(f)
		n, err = writeLines(z, guild, times, say)
		err = errors.Join(err, z.Close())
	} else {
		n, err = writeLines(f, guild, times, say)
	}
	return n, errors.Join(err, f.Close())
}

// writeLines writes a line for each time, and the odd one that is no message.
func writeLines(w io.Writer, guild string, times []time.Time, say func(string) Saying) (int64, error) {
	buffered := bufio.NewWriter(w)
	count := &counter{w: buffered}
	encoder := json.NewEncoder(count)
	encoder.SetEscapeHTML(false)
	for i, at := range times {
		said := say(guild)
		l := line{
			Timestamp: at.Format("2006-01-02T15:04:05.000000Z"), Level: "INFO", Source: "server", Server: guild,
			Channel: said.Channel, User: said.User, Action: "receive_message", Message: said.Text,
			Extra: map[string]string{"server_id": guild},
		}
		if err := encoder.Encode(l); err != nil {
			return count.n, err
		}
		if i%25 == 24 {
			l.Action, l.Message = "send_message", "42"
			if err := encoder.Encode(l); err != nil {
				return count.n, err
			}
		}
	}
	return count.n, buffered.Flush()
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
