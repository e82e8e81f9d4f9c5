package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"rollcall/internal/bench/corpus"
)

// task is what a contender is to do.
type task struct {
	Corpus   string         `json:"corpus"` // the root of the logs
	Expect   corpus.Summary `json:"expect"` // what is in them
	Folder   string         `json:"folder"` // an empty one, for the database
	Messages int            `json:"messages"`
	Preload  int            `json:"preload"` // messages that are there before
	Rate     float64        `json:"rate"`    // messages a second, 0: as many as are taken
}

// runLimit is how long one run of a contender may take. The longest takes a
// minute on two cores that have something else to do as well.
const runLimit = 10 * time.Minute

// sampleEvery is how often the memory of a process is looked at.
const sampleEvery = 5 * time.Millisecond

// runApart runs a contender in a process of its own, so that neither the memory nor
// the pages of another one are taken for its own.
func runApart(ctx context.Context, s scenario, c contender, t task) (result measures, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s of %s: %w", s.name, c.name, err)
		}
	}()
	if t.Folder, err = os.MkdirTemp(t.Folder, "run-"); err != nil {
		return result, err
	}
	defer os.RemoveAll(t.Folder)
	input, err := json.Marshal(t)
	if err != nil {
		return result, err
	}
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	syscall.Sync() // nobody pays for what was written before
	var answer, complaint bytes.Buffer
	cmd, err := self(ctx, "child", s.name, c.name)
	if err != nil {
		return result, err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &answer, &complaint
	if err := cmd.Start(); err != nil {
		return result, err
	}
	ended := make(chan struct{})
	memory := make(chan int64)
	go func() { memory <- watchMemory(cmd.Process.Pid, ended) }()
	err = cmd.Wait()
	close(ended)
	most := <-memory
	if err != nil {
		return result, fmt.Errorf("%w: %s", err, strings.TrimSpace(complaint.String()))
	}
	if err := json.Unmarshal(answer.Bytes(), &result); err != nil {
		return result, fmt.Errorf("its answer: %w", err)
	}
	result.Memory = most
	return result, nil
}

// self returns a command that runs this program, and dies with ctx.
func self(ctx context.Context, args ...string) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.WaitDelay = time.Second
	return cmd, nil
}

// watchMemory returns the most anonymous memory that a process had until it ended.
func watchMemory(pid int, ended <-chan struct{}) (most int64) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return most
		case <-tick.C:
			if now, err := anonymousMemory(pid); err == nil { // none when it is just over
				most = max(most, now)
			}
		}
	}
}

// child is the other side of runApart.
func child(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("child wants a scenario and a contender")
	}
	s, err := scenarioNamed(args[0])
	if err != nil {
		return err
	}
	for _, c := range s.contenders {
		if c.name != args[1] {
			continue
		}
		var t task
		if err := json.NewDecoder(os.Stdin).Decode(&t); err != nil {
			return fmt.Errorf("read the task: %w", err)
		}
		result, err := c.run(ctx, t)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(result)
	}
	return fmt.Errorf("scenario %s has no contender %q", s.name, args[1])
}
