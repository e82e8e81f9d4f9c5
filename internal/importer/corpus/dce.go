package corpus

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// DCE says which DiscordChatExporter writes, and with which settings.
type DCE struct {
	Version  float64 // 2.18 to 2.47; only two digits, 2.40 stands for 2.40.4
	Raw      bool    // --markdown false
	Zone     *time.Location
	CRLF     bool
	Reverse  bool
	Exported time.Time
}

// Write writes a channel to a file.
func (d DCE) Write(w io.Writer, c Channel) error {
	j := &jsonWriter{w: bufio.NewWriter(w), newline: "\n", relaxed: d.Version >= 2.26}
	if d.CRLF {
		j.newline = "\r\n"
	}
	if d.Zone == nil || d.Version < 2.41 {
		d.Zone = time.UTC
	}
	j.open("", '{')
	j.open("guild", '{')
	j.text("id", c.Guild)
	j.text("name", c.GuildName)
	j.text("iconUrl", "https://cdn.example.invalid/embed/avatars/0.png")
	j.close('}')
	j.open("channel", '{')
	j.text("id", c.ID)
	j.text("type", c.Type)
	if d.Version >= 2.27 {
		j.orNull("categoryId", c.CategoryID)
	}
	if d.Version >= 2.20 {
		j.orNull("category", c.Category)
	}
	j.text("name", c.Name)
	j.raw("topic", "null")
	j.close('}')
	j.open("dateRange", '{')
	j.raw("after", "null")
	j.raw("before", "null")
	j.close('}')
	if d.Version >= 2.40 {
		j.text("exportedAt", d.date(d.Exported))
	}
	j.open("messages", '[')
	for i := range c.Messages {
		if d.Reverse {
			i = len(c.Messages) - 1 - i
		}
		d.message(j, &c, &c.Messages[i])
	}
	j.close(']')
	j.raw("messageCount", strconv.Itoa(len(c.Messages)))
	j.close('}')
	return j.w.Flush()
}

// date writes an instant as System.Text.Json does: as many digits as it takes.
func (d DCE) date(t time.Time) string {
	t = t.In(d.Zone)
	s := t.Format("2006-01-02T15:04:05.9999999")
	return s + t.Format("-07:00")
}

// types are the C# names of message types; others are numbers.
var types = map[int]string{0: "Default", 1: "RecipientAdd", 3: "Call", 6: "ChannelPinnedMessage", 7: "GuildMemberJoin", 18: "ThreadCreated", 19: "Reply"}

func (d DCE) message(j *jsonWriter, c *Channel, m *Message) {
	j.open("", '{')
	j.text("id", fmt.Sprint(m.ID))
	kind, ok := types[m.Type]
	if !ok {
		kind = strconv.Itoa(m.Type)
	}
	if d.Version < 2.26 && m.Type == 19 { // API v6
		kind = "Default"
	}
	j.text("type", kind)
	j.text("timestamp", d.date(m.At()))
	if m.Edited.IsZero() {
		j.raw("timestampEdited", "null")
	} else {
		j.text("timestampEdited", d.date(m.Edited))
	}
	if d.Version >= 2.23 {
		j.raw("callEndedTimestamp", "null")
	}
	j.raw("isPinned", "false")
	content := m.Content
	if m.Seen != "" && !(d.Raw && d.Version >= 2.38) {
		content = m.Seen
	}
	j.text("content", content)
	d.user(j, "author", m.User, m.Name, m.Nick, m.Bot, true)
	j.open("attachments", '[')
	for i := range m.Attachments {
		attachment(j, m.ID+uint64(i))
	}
	j.close(']')
	j.open("embeds", '[')
	j.close(']')
	if d.Version >= 2.33 {
		j.open("stickers", '[')
		for i, name := range m.Stickers {
			j.open("", '{')
			j.text("id", fmt.Sprint(1000+i))
			j.text("name", name)
			j.text("format", "Png")
			j.text("sourceUrl", "https://cdn.example.invalid/stickers/1000.png")
			j.close('}')
		}
		j.close(']')
	}
	j.open("reactions", '[')
	j.close(']')
	if d.Version >= 2.25 {
		j.open("mentions", '[')
		for i, name := range m.Mentions {
			d.user(j, "", 300000000000000002+uint64(i), name, name, false, d.Version < 2.40)
		}
		j.close(']')
	}
	if d.Version >= 2.26 && (m.ReplyTo != 0 || m.Forwarded != "" && d.Version >= 2.44) {
		j.open("reference", '{')
		if d.Version >= 2.47 {
			kind := "Default"
			if m.Forwarded != "" {
				kind = "Forward"
			}
			j.text("type", kind)
		}
		j.text("messageId", fmt.Sprint(max(m.ReplyTo, 1)))
		j.text("channelId", c.ID)
		j.text("guildId", c.Guild)
		j.close('}')
	}
	if d.Version >= 2.47 && m.Forwarded != "" {
		j.open("forwardedMessage", '{')
		j.text("timestamp", "0001-01-01T00:00:00+00:00")
		j.raw("timestampEdited", "null")
		j.text("content", m.Forwarded)
		j.open("attachments", '[')
		attachment(j, m.ID)
		j.close(']')
		j.open("embeds", '[')
		j.close(']')
		j.open("stickers", '[')
		j.close(']')
		j.close('}')
	}
	if d.Version >= 2.44 {
		j.open("inlineEmojis", '[')
		for i, name := range m.Emoji {
			j.open("", '{')
			j.text("id", fmt.Sprint(800000000000000000+i))
			j.text("name", name)
			j.text("code", name)
			j.raw("isAnimated", "false")
			j.text("imageUrl", "https://cdn.example.invalid/emojis/800000000000000000.png")
			j.close('}')
		}
		if strings.Contains(m.Content, "😀") {
			j.open("", '{')
			j.text("id", "")
			j.text("name", "😀")
			j.text("code", "grinning")
			j.raw("isAnimated", "false")
			j.text("imageUrl", "https://cdn.example.invalid/1f600.svg")
			j.close('}')
		}
		j.close(']')
	}
	j.close('}')
}

func (d DCE) user(j *jsonWriter, key string, id uint64, name, nick string, bot, roles bool) {
	j.open(key, '{')
	j.text("id", fmt.Sprint(id))
	j.text("name", name)
	j.text("discriminator", "0000")
	if d.Version >= 2.27 || key == "" {
		if nick == "" {
			nick = name
		}
		j.text("nickname", nick)
	}
	if d.Version >= 2.27 && key != "" {
		j.raw("color", "null")
	}
	j.raw("isBot", strconv.FormatBool(bot))
	if d.Version >= 2.40 && roles {
		j.open("roles", '[')
		j.open("", '{')
		j.text("id", "910101010101010177")
		j.text("name", "Sailor")
		j.text("color", "#3498DB")
		j.raw("position", "4")
		j.close('}')
		j.close(']')
	}
	if key != "" {
		j.text("avatarUrl", "https://cdn.example.invalid/embed/avatars/0.png?size=512")
	}
	j.close('}')
}

func attachment(j *jsonWriter, id uint64) {
	j.open("", '{')
	j.text("id", fmt.Sprint(id))
	j.text("url", fmt.Sprintf("https://cdn.example.invalid/attachments/700000000000000001/%d/boat.png?ex=66&is=66&hm=0123456789abcdef", id))
	j.text("fileName", "boat.png")
	j.raw("fileSizeBytes", "12345")
	j.close('}')
}

// jsonWriter writes JSON as Utf8JsonWriter does: indented by two, an empty array or
// object in one piece.
type jsonWriter struct {
	w       *bufio.Writer
	newline string
	relaxed bool // only what must be is escaped, and what is outside the BMP
	depth   int
	filled  bool // what is open has a member
	begun   bool
}

func (j *jsonWriter) begin(key string) {
	if j.filled {
		j.w.WriteByte(',')
	}
	if j.begun {
		j.line()
	}
	j.begun, j.filled = true, true
	if key != "" {
		j.quoted(key)
		j.w.WriteString(": ")
	}
}

func (j *jsonWriter) line() {
	j.w.WriteString(j.newline)
	for range j.depth {
		j.w.WriteString("  ")
	}
}

func (j *jsonWriter) open(key string, bracket byte) {
	j.begin(key)
	j.w.WriteByte(bracket)
	j.depth++
	j.filled = false
}

func (j *jsonWriter) close(bracket byte) {
	j.depth--
	if j.filled {
		j.line()
	}
	j.w.WriteByte(bracket)
	j.filled = true
}

func (j *jsonWriter) raw(key, value string) {
	j.begin(key)
	j.w.WriteString(value)
}

func (j *jsonWriter) text(key, value string) {
	j.begin(key)
	j.quoted(value)
}

func (j *jsonWriter) orNull(key, value string) {
	if value == "" {
		j.raw(key, "null")
	} else {
		j.text(key, value)
	}
}

func (j *jsonWriter) quoted(s string) {
	j.w.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '\\' || r == '"' && j.relaxed:
			j.w.WriteByte('\\')
			j.w.WriteRune(r)
		case r == '\n':
			j.w.WriteString(`\n`)
		case r == '\r':
			j.w.WriteString(`\r`)
		case r == '\t':
			j.w.WriteString(`\t`)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(j.w, `\u%04X\u%04X`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		case r < ' ' || !j.relaxed && (r > 0x7e || strings.ContainsRune(`"<>&+'`, r)):
			fmt.Fprintf(j.w, `\u%04X`, r)
		default:
			j.w.WriteRune(r)
		}
	}
	j.w.WriteByte('"')
}
