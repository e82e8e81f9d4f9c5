package dce

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"rollcall/internal/importer/archive"
	"rollcall/internal/importer/window"
	"rollcall/internal/jsonscan"
	"rollcall/store"
)

// SniffSize is how much of a file's start Sniff looks at.
const SniffSize = 4 << 10

// Sniff reports whether a file that begins so is an export, perhaps a torn one.
func Sniff(start string) bool {
	c := jsonscan.Cursor{S: strings.TrimPrefix(start, "\ufeff")}
	var key string
	return c.Open('{') && c.Member(&key) && key == "guild" && c.Open('{') && c.Member(&key) && (key == "id" || key == "name")
}

// Head is what a file says before its messages.
type Head struct {
	Guild     store.ID // 0 if it is none, or not known
	GuildName string
	Direct    bool // the channel is no guild's
	Channel   archive.Channel
	Exported  store.Micros // when the export began, 0 before 2.40.1
}

// errNoHead says that a file does not begin as an export does.
var errNoHead = errors.New("no export of DiscordChatExporter: guild and channel must come first")

// Export is an open file.
type Export struct {
	Head
	w    *window.Window
	size int64
	torn bool // before the messages
}

// Open reads the head of an export, which is so many bytes long.
func Open(r io.Reader, size int64) (*Export, error) {
	e := &Export{w: window.New(r), size: size}
	err := e.readHead()
	if errors.Is(err, window.ErrTorn) {
		e.torn, err = true, nil
		if e.Channel.ID == 0 { // not even that
			err = fmt.Errorf("%w; the file breaks off before that", errNoHead)
		}
	}
	return e, err
}

// readHead reads up to the first message.
func (e *Export) readHead() error {
	w := e.w
	if err := w.Piece(func() {
		if w.Peek() == 0xef && strings.HasPrefix(w.S[w.I:], "\ufeff") {
			w.I += len("\ufeff")
		}
		w.Open('{')
	}); err != nil {
		return err
	}
	for {
		var key string
		more, isMessages := false, false
		if err := w.Piece(func() {
			if more = w.Member(&key); !more {
				return
			}
			switch key {
			case "guild":
				e.readGuild()
			case "channel":
				e.readChannel()
			case "exportedAt":
				e.Exported, _ = store.ParseMicros(w.Value().Text())
			case "messages":
				isMessages = w.Open('[')
			default:
				w.Skip()
			}
		}); err != nil {
			return err
		}
		switch {
		case !more:
			return errNoHead
		case isMessages && (e.Channel.ID == 0 || e.Guild == 0 && !e.Direct && e.GuildName == ""):
			return errNoHead
		case isMessages:
			return nil
		}
	}
}

func (e *Export) readGuild() {
	w := e.w
	e.Guild, e.GuildName = 0, ""
	w.Members(func(key string) {
		switch key {
		case "id":
			// Direct messages have "@me" up to 2.25, then "0".
			id := idText(w.Value())
			e.Guild, e.Direct = archive.ID(id), id == "@me" || id == "0"
		case "name":
			e.GuildName = w.Value().Text()
		default:
			w.Skip()
		}
	})
}

// threadTypes are the types of threads, by name and by number, which versions before
// 2.35 wrote. The category of a thread is its parent.
var threadTypes = []string{"GuildNewsThread", "GuildPublicThread", "GuildPrivateThread", "10", "11", "12"}

// directTypes are the types of channels that are no guild's.
var directTypes = []string{"DirectTextChat", "DirectGroupTextChat", "1", "3"}

func (e *Export) readChannel() {
	w := e.w
	var kind string
	var category store.ID
	e.Channel = archive.Channel{}
	w.Members(func(key string) {
		switch key {
		case "id":
			e.Channel.ID = archive.ID(idText(w.Value()))
		case "type":
			kind = idText(w.Value())
		case "categoryId":
			category = archive.ID(idText(w.Value()))
		case "name":
			e.Channel.Name = w.Value().Text()
		default:
			w.Skip()
		}
	})
	if slices.Contains(directTypes, kind) {
		e.Direct = true
	}
	if slices.Contains(threadTypes, kind) {
		e.Channel.Thread, e.Channel.Parent = true, category
	}
}

// idText is an id, or a type, as it is written: as a text, or as a number by those who
// work on exports with tools of their own.
func idText(v jsonscan.Value) string {
	if v.Kind == jsonscan.Number {
		return v.Raw
	}
	return v.Text()
}
