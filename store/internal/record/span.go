package record

import "rollcall/internal/civil"

// Span is a closed span of time; the zero span is empty.
type Span struct {
	Set      bool
	Min, Max civil.Micros
}

// Add extends the span to an instant.
func (s *Span) Add(t civil.Micros) {
	switch {
	case !s.Set:
		*s = Span{true, t, t}
	case t < s.Min:
		s.Min = t
	case t > s.Max:
		s.Max = t
	}
}

// Overlaps reports whether the span and [from, to] have an instant in common.
func (s Span) Overlaps(from, to civil.Micros) bool { return s.Set && from <= s.Max && s.Min <= to }

// Covers reports whether all of o lies in the span.
func (s Span) Covers(o Span) bool { return !o.Set || s.Set && s.Min <= o.Min && o.Max <= s.Max }
