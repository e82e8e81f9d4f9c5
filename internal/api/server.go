package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"rollcall/internal/health"
	"rollcall/internal/importer/intake"
	"rollcall/internal/rules"
	"rollcall/internal/words"
	"rollcall/store"
	"rollcall/tracker"
)

const (
	headerTime = 5 * time.Second  // to send a request's header
	readTime   = 10 * time.Second // to send a request
	writeTime  = 30 * time.Second // to take in a piece of an answer, see writePiece
	idleTime   = time.Minute      // between two requests of a connection
	closeTime  = time.Second      // for the answers under way when the server stops
	maxHeader  = 16 << 10         // bytes of a request's line and header
	maxQueries = 32               // questions to the store at a time, over all connections of a Server
)

// MaxQuestion is how many bytes of path and parameters fit the header of a request for
// certain.
const MaxQuestion = maxHeader / 2

// DatabaseHeader names, in every answer over the socket, the absolute path of the
// database that the answer comes from, percent-encoded; it is empty if that is not known.
const DatabaseHeader = "Rollcall-Database"

// Options of New.
type Options struct {
	Store   *store.DB
	Token   string         // what /v1 over TCP asks for; empty: /v1 is closed there
	Host    string         // the host that TCP is listened on, as configured; empty or unspecified: every address
	Socket  string         // path of the unix socket, for the hint to use it
	Vitals  *health.Vitals // how the daemon is; nil: there is none, the store is asked alone
	Metrics http.Handler   // nil: there are none
	Log     *slog.Logger   // requests that fail through our fault

	Intake *intake.Database // takes archives of other tools, see ImportPath; nil: none are taken

	Rules  *rules.Rules                            // what is recorded; nil: that is not known
	Passed func(store.ID) (tracker.PassedBy, bool) // messages that were passed by; nil: nobody listens

	Login func() (link string, until time.Time) // makes a one-time link to the page; nil: there is none
	// Public reports whether everybody in a guild may read a channel; nil: that is not known.
	Public func(guild, channel store.ID) bool
	Reader Reader // nil: nobody is connected to Discord, and as is refused

	Logs, Backups string // the daemon's folders, see FoldersPath; "": it has none

	// Settings is what SettingsPath answers, as JSON; it holds no secret. nil: there are none.
	Settings any

	Zone *time.Location   // whose days and hours are counted unless a question names another; nil: UTC
	Now  func() time.Time // nil: time.Now

	// MinFree is how many bytes a copy of the database has to leave free on its disk.
	MinFree int64
}

// Server answers from a store. Its handlers may be used at the same time.
type Server struct {
	store        *store.DB
	token        string
	host, socket string
	vitals       *health.Vitals
	metrics      http.Handler
	log          *slog.Logger
	lexicon      *words.Lexicon
	zone         *time.Location
	now          func() time.Time
	database     string        // its absolute path, escaped for DatabaseHeader
	queries      chan struct{} // holds one element per question under way
	counts       chan struct{} // and one per guild whose words are counted
	handler      http.Handler
	minFree      int64
	rules        *rules.Rules
	passed       func(store.ID) (tracker.PassedBy, bool)
	public       func(guild, channel store.ID) bool
	settings     any
	reader       Reader
	logs         string // folders
	backups      string
	upkeep       sync.Mutex // held by the one thing that copies the database
	intake       *intake.Database
	importing    sync.Mutex // held while a batch is taken in
	login        func() (string, time.Time)
}

// New returns a server of the store, which must stay open until the handlers
// have returned.
func New(o Options) *Server {
	database, err := filepath.Abs(o.Store.Path())
	if err != nil { // there is no working folder any more
		database = ""
	}
	s := &Server{
		store: o.Store, token: o.Token, host: o.Host, socket: o.Socket, vitals: o.Vitals, metrics: o.Metrics, log: o.Log,
		lexicon: words.NewLexicon(dictionaryTime), zone: o.Zone, now: o.Now,
		database: url.PathEscape(database), queries: make(chan struct{}, maxQueries), counts: make(chan struct{}, maxCounts), minFree: o.MinFree,
		rules: o.Rules, passed: o.Passed, public: o.Public, reader: o.Reader, settings: o.Settings, logs: o.Logs, backups: o.Backups, intake: o.Intake, login: o.Login,
	}
	if s.vitals == nil {
		s.vitals = health.New(health.Sources{Store: o.Store})
	}
	if s.zone == nil {
		s.zone = time.UTC
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.handler = gzhttp.GzipHandler(s.router())
	return s
}

// Socket returns the handler for callers who have the right to open the socket
// file, and for the process itself.
func (s *Server) Socket() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(DatabaseHeader, s.database)
		s.serve(w, r)
	})
}

// TCP returns the handler for everybody else: it wants a Host that is ours, and
// the token for /v1.
func (s *Server) TCP() http.Handler {
	upkeep := map[string]bool{}
	for _, r := range s.upkeepRoutes() {
		upkeep[r.path] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.Ours(r.Host) {
			problem(http.StatusForbidden, "the Host %.64q is not ours: ask for the address that is listened on", r.Host).write(w)
			return
		}
		if p := s.authorize(r); p != nil {
			if p.Status == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", `Bearer realm="rollcall"`)
			}
			p.write(w)
			return
		}
		if upkeep[r.URL.Path] {
			problem(http.StatusForbidden, "%s is possible over the socket alone: %s", r.URL.Path, s.socket).write(w)
			return
		}
		s.serve(w, r)
	})
}

// serve does what all callers have in common.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if !sameOrigin(r) {
		problem(http.StatusForbidden, "requests of other sites' pages are refused").write(w)
		return
	}
	if r.ContentLength != 0 && r.URL.Path != ImportPath {
		w.Header().Set("Connection", "close") // instead of reading the body
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			problem(http.StatusRequestEntityTooLarge, "a request has no body here").write(w)
			return
		}
	}
	// The request has been read. Its deadline would go on to cancel an answer
	// that takes longer.
	http.NewResponseController(w).SetReadDeadline(time.Time{})
	s.handler.ServeHTTP(w, r)
}

// authorize says why a request over TCP is not answered, nil if it is.
func (s *Server) authorize(r *http.Request) *Problem {
	if r.URL.Path != "/v1" && !strings.HasPrefix(r.URL.Path, "/v1/") {
		return nil
	}
	if s.token == "" {
		return problem(http.StatusForbidden, "over TCP /v1 is closed: set ROLLCALL_API_TOKEN or ROLLCALL_API_TOKEN_FILE, or use the socket %s", s.socket)
	}
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	// Hashes have one length: comparing them does not tell that of the token.
	want, got := sha256.Sum256([]byte(s.token)), sha256.Sum256([]byte(strings.TrimSpace(given)))
	if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		return problem(http.StatusUnauthorized, "want the header Authorization: Bearer with the API token")
	}
	return nil
}

// Ours reports whether a request's Host is one that leads to us by itself. Any other
// name may have been pointed at our address by the site that sent the request.
// A numeric address cannot be, so where all addresses are listened on (in a
// container, say, whose own address nobody uses) every one of them is.
func (s *Server) Ours(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if host == "" || strings.EqualFold(host, "localhost") || strings.EqualFold(host, s.host) { // HTTP/1.0 has no Host
		return true
	}
	ip := net.ParseIP(host)
	if ip == nil {
		return false
	}
	own := net.ParseIP(s.host)
	return ip.IsLoopback() || s.host == "" || own != nil && (own.IsUnspecified() || own.Equal(ip))
}

// sameOrigin reports whether a request comes from no web page, or from one of ours.
func sameOrigin(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	u, err := url.Parse(origins[0])
	return len(origins) == 1 && err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// limited lets at most maxQueries questions reach the store at a time.
func (s *Server) limited(f func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		select {
		case s.queries <- struct{}{}:
			defer func() { <-s.queries }()
			return f(w, r)
		default:
			w.Header().Set("Retry-After", "1")
			return problem(http.StatusServiceUnavailable, "%d questions are being answered already: ask again", maxQueries)
		}
	}
}

// Serve answers requests on the listener until the context is done, lets the
// answers under way finish for a second while their contexts are cancelled, and
// returns nil; or the error for which the listener could not go on. It closes
// the listener.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // broken clients
	}
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		grace, cancel := context.WithTimeout(context.Background(), closeTime)
		defer cancel()
		server.Shutdown(grace)
		server.Close()
	})
	err := server.Serve(steadyListener{listener})
	if !stop() {
		<-closed
		return nil
	}
	return err
}
