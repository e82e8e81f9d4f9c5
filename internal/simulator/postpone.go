package simulator

import "slices"

// postponed is a standing Postpone and the events that it has kept back.
type postponed struct {
	match func(name string, data []byte) bool
	kept  []event
}

// Postpone keeps back every event whose name and data (its d) match accepts, as Discord promises no
// order of events: a THREAD_CREATE after the thread's first messages, a MESSAGE_DELETE before its
// MESSAGE_CREATE. release sends what was kept back, in its order, to the sessions that there are
// then, and ends it; calling it again does nothing. match must not call the Server.
func (s *Server) Postpone(match func(name string, data []byte) bool) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &postponed{match: match}
	s.faults.postponed = append(s.faults.postponed, p)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.faults.postponed = slices.DeleteFunc(s.faults.postponed, func(o *postponed) bool { return o == p })
		kept := p.kept
		p.kept = nil
		for _, e := range kept {
			s.publish(e)
		}
	}
}

// postpones reports whether an event is kept back. s.mu is held.
func (s *Server) postpones(e event) bool {
	for _, p := range s.faults.postponed {
		if p.match(e.name, e.data) {
			p.kept = append(p.kept, e)
			return true
		}
	}
	return false
}
