package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// view says for whom a message is rendered.
type view int

const (
	viewGateway view = 1 << iota // with guild_id, member and channel_type, which REST leaves out
	viewBare                     // without the content, which is for sessions with IntentMessageContent
	viewNested                   // as the referenced_message of another one
)

// append renders the message, by hand because a busy simulator does little else. s.mu is held.
func (m *message) append(b []byte, v view) []byte {
	if b == nil {
		b = make([]byte, 0, 1024+len(m.content))
	}
	whole := b
	if m.more != nil && m.more.fields != nil {
		whole, b = b, nil
	}
	b = append(b, `{"type":`...)
	b = strconv.AppendInt(b, int64(m.kind), 10)
	b = append(b, `,"tts":false,"timestamp":"`...)
	b = appendTime(b, m.id.Time())
	b = append(b, `","pinned":false,"mention_roles":[],"mention_everyone":false,"id":`...)
	b = appendID(b, m.id)
	b = append(b, `,"channel_id":`...)
	b = appendID(b, m.channel.ID)
	b = append(b, `,"author":`...)
	b = m.appendAuthor(b)
	if g := m.channel.guild; v&viewGateway != 0 {
		b = append(b, `,"channel_type":`...)
		b = strconv.AppendInt(b, int64(m.channel.Kind), 10)
		if g != nil {
			b = append(b, `,"guild_id":`...)
			b = appendID(b, g.ID)
			if m.author != nil {
				b = append(b, `,"member":`...)
				b = append(b, g.member(m.author).json...)
			}
		}
	}
	b = append(b, `,"edited_timestamp":`...)
	if m.editedAt.IsZero() {
		b = append(b, `null`...)
	} else {
		b = append(b, '"')
		b = appendTime(b, m.editedAt)
		b = append(b, '"')
	}
	b = append(b, `,"content":`...)
	if v&viewBare == 0 {
		b = appendString(b, m.content)
	} else {
		b = append(b, `""`...)
	}
	x := m.more
	if x == nil {
		return append(b, `,"flags":0,"mentions":[],"embeds":[],"components":[],"attachments":[]}`...)
	}
	b = append(x.append(b, m, v), '}')
	if x.fields != nil {
		return append(whole, withFields(b, x.fields)...)
	}
	return b
}

func (m *message) appendAuthor(b []byte) []byte {
	if m.author != nil {
		return append(b, m.author.json...)
	}
	b = append(b, `{"username":`...)
	b = appendString(b, m.more.webhookName)
	b = append(b, `,"public_flags":0,"id":`...)
	b = appendID(b, m.more.webhook)
	return append(b, `,"global_name":null,"discriminator":"0000","bot":true,"avatar":null}`...)
}

// append renders the rest of a message that is more than text.
func (x *extras) append(b []byte, m *message, v view) []byte {
	attachments, embeds, components := x.attachments, x.embeds, x.components
	if v&viewBare != 0 {
		attachments, embeds, components = 0, 0, nil
	}
	b = append(b, `,"flags":`...)
	b = strconv.AppendInt(b, int64(x.flags), 10)
	b = append(b, `,"mentions":[`...)
	for i, u := range x.mentions {
		b = appendComma(b, i)
		b = append(b, u.json...)
	}
	b = append(b, `],"attachments":[`...)
	for i := range attachments {
		b = appendComma(b, i)
		if x.voice {
			b = appendVoice(b, m)
		} else {
			b = appendAttachment(b, m, i)
		}
	}
	b = append(b, `],"embeds":[`...)
	for i := range embeds {
		b = appendComma(b, i)
		b = fmt.Appendf(b, `{"type":"rich","title":"Headline %d","description":"What it is about","color":3447003,`+
			`"fields":[{"name":"Size","value":"12","inline":true}],"content_scan_version":0}`, i+1)
	}
	if m.kind == TypePollEnd && v&viewBare == 0 {
		b = appendComma(b, embeds)
		b = append(b, pollEndEmbed(x.asked())...)
	}
	b = append(b, `],"components":`...)
	if components == nil {
		b = append(b, `[]`...)
	} else {
		b = append(b, components...)
	}
	if said := x.extra; said != nil {
		if said.Stickers != nil {
			b = appendStickers(b, m, said.Stickers)
		}
		if said.Poll != nil && v&viewBare == 0 {
			b = appendPoll(b, m, said.Poll)
		}
	}
	if x.webhook != 0 {
		b = append(b, `,"webhook_id":`...)
		b = appendID(b, x.webhook)
	}
	if x.bulk > 0 && v&viewGateway == 0 {
		b = append(b, `,"bulk":"`...)
		b = append(b, bytes.Repeat([]byte("x"), x.bulk)...)
		b = append(b, '"')
	}
	return x.appendReference(b, m, v)
}

// appendReference renders what a reply, a pin or the start of a thread refers to.
func (x *extras) appendReference(b []byte, m *message, v view) []byte {
	if x.forward != nil {
		return x.appendForward(b, m, v)
	}
	if x.replyID == 0 {
		return b
	}
	b = append(b, `,"message_reference":{"type":0,"message_id":`...)
	b = appendID(b, x.replyID)
	b = append(b, `,"channel_id":`...)
	if x.reply != nil {
		b = appendID(b, x.reply.channel.ID)
	} else {
		b = appendID(b, m.channel.ID)
	}
	if g := m.channel.guild; g != nil {
		b = append(b, `,"guild_id":`...)
		b = appendID(b, g.ID)
	}
	b = append(b, '}')
	if m.kind != TypeReply && m.kind != TypeThreadStarter || v&viewNested != 0 {
		return b
	}
	b = append(b, `,"referenced_message":`...)
	if x.reply == nil || x.reply.deleted {
		return append(b, `null`...)
	}
	return x.reply.append(b, v&viewBare|viewNested)
}

func appendAttachment(b []byte, m *message, i int) []byte {
	id := m.id + ID(i) + 1
	path := fmt.Sprintf("attachments/%d/%d/photo_%d.jpg?ex=6a0c1f2e&is=6a0acdae&hm=%064x", m.channel.ID, id, i+1, uint64(id))
	return fmt.Appendf(b, `{"id":"%d","filename":"photo_%d.jpg","size":%d,"url":"https://cdn.discordapp.com/%s",`+
		`"proxy_url":"https://media.discordapp.net/%s","width":1280,"height":720,"content_type":"image/jpeg",`+
		`"content_scan_version":2,"placeholder":"3vcNDYJ4eHiPd4iPd4ePgHf2aA==","placeholder_version":1}`,
		id, i+1, 40000+i*1000, path, path)
}

// withFields puts fields over an object.
func withFields(object []byte, fields map[string]json.RawMessage) []byte {
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(object, &all); err != nil {
		panic(fmt.Sprintf("simulator: components that are not JSON: %v", err))
	}
	for name, value := range fields {
		all[name] = value
	}
	return mustJSON(all)
}

// UnknownComponents returns components of types that no released client library knows (16 and 99),
// for Draft.Components.
func UnknownComponents() json.RawMessage {
	return json.RawMessage(`[{"type":16,"id":1,"variant":2,"items":[{"type":99,"id":2,"value":{"nested":[1,null]}}]},` +
		`{"type":99,"id":3}]`)
}

func appendComma(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return b
}

func appendID(b []byte, id ID) []byte {
	b = append(b, '"')
	b = strconv.AppendUint(b, uint64(id), 10)
	return append(b, '"')
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string, unescaped where JSON allows it, as Discord does.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(b, s[start:i]...)
				b = append(b, "\uFFFD"...)
				start = i + n
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}
