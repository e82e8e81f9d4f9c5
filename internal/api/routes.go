package api

import (
	"net/http"
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
		{"GET", "/v1/guilds/{guild}/users/{user}", s.limited(s.getUser)},
		{"GET", "/v1/guilds/{guild}/users/{user}/context", s.limited(s.getContext)},
		{"GET", "/v1/state", s.limited(s.getState)},
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

// mux leads each route to its answer, and everything else to a problem.
func (s *Server) mux() *http.ServeMux {
	mux := http.NewServeMux()
	methods := map[string][]string{}
	for _, r := range s.routes() {
		mux.HandleFunc(r.method+" "+r.path, answer(s.log, r.answer))
		methods[r.path] = append(methods[r.path], r.method)
	}
	for path, possible := range methods {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", strings.Replace(strings.Join(possible, ", "), "GET", "GET, HEAD", 1))
			problem(http.StatusMethodNotAllowed, "%.16s is not possible here: want %s", r.Method, strings.Join(possible, " or ")).write(w)
		})
	}
	s.handleUpkeep(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		problem(http.StatusNotFound, "no such path: %.200q", r.URL.Path).write(w)
	})
	return mux
}
