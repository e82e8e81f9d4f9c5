package simulator

import (
	"context"
	"maps"
)

// Stats count what has happened since the start.
type Stats struct {
	Connections int // websocket connections that were taken
	Elsewhere   int // those of them at the address of Options.ResumeElsewhere
	Open        int // those that are open
	Ready       int // sessions whose READY and guilds, or RESUMED, have been written to an open connection
	Identifies  int // IDENTIFYs that came
	Readies     int // READYs that were sent
	Resumes     int // RESUMEs that came
	Resumed     int // RESUMEs that succeeded
	Invalidated int // op 9 sent
	Hasty       int // IDENTIFYs that came within Options.IdentifyWindow
	// BadProperties counts IDENTIFYs whose properties are not os, browser and device.
	BadProperties int
	// BadAgents counts REST requests and connections without a User-Agent as Discord asks for it:
	// "DiscordBot (URL, VERSION)".
	BadAgents  int
	Heartbeats int
	// REST counts requests by route, "/channels/{channel}/messages", whatever the answer.
	REST map[string]int
	// Refused counts REST answers of 401, 403 and 429, of which Discord takes 10,000 in 10 minutes.
	Refused int
	// Posted counts messages, Counting those of them that count (see Message.Counts).
	Posted, Counting int64
	Dispatched       int64 // events queued, one for each session
}

// Stats returns the counts as they are now.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snapshot()
}

func (s *Server) snapshot() Stats {
	n := s.stats
	n.REST = maps.Clone(n.REST)
	n.Open = len(s.conns)
	for _, ss := range s.sessions {
		if ss.ready() {
			n.Ready++
		}
	}
	return n
}

// Wait returns once the counts are as wanted, or with an error when ctx ends or the server closes
// first. want must not call the Server.
func (s *Server) Wait(ctx context.Context, want func(Stats) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.await(ctx, func() bool { return want(s.snapshot()) })
}

// WaitReady waits until n sessions are ready.
func (s *Server) WaitReady(ctx context.Context, n int) error {
	return s.Wait(ctx, func(st Stats) bool { return st.Ready >= n })
}

// WaitSent waits until everything that was posted has been written to the connections that listen.
// What clients have made of it they must tell themselves.
func (s *Server) WaitSent(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.await(ctx, func() bool {
		for _, ss := range s.sessions {
			if ss.listening() && ss.written < ss.last() {
				return false
			}
		}
		return true
	})
}
