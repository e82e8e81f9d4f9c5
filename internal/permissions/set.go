package permissions

import (
	"errors"
	"strconv"
)

// Set is a set of permissions, with Discord's bits.
type Set uint64

// The permissions that reading depends on.
const (
	Administrator      Set = 1 << 3
	ViewChannel        Set = 1 << 10
	ReadMessageHistory Set = 1 << 16
	Connect            Set = 1 << 20
	ManageThreads      Set = 1 << 34

	everything Set = 1<<64 - 1
)

// ErrBadSet is returned for a text that is no set of permissions.
var ErrBadSet = errors.New("not a set of permissions: want a decimal number below 2^64")

// ParseSet reads a set as Discord writes it, as a decimal number.
func ParseSet(s string) (Set, error) {
	if s == "" || s[0] == '+' {
		return 0, ErrBadSet
	}
	v, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, ErrBadSet
	}
	return Set(v), nil
}

// Has reports whether s has every permission of o.
func (s Set) Has(o Set) bool { return s&o == o }
