package web

import (
	"net/http"
	"time"
)

// login is what the page of signing in shows.
type login struct {
	Next     string
	HasToken bool // the API token signs in, too
	Trouble  string
}

// getLogin says how to get in; with the key of a one-time link it lets in.
func (s *Server) getLogin(w http.ResponseWriter, r *http.Request) error {
	l := login{Next: safeNext(r.URL.Query().Get("next")), HasToken: s.door.token != ""}
	key := r.URL.Query().Get("key")
	if key == "" {
		return s.render(w, r, http.StatusOK, "login.html", "Sign in", l)
	}
	cookie := s.door.enterByKey(key, r.UserAgent())
	if cookie == "" {
		l.Trouble = "This link was used already, or is older than ten minutes: ask for a new one."
		return s.render(w, r, http.StatusForbidden, "login.html", "Sign in", l)
	}
	s.enter(w, r, cookie, l.Next)
	return nil
}

func (s *Server) postLogin(w http.ResponseWriter, r *http.Request) error {
	l := login{Next: safeNext(r.PostFormValue("next")), HasToken: s.door.token != ""}
	cookie, wait := s.door.enterByToken(r.PostFormValue("token"), r.UserAgent())
	switch {
	case wait > 0:
		w.Header().Set("Retry-After", "10")
		l.Trouble = "Too many tokens were wrong: wait " + wait.Round(time.Second).String() + "."
		return s.render(w, r, http.StatusTooManyRequests, "login.html", "Sign in", l)
	case cookie == "":
		l.Trouble = "This is not the API token."
		return s.render(w, r, http.StatusForbidden, "login.html", "Sign in", l)
	}
	s.enter(w, r, cookie, l.Next)
	return nil
}

// enter begins a new session, never one whose cookie the browser had before.
func (s *Server) enter(w http.ResponseWriter, r *http.Request, cookie, next string) {
	if old := s.door.visitor(r); old != "" {
		s.door.leave(old)
	}
	http.SetCookie(w, s.door.cookie(cookie))
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (s *Server) postLogout(w http.ResponseWriter, r *http.Request) error {
	s.door.leave(s.door.visitor(r))
	http.SetCookie(w, s.door.cookie(""))
	http.Redirect(w, r, "/login", http.StatusSeeOther)
	return nil
}

// sessionLine is a session as its page shows it.
type sessionLine struct {
	ID, Agent, Began, Used string
	This                   bool
}

func (s *Server) getSessions(w http.ResponseWriter, r *http.Request) error {
	var lines []sessionLine
	for _, one := range s.door.list() {
		lines = append(lines, sessionLine{
			ID: one.id, Agent: one.agent, Began: one.began.UTC().Format("2006-01-02 15:04Z"), Used: one.used.UTC().Format("2006-01-02 15:04Z"),
			This: one.id == s.door.visitor(r),
		})
	}
	return s.render(w, r, http.StatusOK, "sessions.html", "Sessions", lines)
}

func (s *Server) postEndSession(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if id == s.door.visitor(r) {
		return s.postLogout(w, r)
	}
	s.door.leave(id)
	http.Redirect(w, r, "/sessions", http.StatusSeeOther)
	return nil
}
