package health

import (
	"fmt"
	"strings"
	"time"

	"rollcall/migration"
	"rollcall/store"
	"rollcall/tracker"
)

// Line is a part of a report in words. Text may hold what others wrote, such as the
// reason that Discord gives: whoever shows it sees to what a terminal would do with it.
type Line struct {
	Part  string
	State string
	Text  string
}

// Lines tell a report to people, the most important first.
func (r *Report) Lines() []Line {
	var lines []Line
	add := func(part, state, format string, a ...any) {
		lines = append(lines, Line{part, state, fmt.Sprintf(format, a...)})
	}
	if d := r.Daemon; d != nil {
		add("daemon", "running", "for %s, since %s; version %s, process %d, %s of memory (%s in use)",
			Span(between(d.Started, r.At)), moment(d.Started), d.Version, d.Process, Size(d.Memory), Size(d.Heap))
	} else {
		add("daemon", "none", "nobody holds the database: what follows is what the file says")
	}
	if p := r.Parts["gateway"]; r.Tracker != nil {
		text := p.Detail
		if p.Status == OK {
			text = fmt.Sprintf("%s; %s, %s", text, count(int64(r.Tracker.Guilds), "guild"), count(int64(r.Tracker.Channels), "channel"))
		}
		add("gateway", p.Status, "%s", text)
		add("writer", r.Parts["writer"].Status, "%s", r.Parts["writer"].Detail+r.lastCommit())
	} else if r.Daemon != nil {
		add("gateway", p.Status, "%s", p.Detail)
	}
	if p, ok := r.Parts["content"]; ok {
		add("content", p.Status, "%s, since %s", p.Detail, moment(r.Tracker.Content.Since))
	}
	add("store", r.Parts["store"].Status, "%s", r.storeText())
	add("disk", r.Parts["disk"].Status, "%s", r.Parts["disk"].Detail)
	if r.Migration != nil {
		state, text := r.migrationText()
		add("migration", state, "%s", text)
	}
	if state, text := r.channelsText(); state != "" {
		add("channels", state, "%s", text)
	}
	state, text := r.gapsText()
	add("gaps", state, "%s", text)
	if t := r.Tracker; t != nil && t.Backfill.Mode == "all" {
		b := t.Backfill
		state := "done"
		if b.History > 0 {
			state = "reading"
		}
		add("history", state, "%d of %s read back to the beginning, %s found",
			b.HistoryDone, count(b.HistoryDone+int64(b.History), "channel"), count(b.HistoryFound, "message"))
	}
	if t := r.Tracker; t != nil && t.Recheck.Done+int64(t.Recheck.Guilds) > 0 {
		state, text := recheckText(t.Recheck)
		add("recheck", state, "%s", text)
	}
	if p, ok := r.Parts["backup"]; ok {
		add("backup", p.Status, "%s", p.Detail)
	}
	return lines
}

func (r *Report) lastCommit() string {
	if r.Database.LastCommit == 0 {
		return "; nothing has been committed since the start"
	}
	return fmt.Sprintf("; the last commit was %s ago", Span(between(r.Database.LastCommit, r.At)))
}

func (r *Report) storeText() string {
	d := &r.Database
	if p := r.Parts["store"]; p.Status == Failed {
		return p.Detail
	}
	text := fmt.Sprintf("%s: %s, %s of it free pages; %s in %s", d.Path, Size(d.Size), Size(d.Free), count(d.Messages, "message"), count(d.Guilds, "guild"))
	if d.Damaged > 0 {
		text += fmt.Sprintf("; damaged records were met %s", count(d.Damaged, "time"))
	}
	if d.Quarantined > 0 {
		text += fmt.Sprintf("; %s in quarantine", count(d.Quarantined, "malformed line"))
	}
	return text
}

func (r *Report) migrationText() (state, text string) {
	m := r.Migration
	var all migration.GuildStatus
	for _, g := range m.Guilds {
		all.Files += g.Files
		all.FilesRead += g.FilesRead
		all.Damaged += g.Damaged
		all.Bytes += g.Bytes
		all.BytesRead += g.BytesRead
	}
	text = fmt.Sprintf("%s of %s, %d of %s, of %s", Percent(all.BytesRead, all.Bytes), Size(all.Bytes), all.FilesRead,
		count(int64(all.Files), "file"), count(int64(len(m.Guilds)), "guild"))
	if all.Files == 0 {
		text = "no logs"
	}
	if all.Damaged > 0 {
		text += fmt.Sprintf("; %s damaged", count(int64(all.Damaged), "file"))
	}
	if m.Counts.Messages > 0 && !m.CaughtUp { // the files are of the last survey, which these may be ahead of
		text += fmt.Sprintf("; %s taken in since the start", count(m.Counts.Messages, "message"))
	}
	switch {
	case r.Daemon == nil:
		return "known", text
	case m.Waiting:
		return "waiting", text + "; it waits for room on the disk"
	case m.Surveyed == 0:
		return "starting", "the logs have not been looked at yet"
	case m.CaughtUp:
		return "following", text
	case m.Ends > r.At:
		text += fmt.Sprintf("; done in about %s, at %s", Span(between(r.At, m.Ends)), moment(m.Ends))
	}
	return "reading", text
}

// channelsText tells of channels that cannot be read; state is "" if there are none.
func (r *Report) channelsText() (state, text string) {
	n := r.Channels
	if n == (Channels{}) {
		return "", ""
	}
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{n.Hidden, "hidden from the bot"}, {n.Unreadable, "not to be viewed"}, {n.NoHistory, "without Read Message History"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	text = strings.Join(parts, ", ")
	if n.Hidden+n.Unreadable > 0 {
		return "unread", text + "; nothing is recorded of a channel that cannot be viewed"
	}
	return "unread", text
}

func (r *Report) gapsText() (state, text string) {
	state, text = "none", "no gap is open"
	if r.Gaps.Waiting > 0 {
		state, text = "waiting", "no gap is being filled"
	}
	if r.Gaps.Open > 0 {
		state = "open"
		text = fmt.Sprintf("%s to be filled from the history", count(int64(r.Gaps.Open), "gap"))
		if r.Gaps.Oldest != 0 {
			text += fmt.Sprintf(", the oldest for %s", Span(between(r.Gaps.Oldest, r.At)))
		}
	}
	if r.Gaps.Waiting > 0 {
		waits := "wait"
		if r.Gaps.Waiting == 1 {
			waits = "waits"
		}
		text += fmt.Sprintf("; %d %s until the bot may read the channel", r.Gaps.Waiting, waits)
	}
	if t := r.Tracker; t != nil {
		text += fmt.Sprintf("; since the start %d filled, %d skipped", t.Backfill.Filled, t.Backfill.Skipped)
		if t.Backfill.Failing {
			text += "; Discord's history does not answer"
		}
	}
	return state, text
}

// recheckText tells what was learned of the time in which nobody listened.
func recheckText(c tracker.RecheckStatus) (state, text string) {
	state = "done"
	text = fmt.Sprintf("%s and %s were learned from the history since the start", count(c.Deletions, "deletion"), count(c.Edits, "edit"))
	if c.Found > 0 {
		text += fmt.Sprintf(", %s that no gap told of", count(c.Found, "message"))
	}
	if c.Guilds > 0 {
		state = "reading"
		text += fmt.Sprintf("; %s still to be read once more", count(int64(c.Guilds), "guild"))
	}
	return state, text
}

// Summary is a report in one short line.
func (r *Report) Summary() string {
	var parts []string
	for _, name := range []string{"store", "disk", "writer", "gateway", "content", "backup"} {
		if p := r.Parts[name]; p.Status == Failed {
			parts = append(parts, p.Detail)
		}
	}
	if p := r.Parts["gateway"]; p.Status != Failed {
		parts = append(parts, p.Detail)
	}
	if r.Tracker != nil && r.Parts["disk"].Status == OK {
		parts = append(parts, waiting(r.Tracker.Writer))
	}
	parts = append(parts, fmt.Sprintf("%s in %s", count(r.Database.Messages, "message"), Size(r.Database.Size)))
	if state, text := r.migrationText(); state == "reading" || state == "waiting" {
		parts = append(parts, "logs: "+text)
	}
	if r.Gaps.Open > 0 {
		parts = append(parts, count(int64(r.Gaps.Open), "open gap"))
	}
	if r.Gaps.Crawls > 0 && r.Tracker != nil {
		parts = append(parts, count(int64(r.Gaps.Crawls), "channel")+" to read back")
	}
	return strings.Join(parts, "; ")
}

func waiting(w tracker.WriterStatus) string {
	return fmt.Sprintf("%d of at most %d messages wait", w.Queue, w.QueueMax)
}

// count is a number with its noun.
func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Size shows an amount of storage to people.
func Size(bytes int64) string {
	unit, value := "KiB", float64(bytes)/(1<<10)
	for _, next := range []string{"MiB", "GiB", "TiB"} {
		if value < 1000 {
			break
		}
		unit, value = next, value/(1<<10)
	}
	if bytes < 1<<10 {
		return fmt.Sprintf("%d bytes", bytes)
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}

// Span shows a length of time to people, in its two largest units.
func Span(d time.Duration) string {
	s := int64(max(0, d).Seconds())
	switch {
	case s >= 86400:
		return fmt.Sprintf("%d d %d h", s/86400, s%86400/3600)
	case s >= 3600:
		return fmt.Sprintf("%d h %d min", s/3600, s%3600/60)
	case s >= 60:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	}
	return fmt.Sprintf("%d s", s)
}

// Percent shows how much of the whole is done; it is 100 % only when all is.
func Percent(done, whole int64) string {
	if done >= whole {
		return "100 %"
	}
	return fmt.Sprintf("%d %%", min(99, done*100/whole))
}

// moment shows an instant to people: UTC, to the second.
func moment(m store.Micros) string { return m.Time().Format("2006-01-02 15:04:05Z") }

// between is how long it is from one instant to another.
func between(from, to store.Micros) time.Duration { return time.Duration(to-from) * time.Microsecond }
