package main

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

func TestNumbers(t *testing.T) {
	for _, test := range []struct {
		v               float64
		number, decimal string
	}{
		{0, "0", "0.00"}, {0.456, "0", "0.46"}, {12.34, "12", "12.3"}, {999, "999", "999"}, {1234, "1,230", "1,230"}, {512_345, "512,000", "512,000"}, {1e6, "1,000,000", "1,000,000"},
	} {
		if n, d := number(test.v), decimal(test.v); n != test.number || d != test.decimal {
			t.Errorf("%v is %q and %q, want %q and %q", test.v, n, d, test.number, test.decimal)
		}
	}
}

func TestSpread(t *testing.T) {
	for name, test := range map[string]struct {
		values []float64
		want   spread
	}{
		"one":  {[]float64{3}, spread{3, 3, 3}},
		"odd":  {[]float64{5, 1, 3}, spread{3, 1, 5}},
		"even": {[]float64{4, 1, 2, 9}, spread{3, 1, 9}},
	} {
		if got := spreadOf(test.values); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if !math.IsNaN(spreadOf(nil).median) || !math.IsNaN(quantile(nil, 0.5)) {
		t.Error("nothing has a median")
	}
	sorted := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	if quantile(sorted, 0.5) != 6 || quantile(sorted, 0.99) != 10 || quantile(sorted, 0) != 1 {
		t.Error("quantiles of 1 to 10")
	}
}

func TestVerdict(t *testing.T) {
	for name, test := range map[string]struct {
		target       target
		value, ratio float64
		want         string
	}{
		"none":          {target{}, 1, 1, ""},
		"ratio met":     {ratioOf(atLeast, 4), 0, 4, "met"},
		"ratio missed":  {ratioOf(atLeast, 4), 9, 3.9, "missed"},
		"value met":     {valueOf(atMost, 1), 0.9, 5, "met"},
		"value missed":  {valueOf(atMost, 1), 1.1, 0, "missed"},
		"not a number":  {valueOf(atMost, 1), math.NaN(), 0, "missed"},
		"at most ratio": {ratioOf(atMost, 3), 9, 3, "met"},
	} {
		if got := test.target.verdict(test.value, test.ratio); got != test.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestTable(t *testing.T) {
	s := scenario{title: "a job", rows: []row{
		{what: "a second", of: perSecond, unit: number, against: mattn, target: ratioOf(atLeast, 4)},
		{what: "file", of: func(m measures) float64 { return float64(m.Size) }, unit: number},
	}}
	table := newTable()
	table.add(s, results{
		ours:  {{Count: 1000, Seconds: 1, Size: 5}, {Count: 1000, Seconds: 2, Size: 5}, {Count: 3000, Seconds: 1, Size: 5}},
		mattn: {{Count: 500, Seconds: 1}, {Count: 100, Seconds: 1}, {Count: 100, Seconds: 1}},
	})
	const golden = "|           | rollcall          | beside         | it            | ratio            | target |     |\n" +
		"|-----------|-------------------|----------------|---------------|------------------|--------|-----|\n" +
		"| **a job** |                   |                |               |                  |        |     |\n" +
		"| a second  | 1,000 (500–3,000) | SQLite (mattn) | 100 (100–500) | 5.00 (2.00–30.0) | ≥ 4 ×  | met |\n" +
		"| file      | 5                 |                |               |                  |        |     |\n"
	if got := table.String(); got != golden {
		t.Errorf("got\n%s\nwant\n%s", got, golden)
	}
}

func TestWriteBetween(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.md")
	put := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("before\n" + beginMark + "old\n" + endMark + "\nafter\n")
	for range 2 {
		if err := writeBetween(file, "new\n"); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if want := "before\n" + beginMark + "\nnew\n\n" + endMark + "\nafter\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	put("no marks")
	if err := writeBetween(file, "new\n"); err == nil {
		t.Error("a file without marks was written")
	}
}
