package tracker

import (
	"testing"

	"rollcall/store"
)

func TestNames(t *testing.T) {
	n := newNames()
	n.setGuild(guild{
		ID: 1, Name: "Lounge",
		Channels: []channel{{ID: 10, Name: "general"}, {ID: 11, Name: "secret"}},
		Threads:  []channel{{ID: 12, Name: "a thread", Parent: 10}},
	})
	n.setGuild(guild{ID: 2, Name: "Office", Channels: []channel{{ID: 20, Name: "general"}}})
	check := func(id store.ID, want channelInfo, known bool) {
		t.Helper()
		if got, ok := n.channel(id); got != want || ok != known {
			t.Errorf("channel %d is %+v %v, want %+v %v", id, got, ok, want, known)
		}
	}
	check(10, channelInfo{guild: 1, name: "general"}, true)
	check(12, channelInfo{guild: 1, parent: 10, name: "a thread"}, true)
	check(99, channelInfo{}, false)

	n.setChannel(channel{ID: 12, GuildID: 1, Name: "renamed"}) // an update may leave the parent out
	check(12, channelInfo{guild: 1, parent: 10, name: "renamed"}, true)
	n.setChannel(channel{ID: 12, GuildID: 1, Parent: 10})
	check(12, channelInfo{guild: 1, parent: 10, name: "renamed"}, true)
	n.dropChannel(11)
	check(11, channelInfo{}, false)

	n.setGuild(guild{ID: 1})
	if got := n.guild(1); got != "Lounge" {
		t.Errorf("an update without a name leaves %q", got)
	}
	n.setGuild(guild{ID: 1, Name: "Salon"})
	if got := n.guild(1); got != "Salon" {
		t.Errorf("guild is %q", got)
	}
	n.dropGuild(1)
	check(10, channelInfo{}, false)
	check(20, channelInfo{guild: 2, name: "general"}, true)
	if guilds, channels := n.count(); guilds != 1 || channels != 1 || n.guild(1) != "" {
		t.Errorf("%d guilds and %d channels are left", guilds, channels)
	}
}

func TestNamesAreBounded(t *testing.T) {
	n := newNames()
	n.most = 100
	for id := range store.ID(1000) {
		n.setChannel(channel{ID: id + 1, GuildID: 1, Name: "x"})
		if _, ok := n.channel(id + 1); !ok {
			t.Fatalf("channel %d is not known though it is the latest", id+1)
		}
	}
	if _, channels := n.count(); channels != 100 {
		t.Errorf("%d channels are kept", channels)
	}
}
