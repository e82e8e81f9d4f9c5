package sqlitefile

import (
	"database/sql/driver"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"rollcall/internal/importer/archive"
	"rollcall/store"
)

// Text returns a text, "" for what is none, as valid UTF-8.
func Text(v driver.Value) string {
	var s string
	switch v := v.(type) {
	case string:
		s = v
	case []byte:
		s = string(v)
	case int64:
		return strconv.FormatInt(v, 10)
	}
	if !utf8.ValidString(s) {
		return strings.ToValidUTF8(s, "\ufffd")
	}
	return s
}

// Int returns a whole number, 0 for what is none. A float is none: it may have lost digits.
func Int(v driver.Value) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case string:
		n, _ := strconv.ParseInt(v, 10, 64)
		return n
	}
	return 0
}

// ID returns an id that is a text or a whole number, 0 for what is none.
func ID(v driver.Value) store.ID {
	switch v := v.(type) {
	case int64:
		return store.ID(uint64(v))
	case string:
		return archive.ID(v)
	}
	return 0
}

// MessageID is ID for a message's.
func MessageID(v driver.Value) store.ID {
	if id := ID(v); id <= archive.MaxMessageID {
		return id
	}
	return 0
}

func endOf(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
