package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"rollcall/internal/api"
	"rollcall/internal/cli/demologs"
	"rollcall/internal/cli/terminal"
	"rollcall/store"
)

const (
	redraw      = 500 * time.Millisecond // of a terminal
	printEvery  = time.Second            // lines, where there is no terminal
	latest      = 8                      // messages on the screen
	settledTime = 15 * time.Second       // after which no message of that time is new any more
)

// screen shows what the demo's daemon remembers, growing.
type screen struct {
	app   *app
	from  *source
	names map[string]string // of users, by id
	logs  demologs.Summary  // what there is to migrate
	begin time.Time

	counted store.Micros             // messages before this instant are in settled
	settled map[store.ID]sourceCount // by guild
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
}

func newScreen(a *app, from *source, names map[string]string, logs demologs.Summary, begin time.Time) *screen {
	return &screen{
		app: a, from: from, names: names, logs: logs, begin: begin,
		counted: store.MicrosOf(begin.Add(-time.Minute)), settled: map[store.ID]sourceCount{},
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
		query := url.Values{"limit": {fmt.Sprint(latest)}}
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
// than settledTime is counted only once.
func (s *screen) count(ctx context.Context) (map[store.ID]sourceCount, error) {
	response, err := s.from.get(ctx, "/v1/export", url.Values{"since": {s.counted.String()}})
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	until := max(s.counted, store.MicrosOf(time.Now().Add(-settledTime)))
	settled, all := maps.Clone(s.settled), maps.Clone(s.settled)
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
			addTo(settled, r)
		}
	}
	s.counted, s.settled = until, settled
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
	var b strings.Builder
	fmt.Fprintf(&b, "The real daemon, on a simulated Discord and a month of made-up logs. Ctrl-C ends it.\n%s\n\n", s.howToAsk())
	t := newTable("guild", "messages", "live", "from history", "from logs", "users", "logs read to")
	alignRight(t, 2, 3, 4, 5, 6)
	for _, g := range v.guilds {
		n := v.counts[g.ID]
		t.AppendRow(cells{terminal.Visible(g.Name), g.Messages, n.live, n.backfill, g.Messages - n.live - n.backfill, g.Users, v.last[g.ID]})
	}
	if err := s.app.render(&b, t); err != nil {
		return err
	}
	const bar = 40
	done := int(min(bar, v.bytes*bar/max(1, s.logs.Bytes)))
	fmt.Fprintf(&b, "\nMigration  %s%s  %d of %d files\n\nSaid last:\n", strings.Repeat("█", done), strings.Repeat("░", bar-done), v.files, s.logs.Files)
	width := terminal.Width()
	for _, r := range v.latest {
		line := fmt.Sprintf("  %s  #%s  %s: %s", r.Time.Time().Format("15:04:05"), terminal.Visible(r.ChannelName), s.name(r.User), textOf(r))
		b.WriteString(terminal.Cut(line, width) + "\n")
	}
	// Home, then each line with what was behind it, then everything below.
	frame := "\x1b[H" + strings.ReplaceAll(b.String(), "\n", "\x1b[K\n") + "\x1b[J"
	_, err := io.WriteString(s.app.stdout, frame)
	return err
}

// howToAsk is for who wants to try the commands, too.
func (s *screen) howToAsk() string {
	return "Ask it from another terminal: rollcall --db " + terminal.Visible(s.from.db) + " guilds"
}

func (s *screen) name(id store.ID) string {
	if name := s.names[id.String()]; name != "" {
		return terminal.Visible(name)
	}
	return id.String()
}

func (s *screen) farewell(v view) error {
	live, backfill, logs, _ := v.totals()
	_, err := fmt.Fprintf(s.app.stdout, "\nRemembered: %d messages, %d live, %d from history, %d from logs. The folder is gone; the README says how to run the real thing.\n",
		live+backfill+logs, live, backfill, logs)
	return err
}
