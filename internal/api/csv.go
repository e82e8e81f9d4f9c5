package api

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode"

	"rollcall/store"
)

// csvHeader names the columns of row. New ones come last, so that a column keeps its place.
func csvHeader() []string {
	return []string{"guild_id", "user_id", "channel_name", "message_content", "timestamp", "source",
		"message_id", "channel_id", "reply_to_user_id", "attachments",
		"edited_at", "redacted", "forwarded_content", "forwarded_attachments", "poll_question", "poll_answers", "stickers"}
}

// row returns the record as a line of CSV; what is not known is empty. What people
// wrote is guarded (see guarded), lists are JSON.
func (r Record) row() []string {
	known := func(id store.ID) string {
		if id == 0 {
			return ""
		}
		return id.String()
	}
	attachments, edited, redacted := "", "", ""
	if r.Attachments != nil {
		attachments = strconv.Itoa(*r.Attachments)
	}
	if r.Edited != 0 {
		edited = r.Edited.String()
	}
	if r.Redacted {
		redacted = "true"
	}
	row := append(make([]string, 0, 17), r.Guild.String(), r.User.String(), Guarded(r.ChannelName), Guarded(r.Content), r.Time.String(), r.Source,
		known(r.MessageID), known(r.ChannelID), known(r.ReplyToUser), attachments, edited, redacted)
	if f := r.Forwarded; f != nil {
		row = append(row, Guarded(f.Content), strconv.Itoa(f.Attachments))
	} else {
		row = append(row, "", "")
	}
	if p := r.Poll; p != nil {
		row = append(row, Guarded(p.Question), list(p.Answers))
	} else {
		row = append(row, "", "")
	}
	return append(row, list(r.Stickers))
}

// list returns texts as a JSON array, nothing if there are none. It begins with a
// bracket, so it is no formula.
func list(texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(texts) // strings can always be encoded
	return strings.TrimSuffix(b.String(), "\n")
}

// Guarded returns a text that a spreadsheet takes for a text. A program that opens CSV
// runs cells that look like formulas, and anybody in Discord can write one. So a text
// that begins with = + - @, or one of their wide forms, perhaps behind white space, or
// with a tab or the end of a line, gets an apostrophe before it; and so does one that
// begins with an apostrophe, so that a reader who takes one away has every text as it was.
func Guarded(text string) string {
	if text == "" {
		return text
	}
	if strings.IndexByte("'\t\r\n", text[0]) >= 0 {
		return "'" + text
	}
	for _, c := range text {
		switch {
		case strings.ContainsRune("=+-@＝＋－＠﹢﹣﹦﹫", c):
			return "'" + text
		case !unicode.IsSpace(c) && c != '\ufeff' && c != '\u200b':
			return text
		}
	}
	return text
}
