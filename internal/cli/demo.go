package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"rollcall/config"
	"rollcall/internal/actors"
	"rollcall/internal/cli/demologs"
	"rollcall/internal/simulator"
)

const (
	demoRate   = 12  // messages a second that the simulated people write
	demoDays   = 30  // of logs
	demoPerDay = 150 // messages a day and guild in them
	demoSeed   = 7

	// The connection is lost for outage, first after firstOutage, then every outageEvery.
	firstOutage = 6 * time.Second
	outageEvery = 45 * time.Second
	outage      = 3 * time.Second
)

func (a *app) demoCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show what rollcall does, with a simulated Discord and a month of made-up logs",
		Long: "Run the real daemon on a simulated Discord, in which people chat, and on a month of made-up\n" +
			"logs, all in a temporary folder. Now and then the connection is lost, and what was missed comes\n" +
			"from the history. It needs no token and no network, and leaves nothing behind.",
		Example: "  rollcall demo\n  rollcall demo --for 30s",
		Args:    arguments(0, 0),
	}
	length := c.Flags().Duration("for", 0, "end after this `duration`, such as 30s; without it Ctrl-C ends the demo")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if c.Flags().Changed("for") && *length <= 0 {
			return usage("--for cannot be %s: want a duration above 0s", *length)
		}
		ctx, stop := actors.Stoppable(c.Context())
		defer stop()
		if *length > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, *length)
			defer cancel()
		}
		folder, err := demoFolder()
		if err != nil {
			return fmt.Errorf("make a folder for the demo: %w", err)
		}
		err = a.demo(ctx, folder)
		return errors.Join(err, os.RemoveAll(folder))
	}
	return c
}

// demoFolder makes a folder with a name that is short enough for a command that fits a
// narrow terminal.
func demoFolder() (string, error) {
	for {
		folder := filepath.Join(os.TempDir(), "rollcall-demo-"+strings.ToLower(rand.Text()[:4]))
		if err := os.Mkdir(folder, 0o700); !errors.Is(err, fs.ErrExist) {
			return folder, err
		}
	}
}

// demo runs a Discord, people, the daemon and the screen until ctx is done or one of
// them fails, and waits for all of them.
func (a *app) demo(ctx context.Context, folder string) error {
	discord, err := simulator.Start(simulator.Options{})
	if err != nil {
		return err
	}
	defer discord.Close()
	world, err := newDemoWorld(discord)
	if err != nil {
		return err
	}
	now := time.Now()
	logs, err := demologs.Write(filepath.Join(folder, "logs"), demologs.Options{
		Guilds: world.ids, Days: demoDays, PerDay: demoPerDay, Until: now.Add(-5 * time.Minute), Say: world.say,
	})
	if err != nil {
		return err
	}
	cfg := demoConfig(folder, discord)

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	const actors = 4
	ended := make(chan error, actors)
	start := func(f func() error) {
		go func() {
			ended <- f()
			stop() // the first to end ends the others
		}()
	}
	start(func() error { return a.run(ctx, cfg, slog.New(slog.DiscardHandler)) })
	start(func() error { return world.chatter.Run(ctx, demoRate, 0) })
	lost := &connection{discord: discord}
	start(func() error { return lost.run(ctx) })
	start(func() error {
		return newScreen(a, daemonSource(cfg), world, lost, logs, now).run(ctx)
	})
	for range actors {
		err = errors.Join(err, <-ended)
	}
	return err
}

// connection loses the daemon's connection to the simulated Discord now and then.
type connection struct {
	discord *simulator.Server
	times   atomic.Int64 // that it was lost
	down    atomic.Bool
}

func (l *connection) run(ctx context.Context) error {
	wait := time.NewTimer(firstOutage)
	defer wait.Stop()
	for {
		var next time.Duration
		select {
		case <-ctx.Done():
			return nil
		case <-wait.C:
		}
		if l.down.Load() {
			l.discord.RefuseConnections(false)
			l.down.Store(false)
			next = outageEvery
		} else {
			l.discord.RefuseConnections(true)
			l.discord.ForgetSessions() // so that the history has to tell, not a RESUME
			for _, c := range l.discord.Conns() {
				c.Cut()
			}
			l.times.Add(1)
			l.down.Store(true)
			next = outage
		}
		wait.Reset(next)
	}
}

// demoConfig owes nothing to the environment: who tries the demo may have set up
// the real thing already.
func demoConfig(folder string, discord *simulator.Server) config.Config {
	c := config.Default()
	c.DB = filepath.Join(folder, "rollcall.db")
	c.DiscordURL = discord.URL()
	c.CommitInterval = 200 * time.Millisecond
	c.Logs = filepath.Join(folder, "logs")
	c.MigrationStartDelay, c.MigrationDayDelay = 0, 100*time.Millisecond // so that one can watch
	c.Listen = "127.0.0.1:0"                                             // whichever port is free: rollcall web tells
	c.Token.Decode(discord.Token())
	return c
}

// demoWorld is who talks where.
type demoWorld struct {
	chatter *simulator.Chatter
	ids     []string          // of the guilds
	names   map[string]string // of users, channels and guilds, by id
}

func newDemoWorld(discord *simulator.Server) (*demoWorld, error) {
	w := &demoWorld{names: map[string]string{}}
	for _, g := range []struct {
		name     string
		channels []string
		thread   string
	}{
		{"The Lounge", []string{"general", "memes", "music"}, "weekend plans"},
		{"星空社區 Starfield", []string{"一般聊天", "求助", "off-topic"}, "新手問題"},
		{"Retro Computing Club", []string{"workbench", "for-sale"}, "Amiga repair log"},
	} {
		guild := discord.AddGuild(simulator.GuildSpec{Name: g.name})
		var first *simulator.Channel
		for _, name := range g.channels {
			c := guild.AddChannel(simulator.ChannelSpec{Name: name})
			w.names[c.ID.String()] = name
			if first == nil {
				first = c
			}
		}
		first.StartThread(simulator.ThreadSpec{Name: g.thread})
		w.ids = append(w.ids, guild.ID.String())
		w.names[guild.ID.String()] = g.name
	}
	var err error
	w.chatter, err = discord.NewChatter(simulator.ChatterOptions{Seed: demoSeed})
	return w, err
}

// say returns something that the people of the chatter say in a guild.
func (w *demoWorld) say(guild string) demologs.Saying {
	for range math.MaxInt16 { // they talk about as much in each guild; the bound is for nobody
		channel, draft := w.chatter.Next()
		if channel.Guild().ID.String() != guild || draft.Author == nil || draft.Author.Bot || draft.Type == simulator.TypeJoin {
			continue
		}
		id := draft.Author.ID.String()
		w.names[id] = draft.Author.Name
		return demologs.Saying{Channel: channel.Name(), User: id, Text: draft.Content}
	}
	return demologs.Saying{}
}
