package simulator

import "time"

// AppendString is tested by itself: everything that is posted goes through it.
var AppendString = appendString

// SetLimits shortens what takes too long for a test: how late a heartbeat may be, and for how long
// a client may read nothing.
func (s *Server) SetLimits(grace, writeLimit time.Duration) {
	s.grace, s.writeLimit = grace, writeLimit
}
