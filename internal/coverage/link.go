package coverage

import (
	"errors"
	"net/url"
	"strings"

	"rollcall/store"
)

// ErrBadLink says that a text names no message.
var ErrBadLink = errors.New("not a message: want its id, or its link as Discord copies it, https://discord.com/channels/GUILD/CHANNEL/MESSAGE")

// Message is a message as people name it.
type Message struct {
	ID      store.ID // at most 2^63-1
	Guild   store.ID // 0: not told
	Channel store.ID // 0: not told
	Direct  bool     // the link is that of a direct message
}

// hosts are those that Discord's links have, and have had.
var hosts = map[string]bool{
	"discord.com": true, "ptb.discord.com": true, "canary.discord.com": true, "www.discord.com": true,
	"discordapp.com": true, "ptb.discordapp.com": true, "canary.discordapp.com": true, "www.discordapp.com": true,
}

// ParseMessage reads what people copy in Discord: a message's id, its link, or channel and
// message with a hyphen between, as the id is copied with Shift held.
func ParseMessage(text string) (m Message, err error) {
	text = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(text), "<"), ">") // as links are written that are not to be expanded
	if channel, message, both := strings.Cut(text, "-"); both && !strings.Contains(text, "/") {
		m.Channel, err = store.ParseID(channel)
		if err != nil {
			return Message{}, ErrBadLink
		}
		text = message
	}
	if id, err := store.ParseID(text); err == nil {
		m.ID = id
		return m, m.valid()
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || !hosts[strings.ToLower(u.Host)] {
		return Message{}, ErrBadLink
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) != 4 || parts[0] != "channels" {
		return Message{}, ErrBadLink
	}
	if m.Direct = parts[1] == "@me"; !m.Direct {
		if m.Guild, err = store.ParseID(parts[1]); err != nil {
			return Message{}, ErrBadLink
		}
	}
	var err1, err2 error
	m.Channel, err1 = store.ParseID(parts[2])
	m.ID, err2 = store.ParseID(parts[3])
	if err1 != nil || err2 != nil {
		return Message{}, ErrBadLink
	}
	return m, m.valid()
}

func (m Message) valid() error {
	if m.ID >= 1<<63 {
		return ErrBadLink
	}
	return nil
}
