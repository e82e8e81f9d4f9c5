package main

import (
	"context"
	"fmt"

	"rollcall/internal/bench/corpus"
)

// scenario is one job for several contenders, of whom the first are we.
type scenario struct {
	name, title string
	most        int                            // pairs at most, where a run takes long or nobody is beside us; 0: as many as is usual
	corpus      func(lines int) corpus.Options // of the logs; nil: usualCorpus
	// job returns what the contenders are to do, but for the corpus, and how many
	// lines that has; 0: they need none.
	job func(sizes) (t task, lines int)
	// peerLines is how many lines the others have; nil: the same ones as we.
	peerLines  func(sizes) int
	contenders []contender
	rows       []row
}

// contender is one way to do the job. run does it in this process.
type contender struct {
	name string
	run  func(context.Context, task) (measures, error)
}

// options returns those of the scenario's logs.
func (s scenario) options(lines int) corpus.Options {
	if s.corpus == nil {
		return usualCorpus(lines)
	}
	return s.corpus(lines)
}

func scenarios() []scenario {
	return []scenario{once(), many(), byBatch(), live(), latency(), trickle(), beside(), ask(), standby()}
}

func scenarioNamed(name string) (scenario, error) {
	names := ""
	for _, s := range scenarios() {
		if s.name == name {
			return s, nil
		}
		names += " " + s.name
	}
	return scenario{}, fmt.Errorf("no scenario %q; there are%s", name, names)
}

// sizes says how much there is to do.
type sizes struct {
	pairs      int
	onceLines  int // of the corpus for once
	manyLines  int // of the corpus for many
	batchLines int // of the corpus for batch
	flood      int // messages of live
	preload    int // messages before latency and trickle
	latency    int // messages of latency, a thousand a second
	trickle    int // messages of trickle, ten a second
	beside     int // messages of beside, two hundred a second
	askLines   int // of the corpus for ask and standby
	questions  int // of those that are quick
	starts     int // of the daemon, and as many again from nothing in memory
}

func fullSizes() sizes {
	return sizes{pairs: 5, onceLines: 1_000_000, manyLines: 10_000_000, batchLines: 1_000_000, flood: 100_000, preload: 50_000, latency: 15_000, trickle: 600, beside: 6_000, askLines: 10_000_000, questions: 2000, starts: 20}
}

func quickSizes() sizes {
	return sizes{pairs: 2, onceLines: 200_000, manyLines: 1_000_000, batchLines: 60_000, flood: 20_000, preload: 20_000, latency: 3_000, trickle: 60, beside: 600, askLines: 200_000, questions: 200, starts: 3}
}

// usualCorpus is ten days of four lively guilds: 0.3 GB for a million lines.
func usualCorpus(lines int) corpus.Options {
	return corpus.Options{Lines: lines, Guilds: 4, Users: 8000, Days: 10, Seed: 1}
}

// manyCorpus is the same people talking for as many more days as there are more lines:
// a million are those of usualCorpus.
func manyCorpus(lines int) corpus.Options {
	o := usualCorpus(lines)
	o.Days *= max(lines/1_000_000, 1)
	return o
}

func perSecond(m measures) float64      { return float64(m.Count) / m.Seconds }
func cpuEach(m measures) float64        { return m.CPU / float64(m.Count) * 1e6 }
func writtenPerByte(m measures) float64 { return float64(m.Written) / float64(m.Logs) }
func sizePerByte(m measures) float64    { return float64(m.Size) / float64(m.Logs) }
func writtenEach(m measures) float64    { return float64(m.Written) / float64(m.Count) / 1024 }
func p50(m measures) float64            { return m.P50 }
func p99(m measures) float64            { return m.P99 }
func memoryMiB(m measures) float64      { return float64(m.Memory) / (1 << 20) }
