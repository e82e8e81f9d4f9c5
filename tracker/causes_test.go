package tracker

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFatal(t *testing.T) {
	for code := 3990; code < 4030; code++ {
		want := code == 4004 || code >= 4010 && code <= 4014
		err := fatal(fmt.Errorf("wrapped: %w", &closeError{code: code, text: "because"}))
		if (err != nil) != want {
			t.Errorf("code %d: %v, want fatal: %v", code, err, want)
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), fmt.Sprint(code)) || strings.Contains(err.Error(), "\n") {
			t.Errorf("code %d: %q", code, err)
		}
	}
	for _, err := range []error{io.EOF, errReconnect, &invalidSession{}, &closeError{code: 1005}} {
		if fatal(err) != nil {
			t.Errorf("%v is fatal", err)
		}
	}
}

func TestEndsSession(t *testing.T) {
	tests := map[string]struct {
		cause error
		want  bool
	}{
		"4007":                {&closeError{code: 4007}, true},
		"4009":                {&closeError{code: 4009}, true},
		"4008":                {&closeError{code: 4008}, false},
		"op 9":                {&invalidSession{}, true},
		"op 9, resumable":     {&invalidSession{resumable: true}, false},
		"op 7":                {errReconnect, false},
		"zombie":              {errZombie, false},
		"a broken connection": {io.ErrUnexpectedEOF, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := endsSession(fmt.Errorf("wrapped: %w", test.cause)); got != test.want {
				t.Errorf("endsSession = %v", got)
			}
		})
	}
}

func TestOneLine(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"plain":         {"hello", "hello"},
		"lines":         {"a\r\nb\tc\x1b[31m", "a  b c [31m"},
		"bad UTF-8":     {"a\xffb", "a\uFFFDb"},
		"long":          {strings.Repeat("x", 300), strings.Repeat("x", 200) + "…"},
		"long in runes": {strings.Repeat("€", 300), strings.Repeat("€", 66) + "…"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := oneLine(test.in); got != test.want || !utf8.ValidString(got) {
				t.Errorf("oneLine(%q) = %q", test.in, got)
			}
		})
	}
}
