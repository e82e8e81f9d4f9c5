package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"rollcall/internal/api"
	"rollcall/internal/visible"
	"rollcall/store"
)

// policy lets a page have what is ours and nothing else: no script in the text, no style attribute,
// no frame around it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

//go:embed templates
var templateFiles embed.FS

// Options of Over.
type Options struct {
	API  http.Handler           // answers as to the operator: api.Server.Socket
	Door *Door                  // who is let in; nil: there are no pages
	Ours func(host string) bool // reports whether a Host is one that leads here by itself; nil: every one
	Zone *time.Location         // whose days and hours are shown unless a page names another; nil: UTC
	Log  *slog.Logger           // pages that fail through our fault
	Now  func() time.Time       // nil: time.Now
}

// Server makes the pages. It is safe for concurrent use.
type Server struct {
	api    http.Handler
	door   *Door
	ours   func(string) bool
	zone   *time.Location
	log    *slog.Logger
	now    func() time.Time
	pages  *template.Template
	assets *assets
	live   live
	mux    http.Handler
}

// newServer returns a server of pages.
func newServer(o Options) (*Server, error) {
	s := &Server{api: o.API, door: o.Door, ours: o.Ours, zone: o.Zone, log: o.Log, now: o.Now}
	if s.zone == nil {
		s.zone = time.UTC
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.ours == nil {
		s.ours = func(string) bool { return true }
	}
	var err error
	if s.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	s.pages, err = template.New("").Funcs(template.FuncMap{
		"asset": s.assets.path, "count": count, "compact": compact, "size": size, "visible": visible.Text,
		"moment": func(m store.Micros) string { return m.Time().Format("2006-01-02 15:04:05Z") },
		"iso":    func(m store.Micros) string { return m.String() },
		"emoji":  func(text string) template.HTML { return said(text, nil, nil) },
		"percent": func(share float64) string {
			return fmt.Sprintf("%.1f %%", 100*share)
		},
	}).ParseFS(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /assets/{name}", s.assets.serve)
	mux.HandleFunc("GET /login", s.page(s.getLogin))
	mux.HandleFunc("POST /login", s.page(s.postLogin))
	for pattern, f := range map[string]handler{
		"GET /{$}":                             s.getServers,
		"GET /g/{guild}":                       s.getServer,
		"GET /g/{guild}/chart/{name}":          s.getChart,
		"GET /g/{guild}/live":                  s.getLive,
		"GET /g/{guild}/search":                s.getSearch,
		"GET /g/{guild}/around/{message}":      s.getAround,
		"GET /g/{guild}/coverage":              s.getCoverage,
		"GET /g/{guild}/u/{user}":              s.getPerson,
		"GET /g/{guild}/u/{user}/export":       s.getExport,
		"GET /g/{guild}/u/{user}/erase":        s.getErase,
		"POST /g/{guild}/u/{user}/erase":       s.postErase,
		"GET /status":                          s.getStatus,
		"GET /sessions":                        s.getSessions,
		"POST /sessions/{id}/end":              s.postEndSession,
		"POST /logout":                         s.postLogout,
		"GET /g/{guild}/u/{user}/chart/{name}": s.getPersonChart,
	} {
		mux.HandleFunc(pattern, s.page(s.signedIn(f)))
	}
	mux.HandleFunc("/", s.page(func(http.ResponseWriter, *http.Request) error { return notFound("there is no such page") }))
	s.mux = http.NewCrossOriginProtection().Handler(gzhttp.GzipHandler(mux))
	return s, nil
}

// Over returns a handler that serves the pages, and leaves what is the API's to another one. Without a
// door there are no pages.
func Over(rest http.Handler, o Options) (http.Handler, error) {
	if o.Door == nil {
		return rest, nil
	}
	s, err := newServer(o)
	if err != nil {
		return nil, err
	}
	return s.over(rest), nil
}

func (s *Server) over(rest http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == "/v1", strings.HasPrefix(path, "/v1/"), path == "/healthz", path == "/readyz", path == "/metrics":
			rest.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !s.ours(r.Host) && !strings.EqualFold(r.Host, s.door.base.Host) {
			http.Error(w, "this address is not ours: set ROLLCALL_PUBLIC_URL to the address under which the page is reached", http.StatusForbidden)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		s.mux.ServeHTTP(w, r)
	})
}

const maxForm = 8 << 10 // bytes of a form; the largest has a token

type handler = func(http.ResponseWriter, *http.Request) error

// notFound is the problem that something is not there.
func notFound(detail string) error {
	return &api.Problem{Title: http.StatusText(http.StatusNotFound), Status: http.StatusNotFound, Detail: detail}
}

func badRequest(format string, a ...any) error {
	return &api.Problem{Title: http.StatusText(http.StatusBadRequest), Status: http.StatusBadRequest, Detail: fmt.Sprintf(format, a...)}
}

// page makes a handler of a function that writes nothing if it fails.
func (s *Server) page(f handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := f(w, r)
		if err == nil || r.Context().Err() != nil {
			return
		}
		p, ok := errors.AsType[*api.Problem](err)
		if !ok {
			s.log.Error("page failed", "path", r.URL.Path, "error", err)
			p = &api.Problem{Title: "Something is wrong here", Status: http.StatusInternalServerError, Detail: "the log of the daemon says what"}
		}
		s.render(w, r, p.Status, "problem.html", p.Title, p)
	}
}

// signedIn lets only those through who are signed in. Others are asked to do so, and come back.
func (s *Server) signedIn(f handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if s.door.visitor(r) != "" {
			return f(w, r)
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			return &api.Problem{Title: "Signed out", Status: http.StatusUnauthorized, Detail: "sign in, then do this again"}
		}
		next := "/login"
		if r.URL.Path != "/" {
			next += "?" + url.Values{"next": {r.URL.RequestURI()}}.Encode()
		}
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
}

// view is what every page has.
type view struct {
	Title    string
	SignedIn bool
	Path     string
	Data     any
}

// render writes a page. It is compared with the one that the browser has.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, name, title string, data any) error {
	var b bytes.Buffer
	v := view{Title: title, SignedIn: s.door.visitor(r) != "", Path: r.URL.Path, Data: data}
	if err := s.pages.ExecuteTemplate(&b, name, v); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	if status == http.StatusOK {
		sum := sha256.Sum256(b.Bytes())
		tag := `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
		h.Set("ETag", tag)
		h.Set("Cache-Control", "private, no-cache")
		h.Set("Vary", "Cookie")
		if strings.Contains(r.Header.Get("If-None-Match"), strings.TrimPrefix(tag, "W/")) {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	w.WriteHeader(status)
	w.Write(b.Bytes()) // the browser is gone if this fails
	return nil
}
