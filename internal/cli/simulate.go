package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/internal/actors"
	"rollcall/internal/simulator"
)

const (
	simulateListen = "127.0.0.1:7879" // one above the daemon's
	simulateRate   = 2                // messages a second
)

func (a *app) simulateCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "simulate",
		Short: "Run a simulated Discord for a daemon or a bot to connect to",
		Long: "Run a simulated Discord, in which people chat in three servers, for who writes a bot or wants " +
			"to try the real daemon without a token. It prints what to set. It has the gateway and the part of " +
			"REST that reading takes; nothing is kept when it ends, and nothing leaves this machine.",
		Example: "  rollcall simulate\n" +
			"  rollcall simulate --listen 127.0.0.1:9000 --rate 50",
		Args: arguments(0, 0),
	}
	listen := c.Flags().String("listen", simulateListen, "the `address` to listen on, host:port; port 0 for any that is free")
	rate := c.Flags().Float64("rate", simulateRate, "`messages` a second that people write; 0 for none")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if *rate < 0 || *rate > 100_000 || *rate != *rate {
			return usage("--rate cannot be %v: want a number from 0 to 100000", *rate)
		}
		if _, _, err := net.SplitHostPort(*listen); err != nil {
			return usage("--listen cannot be %q: want host:port", *listen)
		}
		ctx, stop := actors.Stoppable(c.Context())
		defer stop()
		return a.simulate(ctx, *listen, *rate)
	}
	return c
}

// simulate runs until ctx is done.
func (a *app) simulate(ctx context.Context, listen string, rate float64) (err error) {
	discord, err := simulator.Start(simulator.Options{Listen: listen})
	if err != nil {
		return fmt.Errorf("%w: name another address with --listen", err)
	}
	defer func() { err = errors.Join(err, discord.Close()) }()
	world, err := newDemoWorld(discord)
	if err != nil {
		return err
	}
	if err := a.printSimulation(discord, rate); err != nil {
		return err
	}
	if rate == 0 {
		<-ctx.Done()
		return nil
	}
	return world.chatter.Run(ctx, rate, 0)
}

func (a *app) printSimulation(discord *simulator.Server, rate float64) error {
	if a.json {
		return json.NewEncoder(a.stdout).Encode(struct {
			URL     string  `json:"discord_url"`
			Gateway string  `json:"gateway_url"`
			Token   string  `json:"token"`
			Rate    float64 `json:"rate"`
		}{discord.URL(), discord.GatewayURL(), discord.Token(), rate})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "A simulated Discord runs at %s. Ctrl-C ends it.\n\n", discord.URL())
	b.WriteString("Run a daemon against it, from another terminal:\n\n")
	fmt.Fprintf(&b, "  export ROLLCALL_DISCORD_URL=%s\n  export ROLLCALL_TOKEN=%s\n  export ROLLCALL_DB=simulated.db\n  %s run\n\n", discord.URL(), discord.Token(), self())
	b.WriteString("Or point a bot at it, instead of https://discord.com:\n\n")
	fmt.Fprintf(&b, "  REST     %s/api/v10\n  gateway  %s\n  token    %s\n", discord.URL(), discord.GatewayURL(), discord.Token())
	_, err := a.stdout.Write([]byte(b.String()))
	return err
}
