package simulator

import (
	"net"
	"net/http"
)

// ResumeURL returns the address that READY names for a RESUME.
func (s *Server) ResumeURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.resumeURL
}

// SetResumeURL makes READY name another address for a RESUME from now on, be it an address or not.
func (s *Server) SetResumeURL(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resumeURL = address
}

// elsewhere reports whether a request came to the address of Options.ResumeElsewhere.
func (s *Server) elsewhere(r *http.Request) bool {
	at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && s.resuming != nil && at.String() == s.resuming.Addr().String()
}
