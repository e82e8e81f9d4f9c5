package web

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	linkTime    = 10 * time.Minute    // how long a one-time link is valid
	sessionTime = 30 * 24 * time.Hour // how long a session lasts that is used
	idleSession = 7 * 24 * time.Hour  // and one that is not
	maxLinks    = 32                  // and maxSessions bound what is kept; the oldest goes
	maxSessions = 256
	// Wrong keys and tokens: ten at once, then one in six seconds. Both have 128 bits or are the
	// operator's choice, who should not have to wait for somebody else's guesses for long.
	badRate  = rate.Limit(1.0 / 6)
	badBurst = 10

	cookieName = "rollcall_session"
)

// DoorOptions of NewDoor.
type DoorOptions struct {
	Token string           // the API token, with which people may sign in; "": links alone let in
	Base  *url.URL         // the address under which the page is reached; nil: there is no page
	Now   func() time.Time // nil: time.Now
}

// Door lets people in. It is safe for concurrent use.
type Door struct {
	token string
	base  *url.URL
	now   func() time.Time

	mu       sync.Mutex
	bad      *rate.Limiter
	links    map[[32]byte]time.Time // until when; by the hash of the key
	sessions map[[32]byte]*session  // by the hash of the cookie
}

// session is somebody who is signed in.
type session struct {
	id          string // names it on the page of sessions
	began, used time.Time
	agent       string // of the browser, as it calls itself
}

// NewDoor returns a door that nobody has passed yet, nil where there is no page.
func NewDoor(o DoorOptions) *Door {
	if o.Base == nil {
		return nil
	}
	d := &Door{token: o.Token, base: o.Base, now: o.Now, bad: rate.NewLimiter(badRate, badBurst),
		links: map[[32]byte]time.Time{}, sessions: map[[32]byte]*session{}}
	if d.now == nil {
		d.now = time.Now
	}
	return d
}

// Login is Link, nil of no door.
func (d *Door) Login() func() (link string, until time.Time) {
	if d == nil {
		return nil
	}
	return d.Link
}

// Link returns an address that signs in whoever opens it first, and until when.
func (d *Door) Link() (link string, until time.Time) {
	key := rand.Text()
	d.mu.Lock()
	defer d.mu.Unlock()
	until = d.now().Add(linkTime)
	drop(d.links, maxLinks, func(until time.Time) time.Time { return until })
	d.links[sha256.Sum256([]byte(key))] = until
	u := *d.base
	u.Path = strings.TrimSuffix(u.Path, "/") + "/login"
	u.RawQuery = url.Values{"key": {key}}.Encode()
	return u.String(), until
}

// drop makes room for one more element: the one goes that is the earliest.
func drop[V any](m map[[32]byte]V, most int, when func(V) time.Time) {
	if len(m) < most {
		return
	}
	var first [32]byte
	var earliest time.Time
	for k, v := range m {
		if at := when(v); earliest.IsZero() || at.Before(earliest) {
			first, earliest = k, at
		}
	}
	delete(m, first)
}

// enterByKey signs in by the key of a link, which is used up. The result is "" if the key
// is wrong or too old.
func (d *Door) enterByKey(key, agent string) (cookie string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	hash := sha256.Sum256([]byte(key))
	until, known := d.links[hash]
	if !known || !d.now().Before(until) {
		return ""
	}
	delete(d.links, hash)
	return d.begin(agent)
}

// enterByToken signs in by the API token. Wait is how long no token is looked at, because so many
// were wrong.
func (d *Door) enterByToken(token, agent string) (cookie string, wait time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	if tokens := d.bad.TokensAt(now); tokens < 1 {
		return "", time.Duration((1 - tokens) / float64(badRate) * float64(time.Second))
	}
	want, got := sha256.Sum256([]byte(d.token)), sha256.Sum256([]byte(token))
	if d.token == "" || subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		d.bad.AllowN(now, 1)
		return "", 0
	}
	return d.begin(agent), 0
}

// begin begins a session. The caller holds the lock.
func (d *Door) begin(agent string) (cookie string) {
	now := d.now()
	for hash, s := range d.sessions {
		if s.over(now) {
			delete(d.sessions, hash)
		}
	}
	drop(d.sessions, maxSessions, func(s *session) time.Time { return s.used })
	cookie = rand.Text()
	d.sessions[sha256.Sum256([]byte(cookie))] = &session{id: rand.Text(), began: now, used: now, agent: agent[:min(len(agent), 200)]}
	return cookie
}

func (s *session) over(now time.Time) bool {
	return now.Sub(s.began) > sessionTime || now.Sub(s.used) > idleSession
}

// visitor returns the id of the session that a request belongs to, "" if there is none.
func (d *Door) visitor(r *http.Request) (id string) {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return ""
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.sessions[sha256.Sum256([]byte(c.Value))]
	if s == nil || s.over(d.now()) {
		return ""
	}
	s.used = d.now()
	return s.id
}

// leave ends the session with that id.
func (d *Door) leave(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for hash, s := range d.sessions {
		if s.id == id {
			delete(d.sessions, hash)
		}
	}
}

// list returns the sessions, the newest first.
func (d *Door) list() (all []session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.sessions {
		if !s.over(d.now()) {
			all = append(all, *s)
		}
	}
	slices.SortFunc(all, func(a, b session) int { return b.began.Compare(a.began) })
	return all
}

// cookie is what the browser keeps. It is sent only to us, never to scripts, and with no request
// that another site's page causes.
func (d *Door) cookie(value string) *http.Cookie {
	c := &http.Cookie{Name: cookieName, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: d.base.Scheme == "https"}
	if value == "" {
		c.MaxAge = -1
	} else {
		c.MaxAge = int(sessionTime / time.Second)
	}
	return c
}

// safeNext returns where to go after signing in: a path of ours, or "/".
func safeNext(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") ||
		strings.HasPrefix(u.Path, "//") || strings.ContainsAny(next, "\\\r\n\t") || strings.HasPrefix(u.Path, "/login") {
		return "/"
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}
