package tracker

import (
	"slices"
	"testing"

	"rollcall/internal/rules"
	"rollcall/store"
)

// Names of channels that the rules deny, and of their threads, are not stored: neither
// where a guild is described nor when one of them is renamed.
func TestNamesOfDeniedChannels(t *testing.T) {
	const described = `{"id":"` + guild0 + `","name":"Lounge","channels":[{"id":"10","name":"secret"},{"id":"12","name":"general"}],` +
		`"threads":[{"id":"11","type":11,"parent_id":"10","name":"secret thread"}]}`
	r, _ := newReceiver(t, rules.Options{ChannelsDeny: []store.ID{10}})
	for _, e := range []struct{ name, data string }{
		{"GUILD_CREATE", described},
		{"CHANNEL_UPDATE", `{"id":"10","guild_id":"` + guild0 + `","name":"secret, renamed"}`},
		{"THREAD_UPDATE", `{"id":"11","guild_id":"` + guild0 + `","type":11,"parent_id":"10","name":"secret thread, renamed"}`},
		{"CHANNEL_UPDATE", `{"id":"12","guild_id":"` + guild0 + `","name":"renamed"}`},
	} {
		if err := r.receive(t.Context(), e.name, []byte(e.data)); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	seen, _ := r.writer.aside.take()
	for _, c := range seen {
		if c.Name != "" {
			names = append(names, c.Name)
		}
	}
	if !slices.Contains(names, "renamed") {
		t.Errorf("the new name of an allowed channel is not stored: %q", names)
	}
	if slices.ContainsFunc(names, func(name string) bool { return name != "general" && name != "renamed" }) {
		t.Errorf("the names %q are stored", names)
	}
}
