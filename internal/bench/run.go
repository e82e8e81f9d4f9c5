package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rollcall/internal/bench/corpus"
)

// runOptions are those of the run command.
type runOptions struct {
	quick bool
	only  string // a scenario's name, "" for all
	pairs int    // 0: as many as is usual
	dir   string // where the temporary folder is made
	file  string // to write the table into, "" for none
}

// run runs the scenarios and prints the table.
func run(ctx context.Context, o runOptions, out, progress io.Writer) (err error) {
	folder, err := os.MkdirTemp(o.dir, "rollcall-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	machine, err := describeMachine(folder)
	if err != nil {
		return err
	}
	r := runner{folder: folder, sizes: fullSizes(), progress: progress, corpora: map[corpus.Options]task{}}
	if o.quick {
		r.sizes = quickSizes()
	}
	if o.pairs > 0 {
		r.sizes.pairs = o.pairs
	}
	list := scenarios()
	if o.only != "" {
		s, err := scenarioNamed(o.only)
		if err != nil {
			return err
		}
		list = []scenario{s}
	}
	t := newTable()
	for _, s := range list {
		found, err := r.scenario(ctx, s)
		if err != nil {
			return err
		}
		t.add(s, found)
	}
	text := fmt.Sprintf("%s\n\n%s\n\n%s", machine, r.sizes, t)
	if _, err := io.WriteString(out, text); err != nil || o.file == "" {
		return err
	}
	return writeBetween(o.file, text)
}

func (s sizes) String() string {
	logs := usualCorpus(s.onceLines)
	return fmt.Sprintf("%d runs of each contender, in turn; the median, and in brackets the least and the greatest. "+
		"The logs are %s lines (%s for the commits of 500), %d guilds, %s users, %d guild days; many lines are %s.",
		s.pairs, number(float64(s.onceLines)), number(float64(s.batchLines)), logs.Guilds,
		number(float64(logs.Users)), logs.Guilds*logs.Days, number(float64(s.manyLines)))
}

// runner runs scenarios in one temporary folder.
type runner struct {
	folder   string
	sizes    sizes
	progress io.Writer
	corpora  map[corpus.Options]task
}

// scenario runs the contenders of a scenario in turn, A B A B.
func (r *runner) scenario(ctx context.Context, s scenario) (results, error) {
	tasks := make([]task, len(s.contenders))
	for i := range tasks {
		var err error
		if tasks[i], err = r.task(ctx, s, i > 0); err != nil {
			return nil, err
		}
	}
	pairs := r.sizes.pairs
	if s.most > 0 {
		pairs = min(pairs, s.most)
	}
	found := results{}
	for i := range pairs {
		for k, c := range s.contenders {
			start := time.Now()
			m, err := runApart(ctx, s, c, tasks[k])
			if err != nil {
				return nil, err
			}
			found[c.name] = append(found[c.name], m)
			fmt.Fprintf(r.progress, "%-8s %d/%d %-18s %9s/s %6.2f s, %6.2f s of processor time, %5.1f s in all\n",
				s.name, i+1, pairs, c.name, number(perSecond(m)), m.Seconds, m.CPU, time.Since(start).Seconds())
		}
	}
	return found, nil
}

// task returns what we, or a peer, are to do, with logs if need be.
func (r *runner) task(ctx context.Context, s scenario, peer bool) (task, error) {
	t, lines := s.job(r.sizes)
	if peer && s.peerLines != nil {
		lines = s.peerLines(r.sizes)
	}
	if lines > 0 {
		logs, err := r.corpus(ctx, s.options(lines))
		if err != nil {
			return t, err
		}
		t.Corpus, t.Expect = logs.Corpus, logs.Expect
	}
	t.Folder = r.folder
	return t, nil
}

// corpus makes the logs once.
func (r *runner) corpus(ctx context.Context, o corpus.Options) (t task, err error) {
	if t, ok := r.corpora[o]; ok {
		return t, nil
	}
	t.Corpus = filepath.Join(r.folder, fmt.Sprintf("logs-%d", len(r.corpora)))
	if t.Expect, err = corpus.Write(ctx, t.Corpus, o); err != nil {
		return t, err
	}
	r.corpora[o] = t
	return t, nil
}

// What run writes stands between these lines of its file.
const (
	beginMark = "<!-- begin: written by the run command of internal/bench -->\n"
	endMark   = "<!-- end -->"
)

// writeBetween replaces what stands between the marks of a file.
func writeBetween(file, text string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok1 := strings.Cut(string(old), beginMark)
	_, after, ok2 := strings.Cut(rest, endMark)
	if !ok1 || !ok2 {
		return fmt.Errorf("%s lacks the lines %q and %q to write between", file, strings.TrimSpace(beginMark), endMark)
	}
	return os.WriteFile(file, []byte(before+beginMark+"\n"+text+"\n"+endMark+after), 0o644)
}
