package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rollcall/internal/cli/terminal"
	"rollcall/internal/importer"
	"rollcall/internal/importer/archive"
)

// importRows is how many archives the table shows; the rest are in its last line.
const importRows = 200

// printImport prints what became of archives: the JSON, or a table with what did not go
// into it behind.
func (a *app) printImport(sum importer.Summary, notes []string, dryRun bool) error {
	if a.json {
		return json.NewEncoder(a.stdout).Encode(sum)
	}
	t := a.table("path", "format", "guild", "channel", "new", "known", "updated", "skipped", "malformed", "")
	t.layout(tails(1, 16), keeps(4), keeps(5), cuts(2, 8), keeps(0), keeps(0), keeps(3), keeps(2), keeps(3), keeps(1))
	for _, f := range sum.Files[:min(len(sum.Files), importRows)] {
		torn := ""
		if f.Incomplete {
			torn = "incomplete"
		}
		t.AppendRow(cells{terminal.Visible(f.Path), f.Format, f.GuildID, terminal.Visible(f.ChannelName), f.Messages, f.Known, f.Updated, total(f.Skipped), f.Malformed, torn})
	}
	if len(sum.Files) > 0 {
		if err := a.render(a.stdout, t); err != nil {
			return err
		}
	}
	var b strings.Builder
	line := func(format string, values ...any) { b.WriteString(a.prose(fmt.Sprintf(format, values...)) + "\n") }
	if more := len(sum.Files) - importRows; more > 0 {
		line("%d more archives are not shown: --json has them all.", more)
	}
	verb := "are"
	if dryRun {
		verb = "would be"
	}
	line("%d messages %s new, %d were known (%d of them %s updated), %d skipped, %d malformed, of %d archives in %.1f s.",
		sum.Messages, verb, sum.Known, sum.Updated, verb, total(sum.Skipped), sum.Malformed, len(sum.Files), sum.Seconds)
	for _, why := range slices.Sorted(maps.Keys(sum.Skipped)) {
		line("skipped: %d %s", sum.Skipped[why], words(why))
	}
	for _, path := range sum.Incomplete {
		line("incomplete: %s: what could be read was taken in", terminal.Visible(path))
	}
	for _, r := range sum.Refused {
		line("refused: %s: %s", terminal.Visible(r.Path), terminal.Visible(r.Reason))
	}
	for _, n := range notes {
		line("%s", terminal.Visible(n))
	}
	_, err := a.stdout.Write([]byte(b.String()))
	return err
}

func total(skipped map[archive.Reason]int64) (n int64) {
	for _, k := range skipped {
		n += k
	}
	return n
}

// words says a reason to people.
func words(why archive.Reason) string {
	known := map[archive.Reason]string{
		archive.Bot: "of bots and webhooks", archive.System: "of the system", archive.DirectMessage: "direct messages, which are never stored",
		archive.Deleted: "deleted in Discord", archive.NoGuild: "without a guild", archive.ThreadStarter: "copies at the beginning of threads",
		"opted_out": "of people who have opted out", "forgotten": "of people who are forgotten", "not_allowed": "in guilds or channels that are not recorded",
	}
	if s, ok := known[why]; ok {
		return s
	}
	return string(why)
}

// noteLines are what there is to say of an archive.
func noteLines(path, note string, totals []archive.Total) (lines []string) {
	if note != "" {
		lines = append(lines, fmt.Sprintf("%s: %s", path, note))
	}
	for _, t := range totals {
		lines = append(lines, fmt.Sprintf("%s: it has counted %d messages in guild %s; compare with rollcall guilds", path, t.Messages, t.Guild))
	}
	return lines
}
