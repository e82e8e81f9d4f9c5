package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"time"

	"rollcall/internal/bench/corpus"
	"rollcall/internal/simulator"
)

const (
	liveUsers    = 1000
	liveChannels = 20
	liveSeed     = 11
)

// order asks the simulator's process for messages, address is its first answer,
// posted each later one.
type (
	order struct {
		Messages int     `json:"messages"`
		Rate     float64 `json:"rate"` // a second; 0: as many as the session takes
	}
	address struct {
		URL   string `json:"url"`
		Token string `json:"token"`
	}
	posted struct {
		Messages int `json:"messages"`
	}
)

// simulate is a Discord in a process of its own: it tells where it is, posts what
// it is ordered to, and ends when nobody can order any more.
func simulate(ctx context.Context, in io.Reader, out io.Writer) error {
	s, err := simulator.Start(simulator.Options{History: 1000})
	if err != nil {
		return err
	}
	defer s.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	orders := make(chan order)
	go func() { // ends with the process at the latest
		defer cancel()
		for decoder := json.NewDecoder(in); ; {
			var o order
			if decoder.Decode(&o) != nil {
				return
			}
			orders <- o
		}
	}()
	answers := json.NewEncoder(out)
	people := newCrowd(s)
	if err := answers.Encode(address{s.URL(), s.Token()}); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case o := <-orders:
			err := s.WaitReady(ctx, 1)
			if err == nil {
				err = people.chat(ctx, o)
			}
			if ctx.Err() != nil {
				return nil
			}
			if err = errors.Join(err, answers.Encode(posted{o.Messages})); err != nil {
				return err
			}
		}
	}
}

// crowd are people of whom each says as much as the others: the pages that a
// commit touches are the most that so many people can touch.
type crowd struct {
	r        *rand.Rand
	talk     *corpus.Talk
	users    []*simulator.User
	channels []*simulator.Channel
	where    *rand.Zipf
}

func newCrowd(s *simulator.Server) *crowd {
	r := rand.New(rand.NewPCG(liveSeed, 0))
	c := &crowd{r: r, talk: corpus.NewTalk(r), where: rand.NewZipf(r, 1.3, 3, liveChannels-1)}
	guild := s.AddGuild(simulator.GuildSpec{Name: "Bench"})
	for i := range liveChannels {
		c.channels = append(c.channels, guild.AddChannel(simulator.ChannelSpec{Name: fmt.Sprintf("channel-%d", i)}))
	}
	for i := range liveUsers {
		c.users = append(c.users, s.AddUser(simulator.UserSpec{Name: fmt.Sprintf("user %d", i)}))
	}
	return c
}

// chat posts messages, each of which counts, at random moments.
func (c *crowd) chat(ctx context.Context, o order) error {
	due := time.Now()
	for range o.Messages {
		if o.Rate > 0 {
			due = due.Add(time.Duration(c.r.ExpFloat64() / o.Rate * float64(time.Second)))
			nap(time.Until(due))
		}
		user := c.r.IntN(len(c.users))
		text := string(c.talk.Append(nil, user))
		d := simulator.Draft{Author: c.users[user], Content: text}
		if text == "" {
			d.Attachments = 1 // a person's message that says nothing would be one that is withheld
		}
		if _, err := c.channels[c.where.Uint64()].Post(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// discord is the process of simulate, as the one that started it sees it.
type discord struct {
	address
	cmd     *exec.Cmd
	in      io.WriteCloser
	orders  *json.Encoder
	answers *json.Decoder
}

func startDiscord(ctx context.Context) (*discord, error) {
	cmd, err := self(ctx, "simulate")
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	d := &discord{cmd: cmd, in: in, orders: json.NewEncoder(in), answers: json.NewDecoder(out)}
	if err := d.answers.Decode(&d.address); err != nil {
		return nil, errors.Join(fmt.Errorf("start the simulator: %w", err), d.close())
	}
	return d, nil
}

// chat orders messages, which begin to come at once.
func (d *discord) chat(o order) error { return d.orders.Encode(o) }

// wait waits until all that was ordered last has been posted.
func (d *discord) wait() error { return d.answers.Decode(new(posted)) }

func (d *discord) close() error { return errors.Join(d.in.Close(), d.cmd.Wait()) }
