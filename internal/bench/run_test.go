package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"rollcall/internal/bench/corpus"
)

// The test's program stands in for the real one when it starts itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "child" || os.Args[1] == "simulate") {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestScenarios runs each contender of each scenario on very little; a contender
// checks itself that it took in everything.
func TestScenarios(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	r := runner{
		folder: t.TempDir(), progress: t.Output(), corpora: map[corpus.Options]task{},
		sizes: sizes{pairs: 1, onceLines: 3000, manyLines: 30_000, batchLines: 3000, flood: 3000, preload: 1000, latency: 300, trickle: 10, beside: 60, askLines: 20_000, questions: 5, starts: 1},
	}
	table := newTable()
	for _, s := range scenarios() {
		found, err := r.scenario(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range s.contenders {
			for _, m := range found[c.name] {
				if m.Count == 0 || m.Seconds <= 0 || m.CPU <= 0 || m.Memory == 0 {
					t.Errorf("%s of %s measured %+v", s.name, c.name, m)
				}
				if _, lines := s.job(r.sizes); lines > 0 && s.name != "beside" && (m.Logs == 0 || m.Size == 0 != (c.name == parseOnly)) {
					t.Errorf("%s of %s measured %+v", s.name, c.name, m)
				}
			}
		}
		table.add(s, found)
	}
	if text := table.String(); strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
		t.Errorf("the table has holes:\n%s", text)
	}
	left, err := os.ReadDir(r.folder)
	if err != nil || len(left) != len(r.corpora) {
		t.Errorf("%d things are left behind beside %d corpora, %v", len(left), len(r.corpora), err)
	}
}

func TestFailureIsTold(t *testing.T) {
	s := once()
	_, err := runApart(t.Context(), s, s.contenders[0], task{Folder: t.TempDir(), Corpus: t.TempDir() + "/absent"})
	if err == nil || !strings.Contains(err.Error(), "once of rollcall") || !strings.Contains(err.Error(), "absent") {
		t.Errorf("got %v", err)
	}
	if _, err := scenarioNamed("nothing"); err == nil || !strings.Contains(err.Error(), "trickle") {
		t.Errorf("got %v", err)
	}
}
