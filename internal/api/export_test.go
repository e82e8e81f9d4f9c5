package api

import "net/http"

// Routes are all that the server answers, as method and path.
func Routes() (routes []string) {
	for _, r := range new(Server).routes() {
		routes = append(routes, r.method+" "+r.path)
	}
	return routes
}

// Parameters are all that any path may have.
func Parameters() []string { return parameters }

// ParsePattern returns how a text is matched, and how the library alone does it.
func ParsePattern(text string) (match, plainly func([]byte) bool, err error) {
	p, err := parsePattern(text)
	if err != nil {
		return nil, nil, err
	}
	return p.match, p.re.Match, nil
}

// NewStream returns what export writes to: its write and its close.
func NewStream(w http.ResponseWriter) (write func(text string) error, close func()) {
	s := newStream(w)
	return func(text string) error {
		return s.write(func() error { _, err := s.buffer.WriteString(text); return err })
	}, s.close
}

// Patience is how long a page of messages is gathered.
const Patience = patience
