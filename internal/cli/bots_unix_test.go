//go:build unix

package cli_test

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rollcall/internal/simulator"
	"rollcall/internal/storetest"
)

var bots = flag.String("bots", "", "a `folder` whose node_modules have discord.js: try the bots of docs/for-bots.md; make bots names it")

// TestBots puts the lines of docs/for-bots.md into bots of discord.py and discord.js. They
// are connected to the same Discord as the daemon, hear somebody, and tell who that is.
func TestBots(t *testing.T) {
	if *bots == "" {
		t.Skip("make bots runs it")
	}
	document, err := os.ReadFile(filepath.Join("..", "..", "docs", "for-bots.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ language, driver, program string }{
		{"python", "bot.py", "/usr/bin/python3"}, // Debian's, which has Debian's discord.py
		{"js", "bot.cjs", "node"},
	} {
		t.Run(tc.language, func(t *testing.T) {
			discord, err := simulator.Start(simulator.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { discord.Close() })
			general := discord.AddGuild(simulator.GuildSpec{Name: "The Lounge"}).AddChannel(simulator.ChannelSpec{Name: "general"})
			ada := discord.AddUser(simulator.UserSpec{Name: "Ada"})
			p := startDaemon(t, t.TempDir(), "TOKEN="+discord.Token(), "DISCORD_URL="+discord.URL(), "API_TOKEN=apisecret", "LISTEN=127.0.0.1:0", "COMMIT_INTERVAL=0")
			ctx, stop := context.WithTimeout(t.Context(), within)
			defer stop()
			if err := discord.WaitReady(ctx, 1); err != nil {
				t.Fatal(err)
			}

			m := regexp.MustCompile("(?s)```" + tc.language + "\n(.*?)```").FindSubmatch(document)
			driver, err := os.ReadFile(filepath.Join("testdata", "bots", tc.driver))
			if err != nil || m == nil {
				t.Fatalf("%v, %d blocks", err, len(m))
			}
			text := strings.ReplaceAll(string(m[1]), "http://127.0.0.1:7878", "http://"+p.httpAddress())
			path := filepath.Join(*bots, tc.driver)
			writeTo(t, path, text+string(driver))
			bot := exec.CommandContext(ctx, tc.program, path)
			bot.Env = append(os.Environ(), "DISCORD="+discord.URL(), "GATEWAY="+discord.GatewayURL(), "DISCORD_TOKEN="+discord.Token(), "ROLLCALL_API_TOKEN=apisecret")
			out := &storetest.Log{}
			bot.Stdout, bot.Stderr = out, out
			if err := bot.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- bot.Wait() }()
			if err := waitFor(func() bool { return strings.Contains(out.String(), "READY") }); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			// A direct message is in no guild: there is nothing to tell.
			if _, err := discord.DirectWith(ada).Say(ctx, ada, "psst"); err != nil {
				t.Fatal(err)
			}
			over := false
			if err := waitFor(func() bool { // until the daemon has stored what the bot hears
				if _, err := general.Say(ctx, ada, "my cat walked over the keyboard"); err != nil {
					t.Fatal(err)
				}
				select {
				case err = <-ended:
					over = true
				default:
				}
				return over
			}); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, want := range []string{"Ada in The Lounge: ", "general 100%", "my cat walked over the keyboard"} {
				if err != nil || !strings.Contains(out.String(), want) || strings.Contains(out.String(), "psst") {
					t.Errorf("%v: no %q in\n%s", err, want, out)
				}
			}
		})
	}
}
