package simulator

import (
	"fmt"
	"strconv"
	"time"
)

// Extra is what a message says beside its content, or instead of one. It must not be changed.
type Extra struct {
	Forwarded *Forwarded // what the message passes on; nil: it is no forward
	Poll      *Poll      // nil: none
	Stickers  []string   // their names
}

// Forwarded is what a forward shows of the message that it passes on, as that was then.
type Forwarded struct {
	Content     string `json:"content"`
	Attachments int    `json:"attachments"`
}

// Poll is a question with answers to choose from.
type Poll struct {
	Question string   `json:"question"`
	Answers  []string `json:"answers"`
}

// Flags of a message.
const (
	flagVoice    = 1 << 13
	flagSnapshot = 1 << 14
)

// extra returns what callers are told, nil of a message that has content alone.
func (d *Draft) extra() *Extra {
	if d.Forward == nil && d.Poll == nil && d.Stickers == nil {
		return nil
	}
	x := &Extra{Poll: d.Poll, Stickers: d.Stickers}
	if d.Forward != nil {
		x.Forwarded = &Forwarded{Content: d.Forward.Content, Attachments: d.Forward.Attachments}
	}
	return x
}

// appendForward renders the reference and the snapshot of a forward.
func (x *extras) appendForward(b []byte, m *message, v view) []byte {
	f := x.forward
	b = append(b, `,"message_reference":{"type":1,"message_id":`...)
	b = appendID(b, f.ID)
	b = append(b, `,"channel_id":`...)
	b = appendID(b, f.Channel)
	if f.Guild != 0 {
		b = append(b, `,"guild_id":`...)
		b = appendID(b, f.Guild)
	}
	b = append(b, '}')
	if v&viewBare != 0 {
		return b
	}
	b = append(b, `,"message_snapshots":[{"message":{"type":0,"content":`...)
	b = appendString(b, f.Content)
	b = append(b, `,"mentions":[],"mention_roles":[],"attachments":[`...)
	for i := range f.Attachments {
		b = appendComma(b, i)
		b = appendAttachment(b, m, i)
	}
	b = append(b, `],"embeds":[],"timestamp":"`...)
	b = appendTime(b, f.ID.Time())
	return append(b, `","edited_timestamp":null,"flags":0,"components":[]}}]`...)
}

// appendPoll renders a poll on which nobody has voted.
func appendPoll(b []byte, m *message, p *Poll) []byte {
	b = append(b, `,"poll":{"question":{"text":`...)
	b = appendString(b, p.Question)
	b = append(b, `},"answers":[`...)
	for i, answer := range p.Answers {
		b = appendComma(b, i)
		b = append(b, `{"answer_id":`...)
		b = strconv.AppendInt(b, int64(i+1), 10)
		b = append(b, `,"poll_media":{"text":`...)
		b = appendString(b, answer)
		b = append(b, `}}`...)
	}
	b = append(b, `],"expiry":"`...)
	b = appendTime(b, m.id.Time().Add(24*time.Hour))
	return append(b, `","allow_multiselect":false,"layout_type":1,"results":{"answer_counts":[],"is_finalized":false}}`...)
}

// appendStickers renders a message's stickers.
func appendStickers(b []byte, m *message, names []string) []byte {
	b = append(b, `,"sticker_items":[`...)
	for i, name := range names {
		b = appendComma(b, i)
		b = append(b, `{"name":`...)
		b = appendString(b, name)
		b = fmt.Appendf(b, `,"id":"%d","format_type":1}`, m.id+ID(i)+1)
	}
	return append(b, ']')
}

// appendVoice renders the only attachment of a voice message.
func appendVoice(b []byte, m *message) []byte {
	path := fmt.Sprintf("attachments/%d/%d/voice-message.ogg?ex=6a0c1f2e&is=6a0acdae&hm=%064x", m.channel.ID, m.id+1, uint64(m.id+1))
	return fmt.Appendf(b, `{"id":"%d","filename":"voice-message.ogg","size":11234,"url":"https://cdn.discordapp.com/%s",`+
		`"proxy_url":"https://media.discordapp.net/%s","duration_secs":3.2,"waveform":"AAY4TEhKSUk9LSAYEg==","content_type":"audio/ogg","content_scan_version":2}`,
		m.id+1, path, path)
}

// pollEndEmbed is the embed of the message that tells the end of a poll.
func pollEndEmbed(question string) string {
	return `{"type":"poll_result","fields":[{"name":"poll_question_text","value":` + string(appendString(nil, question)) + `,"inline":false},` +
		`{"name":"victor_answer_votes","value":"0","inline":false},{"name":"total_votes","value":"0","inline":false}],"content_scan_version":0}`
}

// asked is the question of the poll whose end is told.
func (x *extras) asked() string {
	if x.reply == nil || x.reply.more == nil || x.reply.more.extra == nil || x.reply.more.extra.Poll == nil {
		return ""
	}
	return x.reply.more.extra.Poll.Question
}
