package snowflake_test

import (
	"testing"

	"rollcall/internal/snowflake"
)

func TestParseID(t *testing.T) {
	for in, want := range map[string]snowflake.ID{"1": 1, "18446744073709551615": 1<<64 - 1, "00000000000000000007": 7} {
		if have, err := snowflake.ParseID(in); err != nil || have != want {
			t.Errorf("%q: have %v, %v", in, have, err)
		}
	}
	for _, bad := range []string{"", "0", "-1", "+1", " 1", "1 ", "1.0", "0x1", "18446744073709551616", "99999999999999999999", "000000000000000000001", "१", "bob"} {
		if have, err := snowflake.ParseID(bad); err == nil {
			t.Errorf("%q: have %v, want an error", bad, have)
		}
	}
}
