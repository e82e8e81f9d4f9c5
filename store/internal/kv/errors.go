package kv

import (
	"encoding/json"
	"errors"
	"fmt"
)

// ErrDamaged reports that the file is not, or no longer, a rollcall database.
var ErrDamaged = errors.New("damaged database")

// ErrBadValue reports that a value does not decode. It stays within the store, which
// wraps ErrDamaged with the value's key instead (Damaged).
var ErrBadValue = errors.New("value does not decode")

// Damaged returns an error that wraps ErrDamaged and names the key of a value.
func Damaged(key []byte) error {
	return fmt.Errorf("%w: the value under key %x fails its checksum", ErrDamaged, key)
}

// DecodeJSON decodes the payload under key into v. The error wraps ErrDamaged.
func DecodeJSON(key, payload []byte, v any) error {
	if err := json.Unmarshal(payload, v); err != nil {
		return fmt.Errorf("%w: the value under key %q: %v", ErrDamaged, key, err)
	}
	return nil
}
