package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"rollcall/internal/api"
	"rollcall/internal/cli/demologs"
	"rollcall/internal/cli/terminal"
	"rollcall/internal/health"
	"rollcall/store"
)

const (
	redraw     = 500 * time.Millisecond // of a terminal
	printEvery = time.Second            // lines, where there is no terminal
	latest     = 10                     // messages on the screen
	pastTime   = time.Minute            // after which no message of that time is new any more
)

// screen shows what the demo's daemon remembers, growing.
type screen struct {
	app   *app
	from  *source
	world *demoWorld
	lost  *connection
	logs  demologs.Summary // what there is to migrate
	begin time.Time

	counted store.Micros             // messages before this instant are in past
	past    map[store.ID]sourceCount // by guild
}

// sourceCount counts messages that did not come from logs.
type sourceCount struct{ live, backfill int64 }

// view is what is remembered at a moment.
type view struct {
	guilds []store.Guild
	counts map[store.ID]sourceCount
	last   map[store.ID]string // day that the migration has read, by guild
	files  int                 // log files read
	bytes  int64               // of them
	latest []api.Record        // oldest first
	gaps   health.Gaps
}

func newScreen(a *app, from *source, world *demoWorld, lost *connection, logs demologs.Summary, begin time.Time) *screen {
	return &screen{
		app: a, from: from, world: world, lost: lost, logs: logs, begin: begin,
		counted: store.MicrosOf(begin.Add(-time.Minute)), past: map[store.ID]sourceCount{},
	}
}

// run shows until ctx is done. What cannot be asked (the daemon is not up yet, or
// stops) is asked again at the next turn.
func (s *screen) run(ctx context.Context) error {
	defer s.from.close()
	every, show := printEvery, s.printLine
	if s.app.tty {
		every, show = redraw, s.draw
	} else if _, err := fmt.Fprintf(s.app.stdout, "The real daemon runs on a simulated Discord and on a month of made-up logs, in a temporary folder. %s\n", s.howToAsk()); err != nil {
		return err
	}
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	var seen view
	for {
		select {
		case <-ctx.Done():
			return s.farewell(seen)
		case <-ticks.C:
		}
		v, err := s.look(ctx)
		if err != nil {
			continue
		}
		seen = v
		if err := show(v); err != nil {
			return err
		}
	}
}

// look asks the daemon what it remembers.
func (s *screen) look(ctx context.Context) (view, error) {
	v := view{last: map[store.ID]string{}}
	var state api.State
	if _, err := s.from.decode(ctx, "/v1/state", nil, &state); err != nil {
		return v, err
	}
	for _, d := range state.LastDates {
		v.last[d.Guild] = d.Date
	}
	for _, f := range state.Files {
		v.files++
		v.bytes += f.Offset
	}
	var report health.Report
	if _, err := s.from.decode(ctx, "/v1/status", nil, &report); err != nil {
		return v, err
	}
	v.gaps = report.Gaps
	var err error
	if v.counts, err = s.count(ctx); err != nil {
		return v, err
	}
	// Last, so that the totals are never below the counts by source.
	if _, err := s.from.decode(ctx, "/v1/guilds", nil, &v.guilds); err != nil {
		return v, err
	}
	for _, g := range v.guilds {
		var page []api.Record
		query := url.Values{"limit": {fmt.Sprint(latest)}, "names": {"true"}}
		if _, err := s.from.decode(ctx, "/v1/guilds/"+g.ID.String()+"/messages", query, &page); err != nil {
			return v, err
		}
		v.latest = append(v.latest, page...)
	}
	slices.SortFunc(v.latest, func(a, b api.Record) int { return cmp.Compare(a.Time, b.Time) })
	v.latest = v.latest[max(0, len(v.latest)-latest):]
	return v, nil
}

// count counts what came since the demo began, by guild and source. What is older
// than pastTime is counted only once.
func (s *screen) count(ctx context.Context) (map[store.ID]sourceCount, error) {
	response, err := s.from.get(ctx, "/v1/export", url.Values{"since": {s.counted.String()}})
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	until := max(s.counted, store.MicrosOf(time.Now().Add(-pastTime)))
	past, all := maps.Clone(s.past), maps.Clone(s.past)
	lines := json.NewDecoder(response.Body)
	for {
		var r api.Record
		if err := lines.Decode(&r); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		addTo(all, r)
		if r.Time < until {
			addTo(past, r)
		}
	}
	s.counted, s.past = until, past
	return all, nil
}

func addTo(m map[store.ID]sourceCount, r api.Record) {
	n := m[r.Guild]
	switch r.Source {
	case "live":
		n.live++
	case "backfill":
		n.backfill++
	}
	m[r.Guild] = n
}

// totals returns the messages of all guilds, by source, and their users.
func (v view) totals() (live, backfill, logs, users int64) {
	for _, g := range v.guilds {
		n := v.counts[g.ID]
		live += n.live
		backfill += n.backfill
		logs += g.Messages - n.live - n.backfill
		users += g.Users
	}
	return live, backfill, logs, users
}

func (s *screen) printLine(v view) error {
	live, backfill, logs, users := v.totals()
	_, err := fmt.Fprintf(s.app.stdout, "%3.0f s: %d messages remembered (%d live, %d from history, %d from logs) of %d users in %d guilds; %d of %d log files read\n",
		time.Since(s.begin).Seconds(), live+backfill+logs, live, backfill, logs, users, len(v.guilds), v.files, s.logs.Files)
	return err
}

// draw writes over what it drew before.
func (s *screen) draw(v view) error {
	frame := s.frame(v, terminal.Width(), terminal.Height())
	// Home, each line in the place of what was there, then nothing below. A line is cleared
	// before it is written: behind a full one, its last column would go.
	_, err := io.WriteString(s.app.stdout, "\x1b[H\x1b[K"+strings.ReplaceAll(frame, "\n", "\n\x1b[K")+"\x1b[J")
	return err
}

// frame is the screen in so many columns and lines, the last of which stays empty.
func (s *screen) frame(v view, width, height int) string {
	var b strings.Builder
	line := func(format string, a ...any) {
		b.WriteString(terminal.Shorten(fmt.Sprintf(format, a...), width) + "\n")
	}
	line("The real daemon, simulated people, a month of old logs. Ctrl-C ends.")
	line("Ask it, or open its web page, from another terminal:")
	b.WriteString("  " + s.command("guilds") + "\n  " + s.command("web") + "\n\n") // whole, whatever the width
	t := s.app.table("guild", "messages", "live", "from history", "from logs", "users", "logs until")
	t.layout(cuts(1, 10), keeps(0), keeps(0), keeps(0), keeps(1), keeps(2), keeps(3))
	t.width = width
	alignRight(t, 2, 3, 4, 5, 6)
	for _, g := range v.guilds {
		n := v.counts[g.ID]
		name := cmp.Or(g.Name, s.world.names[g.ID.String()])
		t.AppendRow(cells{terminal.Visible(name), g.Messages, n.live, n.backfill, g.Messages - n.live - n.backfill, g.Users, v.last[g.ID]})
	}
	t.print(&b, t.rows) // a Builder takes everything
	bar := min(40, max(10, width-30))
	done := int(min(int64(bar), v.bytes*int64(bar)/max(1, s.logs.Bytes)))
	line("\nMigration   %s%s  %d of %d files", strings.Repeat("█", done), strings.Repeat("░", bar-done), v.files, s.logs.Files)
	line("Connection  %s", s.connectionText(v))
	line("\nSaid last:")
	room := height - 1 - strings.Count(b.String(), "\n")
	for _, r := range v.latest[max(0, len(v.latest)-max(room, 1)):] {
		line("  %s  #%s  %s: %s", r.Time.Time().Format("15:04:05"), terminal.Visible(r.ChannelName), s.name(r), s.rendered(r))
	}
	return b.String()
}

// connectionText tells of the connection that is lost on purpose.
func (s *screen) connectionText(v view) string {
	_, history, _, _ := v.totals()
	times := s.lost.times.Load()
	switch {
	case s.lost.down.Load():
		return "lost, and people go on talking …"
	case v.gaps.Open > 0:
		return "back: what was missed comes from the history …"
	case times == 0:
		return "live"
	case history == 0:
		return "lost, and coming back …"
	}
	return fmt.Sprintf("live; it was lost %s, and no message is missing", timesText(times))
}

func timesText(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// howToAsk is for who wants to try the commands, too.
func (s *screen) howToAsk() string { return "Ask it from another terminal: " + s.command("guilds") }

// command is one that works as it is in another terminal, in the same folder.
func (s *screen) command(name string) string {
	return self() + " --db " + quoted(terminal.Visible(s.from.db)) + " " + name
}

// name is that of who wrote a message: the daemon knows those it has heard.
func (s *screen) name(r api.Record) string {
	return terminal.Visible(cmp.Or(r.UserName, s.world.names[r.User.String()], r.User.String()))
}

// rendered is a message as people see it in Discord, in one line.
func (s *screen) rendered(r api.Record) string {
	r.Content = s.marks(r.Content)
	if r.Forwarded != nil {
		f := *r.Forwarded
		f.Content = s.marks(f.Content)
		r.Forwarded = &f
	}
	return textOf(r)
}

// mark is what Discord shows as something else than it is written.
var mark = regexp.MustCompile(`<(@[!&]?|#)([0-9]+)>|<a?:([A-Za-z0-9_]+):[0-9]+>`)

// marks renders mentions, custom emoji and line breaks.
func (s *screen) marks(text string) string {
	text = mark.ReplaceAllStringFunc(text, func(m string) string {
		part := mark.FindStringSubmatch(m)
		switch name := s.world.names[part[2]]; {
		case part[3] != "":
			return ":" + part[3] + ":"
		case name == "":
			return m
		case part[1] == "#":
			return "#" + name
		default:
			return "@" + name
		}
	})
	return strings.ReplaceAll(text, "\n", " ↵ ")
}

func (s *screen) farewell(v view) error {
	live, backfill, logs, _ := v.totals()
	text := fmt.Sprintf("Remembered: %d messages, %d live, %d from history, %d from logs. The folder is gone; README.md says how to run the real thing.",
		live+backfill+logs, live, backfill, logs)
	_, err := fmt.Fprintf(s.app.stdout, "\n%s\n", s.app.prose(text))
	return err
}
