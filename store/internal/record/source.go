package record

import "fmt"

// Source is where a record came from.
type Source uint8

const (
	SourceLive     Source = 1 // the gateway, while we listened
	SourceBackfill Source = 2 // Discord's REST history, after a gap
	SourceLog      Source = 3 // the logs of the bot before us
	SourceImport   Source = 4 // other tools
)

// String is the source's name at every edge.
func (s Source) String() string {
	switch s {
	case SourceLive:
		return "live"
	case SourceBackfill:
		return "backfill"
	case SourceLog:
		return "log"
	default:
		return "import"
	}
}

// MarshalText makes JSON of it, also where it is a key.
func (s Source) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Source) UnmarshalText(b []byte) error {
	for *s = SourceLive; *s <= SourceImport; *s++ {
		if s.String() == string(b) {
			return nil
		}
	}
	return fmt.Errorf("no source is called %.20q", b)
}
