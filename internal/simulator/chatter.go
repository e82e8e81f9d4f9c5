package simulator

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// ChatterOptions say who chats where.
type ChatterOptions struct {
	Seed   uint64 // the same seed chats the same
	People int    // 0: 40
	// Channels are where they chat, the liveliest first. Empty: all channels and threads of which
	// the bot hears.
	Channels []*Channel
}

// Chatter is a crowd that chats: people of many languages, few of whom say most, in channels of
// which few are lively; with answers, pictures, stickers, and now and then a forward, a poll and
// its end, a voice message, a bot, a webhook or somebody who joins. Only Posted may be called while another method runs.
type Chatter struct {
	r        *rand.Rand
	channels []*Channel
	people   []speaker
	app      *User // the bot among them
	who      *rand.Zipf
	where    *rand.Zipf
	smileys  []string
	lately   map[*Channel]*[8]Message // what can be answered
	asked    map[*Channel]*asked      // the last poll
	last     turn

	posted, counting atomic.Int64
}

type speaker struct {
	user     *User
	language *language
}

// asked is a poll whose end has not been told.
type asked struct {
	poll Message
	by   *User
}

// turn is who said something where.
type turn struct {
	channel *Channel
	speaker *speaker
}

// NewChatter makes the people, who become members of a guild when they first post there.
func (s *Server) NewChatter(o ChatterOptions) (*Chatter, error) {
	if o.People == 0 {
		o.People = 40
	}
	if len(o.Channels) == 0 {
		o.Channels = s.audible()
	}
	c := &Chatter{r: rand.New(rand.NewPCG(o.Seed, 0)), smileys: smileys(), lately: map[*Channel]*[8]Message{}, asked: map[*Channel]*asked{}}
	if err := c.goTo(o.Channels); err != nil {
		return nil, fmt.Errorf("chatter: %w", err)
	}
	c.app = s.AddUser(UserSpec{Name: "dicebot", Bot: true})
	c.who = rand.NewZipf(c.r, 1.2, 3, uint64(o.People-1))
	all := languages()
	spread := rand.NewZipf(c.r, 1.1, 2, uint64(len(all)-1))
	for i := range o.People {
		l := &all[spread.Uint64()]
		name := l.names[i%len(l.names)]
		if i >= len(l.names) {
			name += strconv.Itoa(i)
		}
		c.people = append(c.people, speaker{s.AddUser(UserSpec{Name: name}), l})
	}
	return c, nil
}

// audible returns the channels of which the bot hears, guild by guild, oldest first.
func (s *Server) audible() (all []*Channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.guilds {
		for _, c := range g.channels {
			if c.holdsMessages() && c.audible() {
				all = append(all, c)
			}
		}
	}
	return all
}

// maxLag is how far a chatter that was held up catches up; the rest of the delay is let go.
const maxLag = time.Second

// Run posts rate messages a second on average (0: as many as the sessions take) until total have
// been posted (0: without end) or ctx ends, which is no error.
func (c *Chatter) Run(ctx context.Context, rate float64, total int64) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	due := time.Now()
	for n := int64(0); total == 0 || n < total; n++ {
		if rate > 0 {
			due = due.Add(time.Duration(c.r.ExpFloat64() / rate * float64(time.Second)))
			now := time.Now()
			if oldest := now.Add(-maxLag); due.Before(oldest) {
				due = oldest
			}
			// Timers are too coarse, and too dear, for waits of less than a millisecond.
			if wait := due.Sub(now); wait > time.Millisecond {
				timer.Reset(wait)
				select {
				case <-timer.C:
				case <-ctx.Done():
					return nil
				}
			}
		}
		err := c.post(ctx)
		for errors.Is(err, errNoMessages) {
			if err = c.avoid(c.last.channel); err == nil {
				err = c.post(ctx)
			}
		}
		switch {
		case err != nil && ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("chatter: %w", err)
		}
	}
	return nil
}

// Posted returns how many messages Run has posted, and how many of them count.
func (c *Chatter) Posted() (all, counting int64) { return c.posted.Load(), c.counting.Load() }

func (c *Chatter) post(ctx context.Context) error {
	channel, draft := c.Next()
	m, err := channel.Post(ctx, draft)
	if err != nil {
		return err
	}
	if c.lately[channel] == nil {
		c.lately[channel] = new([8]Message)
	}
	c.lately[channel][c.r.IntN(8)] = m
	if draft.Poll != nil {
		c.asked[channel] = &asked{m, draft.Author}
	}
	c.posted.Add(1)
	if m.Counts {
		c.counting.Add(1)
	}
	return nil
}

// goTo sets the channels to chat in.
func (c *Chatter) goTo(channels []*Channel) error {
	if len(channels) == 0 {
		return errors.New("there is no channel to chat in")
	}
	c.channels = channels
	c.where = rand.NewZipf(c.r, 1.3, 2, uint64(len(channels)-1))
	c.last = turn{}
	return nil
}

// avoid leaves a channel that was deleted.
func (c *Chatter) avoid(gone *Channel) error {
	delete(c.lately, gone)
	delete(c.asked, gone)
	return c.goTo(slices.DeleteFunc(slices.Clone(c.channels), func(o *Channel) bool { return o == gone }))
}

// Next returns what is said next, and where. It posts nothing.
func (c *Chatter) Next() (*Channel, Draft) {
	t := c.last
	if t.channel == nil || c.r.IntN(100) >= 35 { // people often say two or three things in a row
		t = turn{c.channels[c.where.Uint64()], &c.people[c.who.Uint64()]}
	}
	c.last = t
	d := Draft{Author: t.speaker.user, Content: t.speaker.says(c)}
	switch n := c.r.IntN(1000); {
	case n < 120:
		if lately := c.lately[t.channel]; lately != nil {
			d.ReplyTo = lately[c.r.IntN(8)]
		}
	case n < 150:
		d.Attachments = 1 + c.r.IntN(3)
		if c.r.IntN(2) == 0 {
			d.Content = ""
		}
	case n < 160:
		d.Stickers, d.Content = []string{one(c.r, stickers())}, ""
	case n < 180:
		u := c.people[c.who.Uint64()].user
		d.Content, d.Mentions = "<@"+u.ID.String()+"> "+d.Content, []*User{u}
	case n < 190:
		d.Content += " https://example.org/" + strconv.Itoa(c.r.IntN(100000))
		d.Embeds = 1
	case n < 210:
		d = Draft{Author: c.app, Content: "🎲 " + strconv.Itoa(1+c.r.IntN(6)), Components: UnknownComponents()}
	case n < 215:
		d = Draft{Webhook: "Feed", Content: "New post: number " + strconv.Itoa(c.r.IntN(1000)), Embeds: 1}
	case n < 218:
		d = Draft{Author: t.speaker.user, Type: TypeJoin}
	case n < 230:
		if m := c.anything(); m != nil {
			d = Draft{Author: t.speaker.user, Forward: m}
		}
	case n < 235:
		l := t.speaker.language
		d = Draft{Author: t.speaker.user, Poll: &Poll{Question: d.Content, Answers: append(slices.Clone(l.foods), l.games...)}}
	case n < 240:
		if asked := c.asked[t.channel]; asked != nil { // as its end comes a day later, with nobody's doing
			delete(c.asked, t.channel)
			d = Draft{Author: asked.by, Type: TypePollEnd, ReplyTo: asked.poll}
		}
	case n < 245:
		d = Draft{Author: t.speaker.user, Voice: true}
	}
	return t.channel, d
}

// anything returns a message that was posted lately somewhere, nil if there is none that a
// person wrote.
func (c *Chatter) anything() *Message {
	lately := c.lately[c.channels[c.where.Uint64()]]
	if lately == nil {
		return nil
	}
	m := lately[c.r.IntN(8)]
	if !m.Counts {
		return nil
	}
	return &m
}

// Text returns something that somebody might say.
func (c *Chatter) Text() string { return c.people[c.who.Uint64()].says(c) }

func (p *speaker) says(c *Chatter) string {
	var b strings.Builder
	p.say(&b, c)
	if c.r.IntN(100) < 12 {
		b.WriteByte('\n')
		p.say(&b, c)
	}
	if c.r.IntN(100) < 18 {
		b.WriteString(one(c.r, c.smileys))
	}
	return b.String()
}

// say writes a sentence with its words filled in.
func (p *speaker) say(b *strings.Builder, c *Chatter) {
	rest := one(c.r, p.language.sentences)
	for {
		before, after, found := strings.Cut(rest, "{")
		b.WriteString(before)
		if !found {
			return
		}
		slot, end, _ := strings.Cut(after, "}")
		switch slot {
		case "game":
			b.WriteString(one(c.r, p.language.games))
		case "food":
			b.WriteString(one(c.r, p.language.foods))
		case "day":
			b.WriteString(one(c.r, p.language.days))
		case "who":
			b.WriteString(c.people[c.who.Uint64()].user.Name)
		case "n":
			b.WriteString(strconv.Itoa(2 + c.r.IntN(58)))
		}
		rest = end
	}
}

func one(r *rand.Rand, of []string) string { return of[r.IntN(len(of))] }
