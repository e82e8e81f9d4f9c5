package simulator_test

import (
	"context"
	"testing"

	"rollcall/internal/simulator"
)

// world is a server with one guild, one channel and one person.
type world struct {
	t       *testing.T
	s       *simulator.Server
	guild   *simulator.Guild
	general *simulator.Channel
	ada     *simulator.User
}

func newWorld(t *testing.T, o simulator.Options) *world {
	t.Helper()
	s, err := simulator.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{t: t, s: s}
	w.guild = s.AddGuild(simulator.GuildSpec{Name: "Lounge"})
	w.general = w.guild.AddChannel(simulator.ChannelSpec{Name: "general"})
	w.ada = s.AddUser(simulator.UserSpec{Name: "Ada"})
	return w
}

// say posts text by Ada in general.
func (w *world) say(text string) simulator.Message {
	w.t.Helper()
	m, err := w.general.Say(w.t.Context(), w.ada, text)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

// limited returns a context that ends when patience does.
func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}
