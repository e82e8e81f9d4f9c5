package export

import (
	"bufio"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"rollcall/internal/importer/dce"
	"rollcall/store"
)

// jsonWriter writes JSON in the form of DiscordChatExporter: indented by two.
type jsonWriter struct {
	w       *bufio.Writer
	guild   Guild
	channel dceFile
	users   map[store.Person]string
	depth   int
	filled  bool // what is open has a member
	begun   bool
	room    []byte
}

func (j *jsonWriter) err() error {
	_, err := j.w.Write(nil)
	return err
}

const indentation = "                                "

func (j *jsonWriter) begin(key string) {
	if j.filled {
		j.w.WriteByte(',')
	}
	if j.begun {
		j.line()
	}
	j.begun, j.filled = true, true
	if key != "" {
		j.w.WriteByte('"')
		j.w.WriteString(key)
		j.w.WriteString(`": `)
	}
}

func (j *jsonWriter) line() {
	j.w.WriteByte('\n')
	j.w.WriteString(indentation[:2*j.depth])
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

func (j *jsonWriter) id(key string, id store.ID) {
	j.begin(key)
	j.room = append(strconv.AppendUint(append(j.room[:0], '"'), uint64(id), 10), '"')
	j.w.Write(j.room)
}

func (j *jsonWriter) number(key string, n int64) {
	j.begin(key)
	j.room = strconv.AppendInt(j.room[:0], n, 10)
	j.w.Write(j.room)
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

// instant writes a time as System.Text.Json does: as many digits as it takes.
func (j *jsonWriter) instant(key string, at store.Micros) {
	j.begin(key)
	if at == 0 {
		j.w.WriteString("null")
		return
	}
	j.room = at.Time().AppendFormat(append(j.room[:0], '"'), "2006-01-02T15:04:05.9999999+00:00")
	j.w.Write(append(j.room, '"'))
}

const hexDigits = "0123456789ABCDEF"

func (j *jsonWriter) quoted(s string) {
	j.w.WriteByte('"')
	begin := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		r, size := rune(c), 1
		if c >= utf8.RuneSelf {
			if r, size = utf8.DecodeRuneInString(s[i:]); r <= 0xffff && r != '\u2028' && r != '\u2029' && (r != utf8.RuneError || size > 1) {
				i += size
				continue
			}
		}
		j.w.WriteString(s[begin:i])
		i += size
		begin = i
		switch {
		case r == '"' || r == '\\':
			j.w.WriteByte('\\')
			j.w.WriteByte(byte(r))
		case r == '\n':
			j.w.WriteString(`\n`)
		case r == '\r':
			j.w.WriteString(`\r`)
		case r == '\t':
			j.w.WriteString(`\t`)
		case r > 0xffff:
			r -= 0x10000
			j.escape(0xd800 + r>>10)
			j.escape(0xdc00 + r&0x3ff)
		default:
			j.escape(r)
		}
	}
	j.w.WriteString(s[begin:])
	j.w.WriteByte('"')
}

func (j *jsonWriter) escape(r rune) {
	j.room = append(j.room[:0], '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
	j.w.Write(j.room)
}

// head writes all up to the first message.
func (j *jsonWriter) head(channel store.ID, made time.Time) {
	name := j.guild.Name
	if name == "" {
		name = j.guild.ID.String()
	}
	j.open("", '{')
	j.open("guild", '{')
	j.id("id", j.guild.ID)
	j.text("name", name)
	j.text("iconUrl", "https://cdn.discordapp.com/embed/avatars/0.png")
	j.close('}')
	c := j.channel
	j.open("channel", '{')
	j.id("id", channel)
	if c.parent != 0 {
		j.text("type", "GuildPublicThread")
		j.id("categoryId", c.parent)
		j.orNull("category", c.category)
	} else {
		j.text("type", "GuildTextChat")
		j.raw("categoryId", "null")
		j.raw("category", "null")
	}
	j.text("name", c.name)
	j.raw("topic", "null")
	j.close('}')
	j.open("dateRange", '{')
	j.raw("after", "null")
	j.raw("before", "null")
	j.close('}')
	j.instant("exportedAt", store.MicrosOf(made))
	j.open("messages", '[')
}

func (j *jsonWriter) foot(messages int64) {
	j.close(']')
	j.number("messageCount", messages)
	j.close('}')
	j.w.WriteByte('\n')
}

// message writes a message; id is its own, or one that was made.
func (j *jsonWriter) message(id store.ID, r *store.Record) {
	var x store.Extra
	if r.Extra != nil {
		x = *r.Extra
	}
	j.open("", '{')
	j.id("id", id)
	kind := "Default"
	if r.ReplyTo != 0 || r.ReplyToUser != 0 {
		kind = "Reply"
	}
	j.text("type", kind)
	j.instant("timestamp", r.Time)
	j.instant("timestampEdited", r.Edited)
	j.raw("callEndedTimestamp", "null")
	j.raw("isPinned", "false")
	j.text("content", r.Content)
	j.author(r.User)
	j.attachments(id, r.Attachments)
	j.raw("embeds", "[]")
	j.stickers(x.Stickers)
	j.raw("reactions", "[]")
	mentions, emoji := marks(r.Content)
	j.mentions(mentions)
	switch {
	case r.ReplyTo != 0:
		j.reference("Default", r.ReplyTo)
	case x.Forwarded != nil:
		j.reference("Forward", 0)
	}
	if f := x.Forwarded; f != nil {
		j.open("forwardedMessage", '{')
		j.text("timestamp", "0001-01-01T00:00:00+00:00")
		j.raw("timestampEdited", "null")
		j.text("content", f.Content)
		j.attachments(id, f.Attachments)
		j.raw("embeds", "[]")
		j.raw("stickers", "[]")
		j.close('}')
	}
	j.emoji(emoji)
	j.marker(r, &x)
	j.close('}')
}

// marker writes what else is known.
func (j *jsonWriter) marker(r *store.Record, x *store.Extra) {
	renamed := r.Channel.Name != j.channel.name
	if r.Message != 0 && r.ReplyToUser == 0 && !r.Redacted && x.Poll == nil && !renamed {
		return
	}
	j.open(dce.Marker, '{')
	if r.Message == 0 {
		j.text("source", store.SourceLog.String())
		if r.Channel.ID != 0 {
			j.id("channelId", r.Channel.ID)
		}
	}
	if renamed {
		j.text("channelName", r.Channel.Name)
	}
	if r.ReplyToUser != 0 {
		j.id("replyToUserId", r.ReplyToUser)
	}
	if r.Redacted {
		j.raw("redacted", "true")
	}
	if p := x.Poll; p != nil {
		j.open("poll", '{')
		j.text("question", p.Question)
		j.open("answers", '[')
		for _, a := range p.Answers {
			j.text("", a)
		}
		j.close(']')
		j.close('}')
	}
	j.close('}')
}

func (j *jsonWriter) author(id store.ID) {
	name := j.name(id)
	j.open("author", '{')
	j.id("id", id)
	j.text("name", name)
	j.text("discriminator", "0000")
	j.text("nickname", name)
	j.raw("color", "null")
	j.raw("isBot", "false")
	j.raw("roles", "[]")
	j.begin("avatarUrl")
	j.w.WriteString(`"https://cdn.discordapp.com/embed/avatars/`)
	j.w.WriteByte(byte('0' + id>>22%6))
	j.w.WriteString(`.png"`)
	j.close('}')
}

// name is a user's name, or the id where it is not known.
func (j *jsonWriter) name(id store.ID) string {
	if name := j.users[store.Person{User: id, Guild: j.guild.ID}]; name != "" {
		return name
	}
	return id.String()
}

// attachments writes how many there are: their names and addresses are not kept.
func (j *jsonWriter) attachments(message store.ID, n int) {
	if n == 0 {
		j.raw("attachments", "[]")
		return
	}
	j.open("attachments", '[')
	for i := range n {
		j.open("", '{')
		j.id("id", message+store.ID(i))
		j.text("url", "")
		j.text("fileName", "attachment")
		j.raw("fileSizeBytes", "0")
		j.close('}')
	}
	j.close(']')
}

func (j *jsonWriter) stickers(list []string) {
	if len(list) == 0 {
		j.raw("stickers", "[]")
		return
	}
	j.open("stickers", '[')
	for i, name := range list {
		j.open("", '{')
		j.id("id", store.ID(i+1))
		j.text("name", name)
		j.text("format", "Png")
		j.text("sourceUrl", "")
		j.close('}')
	}
	j.close(']')
}

func (j *jsonWriter) reference(kind string, message store.ID) {
	j.open("reference", '{')
	j.text("type", kind)
	if message == 0 {
		j.raw("messageId", "null")
		j.raw("channelId", "null")
	} else {
		j.id("messageId", message)
		j.id("channelId", j.channel.id)
	}
	j.id("guildId", j.guild.ID)
	j.close('}')
}

func (j *jsonWriter) mentions(list []store.ID) {
	if len(list) == 0 {
		j.raw("mentions", "[]")
		return
	}
	j.open("mentions", '[')
	for _, id := range list {
		name := j.name(id)
		j.open("", '{')
		j.id("id", id)
		j.text("name", name)
		j.text("discriminator", "0000")
		j.text("nickname", name)
		j.raw("isBot", "false")
		j.close('}')
	}
	j.close(']')
}

// customEmoji is one of a guild's own.
type customEmoji struct {
	id       store.ID
	name     string
	animated bool
}

func (j *jsonWriter) emoji(list []customEmoji) {
	if len(list) == 0 {
		j.raw("inlineEmojis", "[]")
		return
	}
	j.open("inlineEmojis", '[')
	for _, e := range list {
		ending := ".png"
		if e.animated {
			ending = ".gif"
		}
		j.open("", '{')
		j.id("id", e.id)
		j.text("name", e.name)
		j.text("code", e.name)
		j.raw("isAnimated", strconv.FormatBool(e.animated))
		j.text("imageUrl", "https://cdn.discordapp.com/emojis/"+e.id.String()+ending)
		j.close('}')
	}
	j.close(']')
}

// marks returns whom a text mentions and which custom emoji are in it, each once.
func marks(text string) (mentions []store.ID, emoji []customEmoji) {
	for {
		_, rest, found := strings.Cut(text, "<")
		if !found {
			return mentions, emoji
		}
		text = rest
		mark, _, closed := strings.Cut(rest, ">")
		if !closed || len(mark) > 100 {
			continue
		}
		switch {
		case strings.HasPrefix(mark, "@"):
			if id, err := store.ParseID(strings.TrimPrefix(mark[1:], "!")); err == nil && !slices.Contains(mentions, id) {
				mentions = append(mentions, id)
			}
		case strings.HasPrefix(mark, ":"), strings.HasPrefix(mark, "a:"):
			kind, after, _ := strings.Cut(mark, ":")
			name, number, _ := strings.Cut(after, ":")
			id, err := store.ParseID(number)
			e := customEmoji{id, name, kind == "a"}
			if err == nil && name != "" && !slices.Contains(emoji, e) {
				emoji = append(emoji, e)
			}
		}
	}
}
