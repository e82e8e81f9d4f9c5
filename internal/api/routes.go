package api

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

// route is what answers a method at a path; GET includes HEAD. openapi.json describes
// each.
type route struct {
	method, path string
	answer       func(http.ResponseWriter, *http.Request) error
}

func (s *Server) routes() []route {
	return []route{
		{"GET", "/v1/guilds", s.limited(s.getGuilds)},
		{"GET", "/v1/guilds/{guild}", s.limited(s.getGuild)},
		{"GET", "/v1/guilds/{guild}/top", s.limited(s.getTop)},
		{"GET", "/v1/guilds/{guild}/words", s.limited(s.getWords)},
		{"GET", "/v1/guilds/{guild}/messages", s.limited(s.getMessages)},
		{"GET", "/v1/guilds/{guild}/search", s.limited(s.getSearch)},
		{"GET", "/v1/guilds/{guild}/messages/{message}/around", s.limited(s.getAround)},
		{"GET", "/v1/guilds/{guild}/users/{user}", s.limited(s.getUser)},
		{"GET", "/v1/guilds/{guild}/users/{user}/context", s.limited(s.getContext)},
		{"GET", "/v1/state", s.limited(s.getState)},
		{"GET", "/v1/coverage", s.limited(s.getCoverage)},
		{"GET", "/v1/messages/{id}/why", s.limited(s.getWhy)},
		{"GET", "/v1/export", s.limited(s.getExport)},
		{"GET", "/v1/users/{user}", s.limited(s.getPerson)},
		{"DELETE", "/v1/users/{user}", s.limited(bodiless(s.forget))},
		{"DELETE", "/v1/users/{user}/tombstone", s.limited(bodiless(s.remember))},
		{"GET", "/v1/openapi.json", s.getOpenAPI},
		{"GET", "/v1/status", s.limited(s.getStatus)},
		{"GET", "/healthz", condition(s.vitals.Alive)},
		{"GET", "/readyz", condition(s.vitals.Ready)},
		{"GET", "/metrics", s.getMetrics},
	}
}

// router leads each route to its answer, and everything else to a problem.
//
// http.ServeMux does not serve here: it resolves "." and ".." as in a file system and
// redirects, so that a question about the user ".." is answered with the guild and a
// deletion meets somebody else; and it takes a segment "%2F" for the end of the path.
type router struct{ routes []handled }

// handled is a route with its path in segments.
type handled struct {
	method, path string
	segments     []string // one in braces stands for any that is not empty
	handler      http.Handler
}

func (s *Server) router() *router {
	rt := &router{}
	for _, r := range append(s.routes(), s.upkeepRoutes()...) {
		rt.routes = append(rt.routes, handled{r.method, r.path, strings.Split(r.path, "/"), answer(s.log, r.answer)})
	}
	return rt
}

// ServeHTTP answers, and enters into the request which route it was: Pattern is that of
// http.ServeMux, "/" where there is none.
func (rt *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Pattern = "/"
	escaped := r.URL.EscapedPath()
	if clean := path.Clean(escaped); escaped != clean && escaped != clean+"/" {
		problem(http.StatusNotFound, `no such path: %.200q: write the dots of the name "." or ".." as %%2E, or use an id`, escaped).write(w)
		return
	}
	segments := strings.Split(escaped, "/")
	for i, segment := range segments {
		var err error
		if segments[i], err = url.PathUnescape(segment); err != nil {
			problem(http.StatusBadRequest, "the path cannot be read: %v", err).write(w)
			return
		}
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	var possible []string
	for _, h := range rt.routes {
		if !h.matches(segments) {
			continue
		}
		if r.Pattern = h.path; h.method == method {
			r.Pattern = h.method + " " + h.path
			for i, segment := range h.segments {
				if name, ok := wildcard(segment); ok {
					r.SetPathValue(name, segments[i])
				}
			}
			h.handler.ServeHTTP(w, r)
			return
		}
		possible = append(possible, h.method)
	}
	if len(possible) == 0 {
		problem(http.StatusNotFound, "no such path: %.200q", r.URL.Path).write(w)
		return
	}
	w.Header().Set("Allow", strings.Replace(strings.Join(possible, ", "), "GET", "GET, HEAD", 1))
	problem(http.StatusMethodNotAllowed, "%.16s is not possible here: want %s", r.Method, strings.Join(possible, " or ")).write(w)
}

func (h *handled) matches(segments []string) bool {
	return slices.EqualFunc(h.segments, segments, func(want, have string) bool {
		if _, any := wildcard(want); any {
			return have != ""
		}
		return have == want
	})
}

// wildcard returns the name of a segment that stands for any.
func wildcard(segment string) (name string, ok bool) {
	name, ok = strings.CutPrefix(segment, "{")
	return strings.TrimSuffix(name, "}"), ok
}
