package datapackage

import (
	"context"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"rollcall/internal/importer/archive"
	"rollcall/internal/importer/window"
	"rollcall/internal/jsonscan"
)

const badID = "a message's ID is missing or no id"

// directTypes and threadTypes are channel types, as numbers up to 2023 and by name since.
var (
	directTypes = []string{"1", "3", "DM", "GROUP_DM"}
	threadTypes = []string{"10", "11", "12", "ANNOUNCEMENT_THREAD", "NEWS_THREAD", "PUBLIC_THREAD", "PRIVATE_THREAD"}
)

// Read hands out all messages, channel by channel.
func (p *Package) Read(ctx context.Context, sink archive.Sink) (archive.Result, error) {
	var result archive.Result
	r := &reader{Package: p, ctx: ctx, sink: sink}
	for _, folder := range p.channels {
		if err := r.channel(folder); r.failed != nil {
			return result, r.failed
		} else if err != nil {
			result.Incomplete = true // the other channels can be read all the same
		}
	}
	sink.At(p.size, p.size)
	return result, nil
}

// reader is one reading of a package.
type reader struct {
	*Package
	ctx  context.Context
	sink archive.Sink
	done int64           // bytes of the channels before this one
	is   archive.Message // what all messages of the channel have
	// failed is an error of the sink or of ctx. All others are of one channel.
	failed error
}

// channel reads a channel's folder.
func (r *reader) channel(folder string) error {
	text, err := readSmall(r.fsys, find(r.fsys, folder, "channel.json"))
	if err != nil {
		return window.ErrTorn
	}
	r.describe(path.Base(folder), text)
	name := messagesIn(r.fsys, folder)
	if name == "" {
		return nil // nobody wrote anything
	}
	f, err := r.fsys.Open(name)
	if err != nil {
		return window.ErrTorn
	}
	defer f.Close()
	read := r.csv
	if strings.EqualFold(path.Ext(name), ".json") {
		read = r.json
	}
	err = read(f)
	if info, statErr := f.Stat(); statErr == nil {
		r.done += info.Size()
	}
	return err
}

// describe reads channel.json.
func (r *reader) describe(folder, text string) {
	var kind, id string
	r.is = archive.Message{User: r.user, UserName: r.name}
	c := &jsonscan.Cursor{S: text}
	c.Members(func(key string) {
		switch key {
		case "id":
			id = idText(c.Value())
		case "type":
			kind = idText(c.Value())
		case "name":
			r.is.Channel.Name = c.Value().Text()
		case "guild":
			c.Members(func(key string) {
				switch key {
				case "id":
					r.is.Guild = archive.ID(idText(c.Value()))
				case "name":
					r.is.GuildName = c.Value().Text()
				default:
					c.Skip()
				}
			})
		default:
			c.Skip()
		}
	})
	if id == "" {
		id = strings.TrimPrefix(folder, "c")
	}
	r.is.Channel.ID = archive.ID(id)
	r.is.Channel.Thread = slices.Contains(threadTypes, kind)
	if r.is.Channel.Name == "" {
		r.is.Channel.Name = r.names[id]
	}
	switch {
	case slices.Contains(directTypes, kind):
		r.is.Skip = archive.DirectMessage
	case r.is.Guild == 0:
		r.is.Skip = archive.NoGuild
	}
}

// take hands out one message.
func (r *reader) take(id, content, attachments string) error {
	m := r.is
	if m.ID = archive.MessageID(id); m.ID == 0 {
		r.failed = r.sink.Malformed(badID)
		return r.failed
	}
	m.Time = archive.TimeOf(m.ID)
	m.Content, m.Attachments = content, len(strings.Fields(attachments))
	r.failed = r.sink.Message(&m)
	return r.failed
}

func (r *reader) at(offset int64) error {
	r.sink.At(r.done+offset, r.size)
	r.failed = r.ctx.Err()
	return r.failed
}

// json reads an array of messages.
func (r *reader) json(in io.Reader) error {
	w := window.New(in)
	if err := w.Piece(func() {
		if strings.HasPrefix(w.S[w.I:], "\ufeff") {
			w.I += len("\ufeff")
		}
		w.Open('[')
	}); err != nil {
		return err
	}
	var id string
	var content, attachments jsonscan.Value
	more, isObject := true, false
	for n := 0; ; n++ {
		if n%1024 == 0 {
			if err := r.at(w.Offset()); err != nil {
				return err
			}
		}
		if err := w.Piece(func() {
			id, content, attachments = "", jsonscan.Value{}, jsonscan.Value{}
			if more = w.Element(']'); !more {
				return
			}
			isObject = w.Peek() == '{'
			w.Members(func(key string) {
				switch key {
				case "ID":
					id = idText(w.Value())
				case "Contents":
					content = w.Value()
				case "Attachments":
					attachments = w.Value()
				default:
					w.Skip()
				}
			})
		}); err != nil {
			return err
		}
		if !more {
			return nil
		}
		if !isObject {
			id = ""
		}
		if err := r.take(id, content.Text(), attachments.Text()); err != nil {
			return err
		}
	}
}

// csv reads a table whose first row names its columns.
func (r *reader) csv(in io.Reader) error {
	t := newTable(in)
	head, err := t.row()
	if err == io.EOF {
		return nil
	}
	if err != nil {
		return err
	}
	id, content, attachments := slices.Index(head, "ID"), slices.Index(head, "Contents"), slices.Index(head, "Attachments")
	if id < 0 {
		return window.ErrTorn
	}
	width := len(head)
	for n := 0; ; n++ {
		if n%1024 == 0 {
			if err := r.at(t.offset); err != nil {
				return err
			}
		}
		row, err := t.row()
		if err == io.EOF {
			return nil
		}
		if err == nil && t.unfinished && len(row) < width {
			err = window.ErrTorn
		}
		if err != nil {
			return err
		}
		if err := r.take(at(row, id), at(row, content), at(row, attachments)); err != nil {
			return err
		}
	}
}

func at(row []string, i int) string {
	if i < 0 || i >= len(row) {
		return ""
	}
	if !utf8.ValidString(row[i]) {
		return strings.ToValidUTF8(row[i], "\ufffd")
	}
	return row[i]
}
