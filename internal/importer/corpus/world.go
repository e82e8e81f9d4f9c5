package corpus

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Message is a message of the world, as Discord has it.
type Message struct {
	ID          uint64
	User        uint64
	Name        string // the author's
	Nick        string
	Bot         bool
	Type        int
	Content     string // as it was written
	Seen        string // as a reader sees it, if that is something else
	Edited      time.Time
	Mentions    []string // names
	Emoji       []string // names of custom ones
	Attachments int
	Stickers    []string
	ReplyTo     uint64
	Forwarded   string
}

// Channel is a channel of the world, as DiscordChatExporter writes one to a file.
type Channel struct {
	Guild, GuildName string // "0" or "@me" for direct messages
	ID, Name         string
	Type             string // the tool's name of it
	Category         string
	CategoryID       string
	Messages         []Message
}

// At is when Discord made the message's id.
func (m Message) At() time.Time { return time.UnixMilli(int64(m.ID>>22) + 1420070400000).UTC() }

// IDAt is an id made at an instant.
func IDAt(t time.Time, n uint64) uint64 {
	return uint64(t.UnixMilli()-1420070400000)<<22 | n&(1<<22-1)
}

// Chatter makes a channel with n messages of a few people, the same for the same seed.
func Chatter(seed uint64, n int) Channel {
	r := rand.New(rand.NewPCG(seed, 1))
	words := []string{"the", "harbour", "is", "closed", "tonight", "näher", "港", "boat", "repair", "😀", "lol", "when?", "https://example.invalid/a/b?c=d", "maybe", "tomorrow"}
	c := Channel{Guild: "910101010101010101", GuildName: "Harbour: Town / 港", ID: fmt.Sprint(700000000000000000 + seed), Name: fmt.Sprint("general-", seed), Type: "GuildTextChat", Category: "Town", CategoryID: "700000000000000100"}
	at := time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(seed) * time.Millisecond)
	for i := range n {
		at = at.Add(time.Duration(1+r.IntN(40_000)) * time.Millisecond)
		user := uint64(r.IntN(40))
		m := Message{ID: IDAt(at, uint64(i)), User: 300000000000000001 + user, Name: fmt.Sprint("user", user), Nick: fmt.Sprint("User ", user)}
		for range 1 + r.IntN(12) {
			m.Content += words[r.IntN(len(words))] + " "
		}
		m.Content = m.Content[:len(m.Content)-1]
		switch r.IntN(20) {
		case 0:
			m.Mentions = []string{"otto.b"}
			m.Seen, m.Content = "@otto.b "+m.Content, "<@300000000000000002> "+m.Content
		case 1:
			m.Attachments = 1 + r.IntN(3)
		case 2:
			if i > 0 {
				m.Type, m.ReplyTo = 19, c.Messages[i-1].ID
			}
		case 3:
			m.Edited = at.Add(90 * time.Second)
		}
		c.Messages = append(c.Messages, m)
	}
	return c
}
