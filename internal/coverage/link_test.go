package coverage_test

import (
	"errors"
	"strings"
	"testing"

	"rollcall/internal/coverage"
)

func TestParseMessage(t *testing.T) {
	all := coverage.Message{ID: 3, Guild: 1, Channel: 2}
	for text, want := range map[string]coverage.Message{
		"3": {ID: 3}, " 3 ": {ID: 3}, "2-3": {ID: 3, Channel: 2},
		"9223372036854775807":                         {ID: 1<<63 - 1},
		"https://discord.com/channels/1/2/3":          all,
		"https://ptb.discord.com/channels/1/2/3":      all,
		"https://canary.discord.com/channels/1/2/3/":  all,
		"https://discordapp.com/channels/1/2/3?x=y#z": all,
		"http://DISCORD.com/channels/1/2/3":           all,
		"<https://discord.com/channels/1/2/3>":        all,
		"https://discord.com/channels/@me/2/3":        {ID: 3, Channel: 2, Direct: true},
	} {
		if have, err := coverage.ParseMessage(text); err != nil || have != want {
			t.Errorf("%q: %+v, %v, want %+v", text, have, err, want)
		}
	}
	for _, text := range []string{
		"", "0", "-3", "2-", "x", "9223372036854775808", "18446744073709551616", "https://discord.com/channels/1/2", "https://discord.com/channels/1/2/3/4",
		"https://discord.com/channels/0/2/3", "https://discord.com/channels/1/x/3", "https://discord.com/guilds/1/2/3", "https://example.com/channels/1/2/3",
		"https://discord.com.example.com/channels/1/2/3", "discord.com/channels/1/2/3", "ftp://discord.com/channels/1/2/3", "https://x@discord.com:99/channels/1/2/3", "%", "1/2/3",
	} {
		if have, err := coverage.ParseMessage(text); !errors.Is(err, coverage.ErrBadLink) {
			t.Errorf("%q: %+v, %v", text, have, err)
		}
	}
}

// Whatever is read is a message, and reads the same when it is written plainly.
func FuzzParseMessage(f *testing.F) {
	for _, text := range []string{"3", "2-3", "https://discord.com/channels/1/2/3", "<https://ptb.discord.com/channels/@me/2/3>", "https://discord.com/channels/%31/2/3"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := coverage.ParseMessage(text)
		if err != nil {
			return
		}
		if m.ID == 0 || m.ID >= 1<<63 || m.Direct && m.Guild != 0 || m.Guild != 0 && m.Channel == 0 {
			t.Fatalf("%q: %+v", text, m)
		}
		plain := m.ID.String()
		switch {
		case m.Direct:
			plain = strings.Join([]string{"https://discord.com/channels/@me", m.Channel.String(), plain}, "/")
		case m.Guild != 0:
			plain = strings.Join([]string{"https://discord.com/channels", m.Guild.String(), m.Channel.String(), plain}, "/")
		case m.Channel != 0:
			plain = m.Channel.String() + "-" + plain
		}
		if again, err := coverage.ParseMessage(plain); err != nil || again != m {
			t.Fatalf("%q is %+v, and %q is %+v, %v", text, m, plain, again, err)
		}
	})
}
