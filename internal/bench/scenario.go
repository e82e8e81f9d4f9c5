package main

import (
	"context"
	"fmt"

	"rollcall/internal/bench/corpus"
)

// scenario is one job for several contenders, of whom the first are we.
type scenario struct {
	name, title string
	alone       bool // we run alone, so once is enough
	// job returns what the contenders are to do, but for the corpus, and how many
	// lines that has; 0: they need none.
	job        func(sizes) (t task, lines int)
	contenders []contender
	rows       []row
}

// contender is one way to do the job. run does it in this process.
type contender struct {
	name string
	run  func(context.Context, task) (measures, error)
}

func scenarios() []scenario {
	return []scenario{once(), byBatch(), live(), latency(), trickle()}
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
	batchLines int // of the corpus for batch
	flood      int // messages of live
	preload    int // messages before latency and trickle
	latency    int // messages of latency, a thousand a second
	trickle    int // messages of trickle, ten a second
}

func fullSizes() sizes {
	return sizes{pairs: 5, onceLines: 1_000_000, batchLines: 1_000_000, flood: 100_000, preload: 50_000, latency: 15_000, trickle: 600}
}

func quickSizes() sizes {
	return sizes{pairs: 2, onceLines: 200_000, batchLines: 60_000, flood: 20_000, preload: 20_000, latency: 3_000, trickle: 60}
}

// usualCorpus is ten days of four lively guilds: 0.3 GB.
func usualCorpus() corpus.Options {
	return corpus.Options{Lines: 1_000_000, Guilds: 4, Users: 8000, Days: 10, Seed: 1}
}

func perSecond(m measures) float64      { return float64(m.Count) / m.Seconds }
func cpuEach(m measures) float64        { return m.CPU / float64(m.Count) * 1e6 }
func writtenPerByte(m measures) float64 { return float64(m.Written) / float64(m.Logs) }
func sizePerByte(m measures) float64    { return float64(m.Size) / float64(m.Logs) }
func writtenEach(m measures) float64    { return float64(m.Written) / float64(m.Count) / 1024 }
func memoryMiB(m measures) float64      { return float64(m.Memory) / (1 << 20) }
