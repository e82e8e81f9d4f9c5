package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"

	"rollcall/internal/bench/corpus"
)

const usage = `usage, in the folder internal/bench:

  go run . run [-quick] [-only NAME] [-pairs N] [-dir DIR]   measure; a full run rewrites BENCHMARKS.md
  go run . corpus -out DIR [-lines N] [-guilds N] [-users N] [-days N] [-seed N]
  go run . profile [-lines N] [-memory] NAME FILE            our part of a scenario, for go tool pprof`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprintln(os.Stderr, usage) }
	switch args[0] {
	case "run":
		return runCommand(ctx, flags, args[1:])
	case "corpus":
		return corpusCommand(ctx, flags, args[1:])
	case "profile":
		return profileCommand(ctx, flags, args[1:])
	case "child": // what run starts
		return child(ctx, args[1:])
	case "simulate": // what a child starts
		return simulate(ctx, os.Stdin, os.Stdout)
	}
	return errors.New(usage)
}

func runCommand(ctx context.Context, flags *flag.FlagSet, args []string) error {
	var o runOptions
	flags.BoolVar(&o.quick, "quick", false, "less of everything: a minute")
	flags.StringVar(&o.only, "only", "", "run this scenario alone")
	flags.IntVar(&o.pairs, "pairs", 0, "runs of each contender")
	flags.StringVar(&o.dir, "dir", "", "where to make the temporary folder; it has to be on a real disk")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if !o.quick && o.only == "" {
		o.file = "../../BENCHMARKS.md"
	}
	return run(ctx, o, os.Stdout, os.Stderr)
}

func corpusCommand(ctx context.Context, flags *flag.FlagSet, args []string) error {
	o := usualCorpus(1_000_000)
	out := flags.String("out", "", "the root of the logs")
	flags.IntVar(&o.Lines, "lines", o.Lines, "lines in all")
	flags.IntVar(&o.Guilds, "guilds", o.Guilds, "guilds")
	flags.IntVar(&o.Users, "users", o.Users, "users")
	flags.IntVar(&o.Days, "days", o.Days, "days of each guild")
	flags.Uint64Var(&o.Seed, "seed", o.Seed, "the same seed gives the same logs")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *out == "" {
		return errors.New(usage)
	}
	sum, err := corpus.Write(ctx, *out, o)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(sum)
}

// profileCommand runs our part of a scenario in this process.
func profileCommand(ctx context.Context, flags *flag.FlagSet, args []string) (err error) {
	lines := flags.Int("lines", 0, "of the corpus")
	memory := flags.Bool("memory", false, "what was allocated, not where the time goes")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 2 {
		return errors.New(usage)
	}
	s, err := scenarioNamed(flags.Arg(0))
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "rollcall-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	t, usual := s.job(fullSizes())
	if usual > 0 {
		if *lines == 0 {
			*lines = usual
		}
		t.Corpus = folder + "/logs"
		if t.Expect, err = corpus.Write(ctx, t.Corpus, s.options(*lines)); err != nil {
			return err
		}
	}
	t.Folder = folder
	f, err := os.Create(flags.Arg(1))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if *memory {
		defer func() { err = errors.Join(err, pprof.Lookup("allocs").WriteTo(f, 0)) }()
	} else {
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	m, err := s.contenders[0].run(ctx, t)
	if err == nil {
		fmt.Printf("%s/s, %.2f s, %.2f s of processor time; %d bytes written to disk, %d in the file, %d in the logs\n",
			number(perSecond(m)), m.Seconds, m.CPU, m.Written, m.Size, m.Logs)
	}
	return err
}
