package simulator_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"rollcall/internal/simulator"
)

// redirect sends every request to the simulator.
type redirect struct{ to *url.URL }

func (t redirect) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = t.to.Scheme, t.to.Host
	return http.DefaultTransport.RoundTrip(r)
}

func newDiscordgo(t *testing.T, s *simulator.Server) (*discordgo.Session, <-chan *discordgo.Event) {
	t.Helper()
	to, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	d, err := discordgo.New("Bot " + s.Token())
	if err != nil {
		t.Fatal(err)
	}
	d.Client = &http.Client{Transport: redirect{to}}
	d.Identify.Intents = discordgo.IntentGuilds | discordgo.IntentGuildMessages | discordgo.IntentMessageContent
	d.SyncEvents = true
	d.StateEnabled = false
	events := make(chan *discordgo.Event, 1000)
	d.AddHandler(func(_ *discordgo.Session, e *discordgo.Event) { events <- e })
	return d, events
}

// await returns the next event with the name, whatever comes before it.
func await(t *testing.T, events <-chan *discordgo.Event, name string) *discordgo.Event {
	t.Helper()
	for {
		select {
		case e := <-events:
			if e.Type == name {
				return e
			}
		case <-t.Context().Done():
			t.Fatalf("no %s came", name)
		case <-time.After(20 * time.Second):
			t.Fatalf("no %s came", name)
		}
	}
}

func TestDiscordgoIsSatisfied(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	d, events := newDiscordgo(t, w.s)
	if err := d.Open(); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	await(t, events, "READY")
	var guild discordgo.Guild
	if err := json.Unmarshal(await(t, events, "GUILD_CREATE").RawData, &guild); err != nil {
		t.Fatal(err)
	}
	if guild.ID != w.guild.ID.String() || guild.Name != "Lounge" || len(guild.Channels) != 1 || guild.Channels[0].Name != "general" {
		t.Fatalf("GUILD_CREATE told of %q %s with channels %v", guild.Name, guild.ID, guild.Channels)
	}

	posted := w.say("first")
	e := await(t, events, "MESSAGE_CREATE")
	if typed, ok := e.Struct.(*discordgo.MessageCreate); !ok || typed.ID != posted.ID.String() || typed.Content != "first" ||
		!typed.Timestamp.Equal(posted.Time) || typed.Author.ID != w.ada.ID.String() || typed.Member == nil {
		t.Fatalf("MESSAGE_CREATE held %+v", e.Struct)
	}

	for _, c := range w.s.Conns() {
		c.Close(4000, "")
	}
	missed := w.say("missed")
	if e := await(t, events, "MESSAGE_CREATE"); e.Struct.(*discordgo.MessageCreate).ID != missed.ID.String() {
		t.Fatalf("replayed %s", e.RawData)
	}
	await(t, events, "RESUMED")
	if st := w.s.Stats(); st.Identifies != 1 || st.Resumed != 1 {
		t.Fatalf("%d IDENTIFYs and %d RESUMEDs, want 1 and 1", st.Identifies, st.Resumed)
	}

	page, err := d.ChannelMessages(w.general.ID.String(), 100, "", "", "")
	if err != nil || len(page) != 2 || page[0].Content != "missed" || page[1].Content != "first" {
		t.Fatalf("history is %v, %v", page, err)
	}
	if bot, err := d.GatewayBot(); err != nil || bot.SessionStartLimit.Remaining != 999 {
		t.Fatalf("gateway/bot answered %+v, %v", bot, err)
	}
}
