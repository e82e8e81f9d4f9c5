package tracker

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/internal/simulator"
)

// The token goes to Discord, and to the host that the operator has named, alone.
func TestResumeAddress(t *testing.T) {
	const discord, ours, plain = "https://discord.com", "https://proxy.example/x", "http://127.0.0.1:8080"
	tests := []struct {
		told, base string
		want       bool
	}{
		{"wss://gateway-us-east1-b.discord.gg", discord, true},
		{"wss://GATEWAY.discord.gg:443/?x=y", discord, true},
		{"wss://discord.gg", ours, true},
		{"ws://gateway.discord.gg", discord, false},
		{"wss://gateway.discord.gg.example", discord, false},
		{"wss://notdiscord.gg", discord, false},
		{"wss://a@gateway.discord.gg", discord, false},
		{"https://gateway.discord.gg", discord, false},
		{"wss://discord.com", discord, true},
		{"wss://proxy.example:9000", ours, true},
		{"ws://proxy.example:9000", ours, false},
		{"ws://127.0.0.1:9000", plain, true},
		{"wss://127.0.0.1", plain, true},
		{"ws://127.0.0.2:8080", plain, false},
		{"", discord, false},
		{"gateway.discord.gg", discord, false},
		{"wss://", discord, false},
		{"://", discord, false},
		{"wss:gateway.discord.gg", discord, false},
	}
	for _, test := range tests {
		base, err := url.Parse(test.base)
		if err != nil {
			t.Fatal(err)
		}
		if got := resumeAddress(test.told, base); (got != nil) != test.want {
			t.Errorf("%q for %s: %v", test.told, test.base, got)
		}
	}
}

// Whatever READY names, the address is none, or one that may be given the token.
func FuzzResumeAddress(f *testing.F) {
	f.Add("wss://gateway.discord.gg/?v=9")
	f.Add("ws://127.0.0.1:1")
	base := &url.URL{Scheme: "https", Host: "discord.com"}
	f.Fuzz(func(t *testing.T, told string) {
		u := resumeAddress(told, base)
		if u == nil {
			return
		}
		host := strings.ToLower(u.Hostname())
		if u.Scheme != "wss" || host != "discord.com" && host != "discord.gg" && !strings.HasSuffix(host, ".discord.gg") {
			t.Errorf("%q is taken for %v", told, u)
		}
		if addr, secure := dialAddress(u); addr == "" || !secure {
			t.Errorf("%q is dialled at %q", told, addr)
		}
	})
}

// A session is resumed where READY says, and where it is not, at the general address.
func TestResumeWhereReadySays(t *testing.T) {
	t.Parallel()
	together(t, map[string]struct {
		told      string // "": as the simulator tells it
		elsewhere int
	}{
		"there":              {"", 2},
		"a foreign host":     {"ws://127.0.0.2:1", 0},
		"no address":         {"elsewhere", 0},
		"nobody is there":    {"ws://127.0.0.1:1", 0},
		"an address of ages": {"ws://127.0.0.1:1/" + strings.Repeat("x", 4096), 0},
	}, func(t *testing.T, c struct {
		told      string
		elsewhere int
	}) {
		r := newFaultRig(t, simulator.Options{ResumeElsewhere: true})
		if c.told != "" {
			r.sim.SetResumeURL(c.told)
		}
		r.run(r.options(), quick())
		r.ready(1)
		r.hears("before")
		for resumed := range 2 {
			r.conn().Cut()
			r.post(r.channel, simulator.Draft{Author: r.ada, Content: "meanwhile"})
			r.stats("it is resumed", func(s simulator.Stats) bool { return s.Resumed == resumed+1 && s.Ready == 1 })
		}
		r.hears("after")
		r.complete(everywhere)
		if s := r.sim.Stats(); s.Elsewhere != c.elsewhere || s.Readies != 1 || s.BadAgents != 0 {
			t.Errorf("%+v", s)
		}
		r.stopped()
	})
}

func TestPace(t *testing.T) {
	l := gatewayLimits()
	op9, closed := &invalidSession{}, &closeError{code: 4000}
	short, long := time.Second, 2*l.stable
	identify := attempt{cause: closed, greeted: true}
	tests := map[string]struct {
		before   []attempt
		a        attempt
		from, to time.Duration
	}{
		"a long session, to be resumed":      {a: attempt{cause: closed, greeted: true, lasted: long, resumes: true}, from: 250 * time.Millisecond, to: 500 * time.Millisecond},
		"a short session, to be resumed":     {a: attempt{cause: closed, greeted: true, lasted: short, resumes: true}, from: 250 * time.Millisecond, to: 5 * time.Second},
		"many attempts to resume in vain":    {before: repeat(20, attempt{cause: closed, resuming: true, resumes: true}), a: attempt{cause: closed, resuming: true, resumes: true}, from: time.Second, to: 5 * time.Second},
		"op 9 after many attempts":           {before: repeat(20, attempt{cause: closed, resuming: true, resumes: true}), a: attempt{cause: op9, resuming: true, greeted: true}, from: time.Second, to: 5 * time.Second},
		"op 9 after a short session":         {before: []attempt{{cause: closed, greeted: true, lasted: short, resumes: true}}, a: attempt{cause: op9, resuming: true, greeted: true}, from: time.Second, to: 5 * time.Second},
		"a server that is away":              {before: repeat(20, attempt{cause: closed}), a: attempt{cause: closed}, from: 7 * time.Second, to: 15 * time.Second},
		"IDENTIFYs that are not answered":    {before: repeat(20, identify), a: identify, from: 30 * time.Second, to: time.Minute},
		"sessions that never last":           {before: repeat(20, attempt{cause: op9, greeted: true, lasted: short}), a: attempt{cause: op9, greeted: true, lasted: short}, from: 30 * time.Second, to: time.Minute},
		"... until one does":                 {before: append(repeat(20, attempt{cause: op9, greeted: true, lasted: short}), attempt{cause: closed, greeted: true, lasted: long}), a: attempt{cause: op9, greeted: true, lasted: short}, from: time.Second, to: 5 * time.Second},
		"Discord asks for a wait of an hour": {a: attempt{cause: &tooManyRequests{time.Hour}}, from: time.Hour, to: time.Hour},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for range 50 {
				p := pace{limits: l}
				for _, a := range test.before {
					p.next(a)
				}
				if wait := p.next(test.a); wait < test.from || wait > test.to {
					t.Fatalf("waits %v, want %v to %v", wait, test.from, test.to)
				}
			}
		})
	}
}

func repeat(n int, a attempt) (list []attempt) {
	for range n {
		list = append(list, a)
	}
	return list
}

// The wait that the log tells is the one that happens, the turn to IDENTIFY included.
func TestLogTellsTheWait(t *testing.T) {
	t.Parallel()
	r := newFaultRig(t, simulator.Options{IdentifyWindow: time.Second})
	l := quick()
	l.identify = 4 * time.Second
	r.run(r.options(), l)
	r.ready(1)
	r.conn().Invalidate(false)
	r.until("it has told of the wait", func() bool { return r.log.count("next_attempt_in") == 1 })
	start := time.Now()
	r.stats("it is back", func(s simulator.Stats) bool { return s.Readies == 2 })
	took := time.Since(start)
	wait := r.waits()[0]
	if took < wait-100*time.Millisecond || wait < 100*time.Millisecond {
		t.Errorf("it says %v and takes %v", wait, took)
	}
	if s := r.sim.Stats(); s.Hasty != 0 {
		t.Errorf("%d IDENTIFYs came too early", s.Hasty)
	}
	r.stopped()
}

// When another process of the bot identified, such as one that was killed a moment ago, is not
// known here. Discord refuses the IDENTIFY that comes too early with op 9, and the next one is
// in time.
func TestIdentifyAfterARestart(t *testing.T) {
	t.Parallel()
	r := newFaultRig(t, simulator.Options{IdentifyWindow: 4 * time.Second})
	l := quick()
	l.identify = 5 * time.Second
	r.run(r.options(), l)
	r.ready(1)
	r.stopped()
	r.run(r.options(), l)
	r.stats("it is back", func(s simulator.Stats) bool { return s.Readies == 2 })
	if s := r.sim.Stats(); s.Hasty != 1 || s.Identifies != 3 {
		t.Errorf("of %d IDENTIFYs %d came too early, want 3 and 1", s.Identifies, s.Hasty)
	}
	r.stopped()
}

// waits returns the waits before the next attempt that the log tells of.
func (r *rig) waits() (waits []time.Duration) {
	r.Helper()
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	for line := range strings.Lines(r.log.text.String()) {
		if _, told, ok := strings.Cut(line, "next_attempt_in="); ok {
			told, _, _ = strings.Cut(strings.TrimSpace(told), " ")
			wait, err := time.ParseDuration(told)
			if err != nil {
				r.Fatal(err)
			}
			waits = append(waits, wait)
		}
	}
	return waits
}
