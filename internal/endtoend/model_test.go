package endtoend_test

import (
	"cmp"
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
// nothing of how the program does it, and states the rule of ADR 1 as plainly as it can be: of
// all pairs of a message and a line that can be one, the best is taken out, again and
// again. They can be one if guild, user and text are equal and the line's time lies
// within [-5 s, +60 s] of the message's; in a channel of another name, which may have been
// renamed, within [-5 s, +15 s] and only after all those of the same name. Nobody edits
// anything here. What does not count because of what it is (somebody joins) takes its
// line, and neither is kept.
//
// since says, by channel, after which message one counts: what was said before
// anybody listened is not to be kept, unless all of the history is fetched. The lines of
// such messages are kept, unless another message takes them.
func model(said []simulator.Message, logged []line, since map[simulator.ID]simulator.ID) map[string]int {
	type words struct {
		guild, user simulator.ID
		text        string
	}
	type group struct {
		messages []simulator.Message
		lines    []line
	}
	groups := map[words]*group{}
	of := func(w words) *group {
		if groups[w] == nil {
			groups[w] = &group{}
		}
		return groups[w]
	}
	want := map[string]int{}
	for _, m := range said {
		system := m.Type != simulator.TypeDefault && m.Type != simulator.TypeReply
		if m.ID <= since[m.Channel] || !m.Counts && !system {
			continue
		}
		g := of(words{m.Guild, m.Author, m.Content})
		g.messages = append(g.messages, m)
		if m.Counts {
			want[describeMessage(m)]++
		}
	}
	once := map[line]bool{}
	for _, l := range logged {
		if !once[l] {
			once[l] = true
			g := of(words{l.guild, l.user, l.content})
			g.lines = append(g.lines, l)
		}
	}
	for _, g := range groups {
		for _, l := range alone(g.messages, g.lines) {
			want[describeLine(l)]++
		}
	}
	return want
}

// alone returns the lines that are no message's, of messages and lines of one person and text.
func alone(messages []simulator.Message, lines []line) (rest []line) {
	type pair struct {
		otherName bool
		distance  time.Duration
		line, of  int
	}
	var pairs []pair
	for i, l := range lines {
		for j, m := range messages {
			p := pair{l.channel != m.ChannelName, l.at.Sub(m.Time).Abs(), i, j}
			most := time.Minute
			if p.otherName {
				most = 15 * time.Second
			}
			if late := l.at.Sub(m.Time); late >= -5*time.Second && late <= most {
				pairs = append(pairs, p)
			}
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		if a.otherName != b.otherName {
			if a.otherName {
				return 1
			}
			return -1
		}
		return cmp.Or(
			cmp.Compare(a.distance, b.distance),
			lines[a.line].at.Compare(lines[b.line].at),
			messages[a.of].Time.Compare(messages[b.of].Time),
			cmp.Compare(messages[a.of].ID, messages[b.of].ID),
		)
	})
	lineTaken, messageTaken := make([]bool, len(lines)), make([]bool, len(messages))
	for _, p := range pairs {
		if !lineTaken[p.line] && !messageTaken[p.of] {
			lineTaken[p.line], messageTaken[p.of] = true, true
		}
	}
	for i, l := range lines {
		if !lineTaken[i] {
			rest = append(rest, l)
		}
	}
	return rest
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

// sample returns of what is wrong so many at most.
func sample(what string, records map[string]int, most int) string {
	var all []string
	for record, n := range records {
		all = append(all, fmt.Sprintf("%s %d× %s", what, n, record))
	}
	slices.Sort(all)
	return strings.Join(all[:min(most, len(all))], "\n")
}
