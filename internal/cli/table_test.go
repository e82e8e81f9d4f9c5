package cli

import (
	"strings"
	"testing"
)

// What comes behind a name begins in the same column, whatever is in the name.
func TestTableAlignment(t *testing.T) {
	rows := [][]string{{"plain", "5", "x"}, {"🇩🇪", "10", "x"}, {"👨‍👩‍👧‍👦", "100", "x"}, {"一般", "1", "x"}, {"1️⃣ ❤️", "7", "x"}}
	var b strings.Builder
	c := new(app).columns("name", "n", "end")
	alignRight(c, 2)
	if err := c.print(&b, rows); err != nil {
		t.Fatal(err)
	}
	want := "name     n  end\n" +
		"plain    5  x\n" +
		"🇩🇪      10  x\n" +
		"👨‍👩‍👧‍👦     100  x\n" +
		"一般     1  x\n" +
		"1️⃣ ❤️    7  x\n"
	if b.String() != want {
		t.Errorf("have\n%swant\n%s", b.String(), want)
	}
}
