package endtoend_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"rollcall/internal/simulator"
)

// model works out what is to be kept of what was said and what was logged. It knows
// nothing of how the program does it: a line of the logs and a message are the same if
// guild, user, channel name and content are equal and the line's time lies within
// [-5 s, +60 s] of the message's, one to one, the nearest first. What is left of both may
// still be one under another channel name, since a channel may have been renamed, if the
// line's time lies within [-5 s, +15 s]. What does not count because of what it is (somebody
// joins) takes its line, and neither is kept.
//
// since says, by channel, after which message one counts: what was said before
// anybody listened is not to be kept, unless all of the history is fetched.
func model(said []simulator.Message, logged []line, since map[simulator.ID]simulator.ID) map[string]int {
	type group struct {
		messages []simulator.Message
		lines    []line
	}
	groups := map[line]*group{} // by a line without its time
	of := func(l line) *group {
		l.at = time.Time{}
		if groups[l] == nil {
			groups[l] = &group{}
		}
		return groups[l]
	}
	for _, m := range said {
		system := m.Type != simulator.TypeDefault && m.Type != simulator.TypeReply
		if (m.Counts || system) && m.ID > since[m.Channel] {
			g := of(line{guild: m.Guild, user: m.Author, channel: m.ChannelName, content: m.Content})
			g.messages = append(g.messages, m)
		}
	}
	for _, l := range logged {
		if g := of(l); !slices.Contains(g.lines, l) {
			g.lines = append(g.lines, l)
		}
	}
	want := map[string]int{}
	left := map[line]*group{} // by a line without its time and its channel
	for key, g := range groups {
		for _, m := range g.messages {
			if m.Counts {
				want[describeMessage(m)]++
			}
		}
		key.channel = ""
		if left[key] == nil {
			left[key] = &group{}
		}
		messages, lines := unmatched(g.messages, g.lines, time.Minute)
		left[key].messages = append(left[key].messages, messages...)
		left[key].lines = append(left[key].lines, lines...)
	}
	for _, g := range left {
		_, lines := unmatched(g.messages, g.lines, 15*time.Second)
		for _, l := range lines {
			want[describeLine(l)]++
		}
	}
	return want
}

// unmatched returns the messages without a line and the lines that are no message: it takes
// the nearest pair out, again and again. A line is at most so late. Equal distances are told apart by the line's time, then the message's.
func unmatched(messages []simulator.Message, lines []line, most time.Duration) (alone []simulator.Message, rest []line) {
	type pair struct {
		distance time.Duration
		line, of int
	}
	var pairs []pair
	for i, l := range lines {
		for j, m := range messages {
			if late := l.at.Sub(m.Time); late >= -5*time.Second && late <= most {
				pairs = append(pairs, pair{late.Abs(), i, j})
			}
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		for _, c := range []int{
			int(a.distance - b.distance), lines[a.line].at.Compare(lines[b.line].at), messages[a.of].Time.Compare(messages[b.of].Time),
		} {
			if c != 0 {
				return c
			}
		}
		return int(int64(messages[a.of].ID) - int64(messages[b.of].ID))
	})
	var line_, message_ = make([]bool, len(lines)), make([]bool, len(messages))
	for _, p := range pairs {
		if !line_[p.line] && !message_[p.of] {
			line_[p.line], message_[p.of] = true, true
		}
	}
	for i, taken := range line_ {
		if !taken {
			rest = append(rest, lines[i])
		}
	}
	for i, taken := range message_ {
		if !taken {
			alone = append(alone, messages[i])
		}
	}
	return alone, rest
}

// exported is a line of rollcall export.
type exported struct {
	Guild       simulator.ID `json:"guild_id"`
	User        simulator.ID `json:"user_id"`
	Channel     string       `json:"channel_name"`
	Content     string       `json:"message_content"`
	Time        string       `json:"timestamp"`
	Source      string       `json:"source"`
	Message     simulator.ID `json:"message_id"`
	ChannelID   simulator.ID `json:"channel_id"`
	ReplyToUser simulator.ID `json:"reply_to_user_id"`
	Attachments *int         `json:"attachments"`

	Forwarded *simulator.Forwarded `json:"forwarded"`
	Poll      *simulator.Poll      `json:"poll"`
	Stickers  []string             `json:"stickers"`
}

const micros = "2006-01-02T15:04:05.000000Z"

// describe makes all that is comparable of a record one text. Whether a message came
// live or from history is a matter of when what was killed.
func (e exported) describe() string {
	source, attachments := e.Source, -1
	if source == "live" || source == "backfill" {
		source = "discord"
	}
	if e.Attachments != nil {
		attachments = *e.Attachments
	}
	extra, _ := json.Marshal([]any{e.Forwarded, e.Poll, e.Stickers})
	return fmt.Sprintf("%v %v %s %s message %v in %v to %v with %d: %q %q %s",
		e.Guild, e.User, e.Time, source, e.Message, e.ChannelID, e.ReplyToUser, attachments, e.Channel, e.Content, extra)
}

func describeMessage(m simulator.Message) string {
	e := exported{
		Guild: m.Guild, User: m.Author, Channel: m.ChannelName, Content: m.Content, Time: m.Time.Format(micros), Source: "discord",
		Message: m.ID, ChannelID: m.Channel, ReplyToUser: m.ReplyToUser, Attachments: &m.Attachments,
	}
	if x := m.Extra; x != nil {
		e.Forwarded, e.Poll, e.Stickers = x.Forwarded, x.Poll, x.Stickers
	}
	return e.describe()
}

func describeLine(l line) string {
	return exported{
		Guild: l.guild, User: l.user, Channel: l.channel, Content: l.content, Time: l.at.Format(micros), Source: "log",
	}.describe()
}

// export runs the command and hands on its records as they come.
func (h *house) export(each func(exported)) {
	h.t.Helper()
	cmd := h.command(timeout(h.t, 5*time.Minute), "export")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		h.t.Fatal(err)
	}
	decoder := json.NewDecoder(out)
	decoder.DisallowUnknownFields()
	for err == nil {
		var e exported
		if err = decoder.Decode(&e); err == nil {
			each(e)
		}
	}
	io.Copy(io.Discard, out)
	if werr := cmd.Wait(); err != io.EOF || werr != nil {
		h.t.Fatalf("export: %v, %v", err, werr)
	}
}

// sample returns the first few of what is wrong.
func sample(what string, records map[string]int) string {
	var all []string
	for record, n := range records {
		all = append(all, fmt.Sprintf("%s %d× %s", what, n, record))
	}
	slices.Sort(all)
	return strings.Join(all[:min(15, len(all))], "\n")
}
