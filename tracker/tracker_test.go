package tracker

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/rules"
	"rollcall/internal/simulator"
	"rollcall/store"
)

func TestRunStoresEveryKindOfMessage(t *testing.T) {
	t.Parallel()
	r := newRig(t, simulator.Options{})
	g := r.sim.AddGuild(simulator.GuildSpec{Name: "Lounge"})
	general := g.AddChannel(simulator.ChannelSpec{Name: "general"})
	voice := g.AddChannel(simulator.ChannelSpec{Name: "voice", Kind: simulator.Voice})
	news := g.AddChannel(simulator.ChannelSpec{Name: "news", Kind: simulator.Announcement})
	ada, bot := r.sim.AddUser(simulator.UserSpec{Name: "Ada"}), r.sim.AddUser(simulator.UserSpec{Name: "dicebot", Bot: true})
	r.run(r.options(), quick())
	r.ready(1)

	first := r.post(general, simulator.Draft{Author: ada, Content: "hello"})
	drafts := map[string]simulator.Draft{
		"reply":              {Author: ada, Content: "to myself", ReplyTo: first},
		"reply to the gone":  {Author: ada, Content: "to nobody", Type: simulator.TypeReply},
		"no text":            {Author: ada, Attachments: 3},
		"sticker":            {Author: ada, Stickers: []string{"Wave", "晚安"}},
		"rich":               {Author: ada, Content: "look", Embeds: 2, Mentions: []*simulator.User{bot}},
		"unknown components": {Author: ada, Content: "buttons", Components: simulator.UnknownComponents()},
		"unicode":            {Author: ada, Content: "🦊 <ünïcode> \u0000 \"quoted\" \u2028 \u202e tail"},
		"4000 characters":    {Author: ada, Content: strings.Repeat("ß", 4000)},
		"fields of other types": {Author: ada, Content: "still stored", Fields: map[string]any{
			"embeds": 7, "mentions": "x", "pinned": "no", "nonce": map[string]any{}, "flags": "all", "tts": nil,
			"member": []int{1}, "message_reference": 3, "thread": true, "poll": []any{}, "edited_timestamp": 12,
			"message_snapshots": "x", "sticker_items": map[string]any{"name": 1},
		}},
		"forward":            {Author: ada, Forward: &simulator.Message{ID: first.ID, Channel: 5, Content: "somebody else's", Attachments: 2}},
		"forward of our own": {Author: ada, Forward: &first},
		"poll":               {Author: ada, Poll: &simulator.Poll{Question: "Where shall we eat?", Answers: []string{"Pizza", "火锅"}}},
		"end of a poll":      {Author: ada, Type: simulator.TypePollEnd, ReplyTo: first},
		"voice message":      {Author: ada, Voice: true},
		"bot":                {Author: bot, Content: "beep"},
		"webhook":            {Webhook: "deploy", Content: "done"},
		"join":               {Author: ada, Type: simulator.TypeJoin},
		"pin":                {Author: ada, Type: simulator.TypePin, ReplyTo: first},
		"boost":              {Author: ada, Type: simulator.TypeBoost},
		"slash command":      {Author: bot, Content: "answer", Type: simulator.TypeCommand, ReplyTo: first},
		"unknown type":       {Author: ada, Content: "?", Type: 9999},
	}
	for _, d := range drafts {
		r.post(general, d)
	}
	r.say(ada, "typed while talking", voice)
	r.say(ada, "extra, extra", news)
	r.say(ada, "psst", r.sim.DirectWith(ada))
	deleted := r.post(general, simulator.Draft{Author: ada, Content: "gone in a moment"})
	general.DeleteMessages(deleted.ID)
	r.say(ada, "last", general)

	r.complete(everywhere)
	for id, rec := range r.stored() {
		if rec.Source != store.SourceLive {
			t.Errorf("message %v came as source %d", id, rec.Source)
		}
	}
	r.stopped()
}

func TestRunKnowsTheNamesOfTheMoment(t *testing.T) {
	t.Parallel()
	r := newRig(t, simulator.Options{})
	g := r.sim.AddGuild(simulator.GuildSpec{Name: "Lounge"})
	general := g.AddChannel(simulator.ChannelSpec{Name: "general"})
	forum := g.AddChannel(simulator.ChannelSpec{Name: "help", Kind: simulator.Forum})
	old := general.StartThread(simulator.ThreadSpec{Name: "from before"})
	ada := r.sim.AddUser(simulator.UserSpec{Name: "Ada"})
	r.run(r.options(), quick())
	r.ready(1)

	r.say(ada, "1", general, old)
	general.Rename("lobby")
	old.Rename("from before, renamed")
	r.say(ada, "2", general, old)
	young := general.StartThread(simulator.ThreadSpec{Name: "started now", Owner: ada})
	made := g.AddChannel(simulator.ChannelSpec{Name: "brand-new"})
	post, _, err := forum.StartPost(r.ctx, "how does it work?", simulator.Draft{Author: ada, Content: "it does not"})
	if err != nil {
		t.Fatal(err)
	}
	r.say(ada, "3", young, made, post)
	young.Archive()
	r.say(ada, "4", young)
	g.SetNick(ada, "Countess")
	g.Rename("Salon")
	r.say(ada, "5", general)

	r.complete(everywhere)
	for _, rec := range r.stored() {
		if rec.Channel.Name == store.UnknownChannel {
			t.Errorf("channel of %q is not known", rec.Content)
		}
	}
	names, err := r.db.Names(r.ctx, store.ID(g.ID))
	if err != nil {
		t.Fatal(err)
	}
	if names[0] != "Salon" || names[store.ID(ada.ID)] != "Countess" {
		t.Errorf("names are %q", names)
	}
	r.stopped()
}

func TestRunObeysTheLists(t *testing.T) {
	type world struct{ office, general, secret, thread, own *simulator.Channel }
	tests := map[string]struct {
		rules func(w world) rules.Options
		want  func(w world) []*simulator.Channel
	}{
		"no lists": {
			rules: func(w world) rules.Options { return rules.Options{} },
			want: func(w world) []*simulator.Channel {
				return []*simulator.Channel{w.office, w.general, w.secret, w.thread, w.own}
			},
		},
		"a guild is denied": {
			rules: func(w world) rules.Options {
				return rules.Options{GuildsDeny: []store.ID{store.ID(w.office.Guild().ID)}}
			},
			want: func(w world) []*simulator.Channel { return []*simulator.Channel{w.general, w.secret, w.thread, w.own} },
		},
		"a guild is allowed": {
			rules: func(w world) rules.Options {
				return rules.Options{GuildsAllow: []store.ID{store.ID(w.office.Guild().ID)}}
			},
			want: func(w world) []*simulator.Channel { return []*simulator.Channel{w.office} },
		},
		"a channel is denied with its threads, but for one that is allowed by itself": {
			rules: func(w world) rules.Options {
				return rules.Options{
					ChannelsDeny:  []store.ID{store.ID(w.secret.ID)},
					ChannelsAllow: []store.ID{store.ID(w.general.ID), store.ID(w.own.ID)},
				}
			},
			want: func(w world) []*simulator.Channel { return []*simulator.Channel{w.general, w.own} },
		},
		"a thread is denied": {
			rules: func(w world) rules.Options { return rules.Options{ChannelsDeny: []store.ID{store.ID(w.thread.ID)}} },
			want:  func(w world) []*simulator.Channel { return []*simulator.Channel{w.office, w.general, w.secret, w.own} },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, simulator.Options{})
			lounge := r.sim.AddGuild(simulator.GuildSpec{Name: "Lounge"})
			office := r.sim.AddGuild(simulator.GuildSpec{Name: "Office"})
			w := world{
				general: lounge.AddChannel(simulator.ChannelSpec{Name: "general"}),
				secret:  lounge.AddChannel(simulator.ChannelSpec{Name: "secret"}),
				office:  office.AddChannel(simulator.ChannelSpec{Name: "general"}),
			}
			w.thread = w.secret.StartThread(simulator.ThreadSpec{Name: "whispers"})
			ada := r.sim.AddUser(simulator.UserSpec{Name: "Ada"})
			w.own = w.secret.StartThread(simulator.ThreadSpec{Name: "announced"})
			o := r.options()
			o.Rules = r.rules(test.rules(w))
			r.run(o, quick())
			r.ready(1)
			r.say(ada, "hello", w.general, w.secret, w.thread, w.own, w.office)
			want := make(map[simulator.ID]bool)
			for _, c := range test.want(w) {
				want[c.ID] = true
			}
			if err := r.sim.WaitSent(r.ctx); err != nil {
				t.Fatal(err)
			}
			r.complete(func(m simulator.Message) bool { return want[m.Channel] })
			r.stopped()
			r.same(r.stored(), r.expected(func(m simulator.Message) bool { return want[m.Channel] }))
		})
	}
}

func TestRunRereadsAGuildsFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, simulator.Options{})
	g := r.sim.AddGuild(simulator.GuildSpec{Name: "Lounge"})
	general := g.AddChannel(simulator.ChannelSpec{Name: "general"})
	secret := g.AddChannel(simulator.ChannelSpec{Name: "secret"})
	ada := r.sim.AddUser(simulator.UserSpec{Name: "Ada"})
	dir := t.TempDir()
	file := filepath.Join(dir, g.ID.String()+".json")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(fmt.Sprintf(`{"mode":"blacklist","blacklist":["%v"]}`, secret.ID))
	o := r.options()
	o.Rules = r.rules(rules.Options{ConfigDir: dir})
	r.run(o, quick())
	r.ready(1)
	var allowed []simulator.ID
	say := func(c *simulator.Channel, text string, ok bool) {
		m := r.post(c, simulator.Draft{Author: ada, Content: text})
		if ok {
			allowed = append(allowed, m.ID)
		}
	}
	say(general, "1", true)
	say(secret, "1", false)
	r.until("the first is stored", func() bool { return len(r.stored()) == 1 })

	write(`{"mode":"unrestricted"} `)
	r.until("the file is read again", func() bool {
		return r.tracker.rules.Allowed(store.ID(g.ID), store.ID(secret.ID), 0)
	})
	say(secret, "2", true)

	write(`{"mode":"white`)
	r.until("the broken file is told of", func() bool {
		r.tracker.rules.Allowed(store.ID(g.ID), store.ID(secret.ID), 0)
		return r.log.count("level=ERROR", file) == 1
	})
	say(general, "3", true)
	say(secret, "3", true)

	write(fmt.Sprintf(`{"mode":"whitelist","whitelist":["%v"]}`, general.ID))
	r.until("the mended file is read", func() bool {
		return !r.tracker.rules.Allowed(store.ID(g.ID), store.ID(secret.ID), 0)
	})
	say(secret, "4", false)
	say(general, "4", true)
	r.until("all are stored", func() bool { return len(r.stored()) == len(allowed) })
	for _, id := range allowed {
		if _, ok := r.stored()[store.ID(id)]; !ok {
			t.Errorf("message %v is missing", id)
		}
	}
	r.stopped()
}

// Discord's address may be that of a proxy, with a path.
func TestRunBehindAPath(t *testing.T) {
	t.Parallel()
	r := newRig(t, simulator.Options{})
	c := r.sim.AddGuild(simulator.GuildSpec{Name: "Lounge"}).AddChannel(simulator.ChannelSpec{Name: "general"})
	ada := r.sim.AddUser(simulator.UserSpec{Name: "Ada"})
	target, err := url.Parse(r.sim.URL())
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(http.StripPrefix("/behind/this", httputil.NewSingleHostReverseProxy(target)))
	t.Cleanup(front.Close)
	for _, path := range []string{"/behind/this", "/behind/this/"} {
		o := r.options()
		o.DiscordURL, o.Token = front.URL+path, " Bot "+o.Token+"\n"
		r.run(o, quick())
		r.ready(1)
		r.say(ada, "hello", c)
		r.complete(everywhere)
		r.stopped()
	}
}

func TestNewRefuses(t *testing.T) {
	r := newRig(t, simulator.Options{})
	tests := map[string]struct {
		change func(o *Options)
		says   string
	}{
		"no token":          {func(o *Options) { o.Token = "Bot " }, "token"},
		"an address of ftp": {func(o *Options) { o.DiscordURL = "ftp://x" }, `"ftp://x"`},
		"half an address":   {func(o *Options) { o.DiscordURL = "discord.com" }, `"discord.com"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := r.options()
			test.change(&o)
			if _, err := New(o); err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), r.sim.Token()) {
				t.Errorf("New: %v, want an error with %q", err, test.says)
			}
		})
	}
}

func TestRunTakesOverAGuildThatComesLater(t *testing.T) {
	t.Parallel()
	r := newRig(t, simulator.Options{})
	ada := r.sim.AddUser(simulator.UserSpec{Name: "Ada"})
	r.run(r.options(), quick())
	r.ready(1)
	g := r.sim.AddGuild(simulator.GuildSpec{Name: "Late"})
	c := g.AddChannel(simulator.ChannelSpec{Name: "general"})
	r.say(ada, "1", c)
	g.SetUnavailable(true)
	g.SetUnavailable(false)
	r.say(ada, "2", c)
	r.complete(everywhere)
	g.Remove()
	r.until("the guild is forgotten", func() bool { return r.tracker.Status().Guilds == 0 })
	r.stopped()
}
