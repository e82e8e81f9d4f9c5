package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
)

const hidden = "(hidden)"

// maxSecretFile bounds how much of a token file is read. Discord's tokens are
// some 70 bytes; what is larger is the wrong file.
const maxSecretFile = 4096

// Secret is a text that is never printed: every way of showing it gives
// "(hidden)", or nothing if it is empty. Reveal is the only way to the text.
//
// It holds a pointer because fmt prints the fields of structs that it reaches
// through an unexported field without asking their methods; a pointer is then
// all there is to see.
type Secret struct{ text *string }

// Decode takes the text without white space around it, and without the mark of byte order
// that some editors put before it. It never fails, because envconfig puts the
// value that could not be decoded into its error; Load judges secrets itself.
func (s *Secret) Decode(text string) error {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	s.text = &text
	return nil
}

// Reveal returns the text.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsSet reports whether there is a text at all.
func (s Secret) IsSet() bool { return s.Reveal() != "" }

// String hides the text.
func (s Secret) String() string {
	if !s.IsSet() {
		return ""
	}
	return hidden
}

// GoString hides the text from %#v.
func (s Secret) GoString() string { return "config.Secret{" + s.String() + "}" }

// Format hides the text from every other verb of fmt.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'v' && f.Flag('#') {
		io.WriteString(f, s.GoString())
		return
	}
	io.WriteString(f, s.String())
}

// LogValue hides the text from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the text from encoding/json and its like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// usable reports whether the text can stand in an HTTP header as it is: visible
// ASCII only.
func (s Secret) usable() bool {
	for _, b := range []byte(s.Reveal()) {
		if b <= ' ' || b > '~' {
			return false
		}
	}
	return true
}

// flaw returns what keeps a text from being a bot's token that Discord would take, and what
// to do about it; "" if nothing does. It does not hold the text. Discord would refuse such
// a token as if it were an old one.
func (s Secret) flaw() string {
	text := s.Reveal()
	if text == "" {
		return ""
	}
	name, _, assigned := strings.Cut(text, "=")
	switch {
	case strings.ContainsAny(text, "\"'`“”„‘’«»"):
		return "there are quotation marks in it: leave them out"
	case assigned && strings.HasPrefix(name, prefix+"_") || assigned && strings.HasSuffix(strings.ToUpper(name), "TOKEN"):
		return "it begins with the name of a variable: leave that out, and the equals sign"
	case strings.ContainsAny(text, `/\`):
		return "it is the path of a file: that belongs into " + prefix + "_TOKEN_FILE"
	case strings.ContainsAny(text, "<>${}"):
		return "it is a placeholder that nothing has been put in place of"
	}
	return ""
}

// readSecret reads a secret from a file, white space around it cut. Its errors
// do not hold the path: a token that was put into the wrong variable is a
// "path" too.
func readSecret(path string) (Secret, error) {
	s, _, err := readFile(path)
	return s, err
}

// readFile returns the mode of the file, too.
func readFile(path string) (Secret, fs.FileMode, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Secret{}, 0, pathless(err)
	}
	if !info.Mode().IsRegular() { // a pipe or a terminal would be waited for
		return Secret{}, 0, errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return Secret{}, 0, pathless(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return Secret{}, 0, pathless(err)
	}
	if len(text) > maxSecretFile {
		return Secret{}, 0, fmt.Errorf("larger than %d bytes", maxSecretFile)
	}
	var s Secret
	s.Decode(string(text))
	if !s.IsSet() {
		return Secret{}, 0, errors.New("empty")
	}
	if len(text) > 1 && (text[0] == 0xff && text[1] == 0xfe || text[0] == 0xfe && text[1] == 0xff) {
		return Secret{}, 0, errors.New("it is UTF-16: save it as UTF-8")
	}
	return s, info.Mode(), nil
}

func pathless(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
