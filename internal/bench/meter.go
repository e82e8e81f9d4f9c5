package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// measures are what one run of a contender gave.
type measures struct {
	Count   int64           `json:"count"`   // log lines or messages
	Logs    int64           `json:"logs"`    // bytes of logs that were read
	Seconds float64         `json:"seconds"` // of real time
	CPU     float64         `json:"cpu"`     // seconds of processor time, user and system, of all threads
	Written int64           `json:"written"` // bytes of pages that were made dirty, as the kernel accounts for them
	Size    int64           `json:"size"`    // bytes of the database's file at the end
	Memory  int64           `json:"memory"`  // bytes, the most anonymous memory that was seen
	P50     float64         `json:"p50"`     // milliseconds
	P99     float64         `json:"p99"`
	Cold    float64         `json:"cold"`  // milliseconds, the 99th percentile with nothing in the system's cache
	Rest    int64           `json:"rest"`  // bytes of anonymous memory, of the daemon at rest
	Lines   float64         `json:"lines"` // that were migrated a second, beside something else
	Asked   map[string]wait `json:"asked"` // how long answers took, by question
}

// meter measures this process from when it was started.
type meter struct {
	began   time.Time
	cpu     time.Duration
	written int64
}

func startMeter() (m meter, err error) {
	if m.written, err = writtenBytes(); err != nil {
		return m, err
	}
	if m.cpu, err = processorTime(); err != nil {
		return m, err
	}
	m.began = time.Now()
	return m, nil
}

// read enters what has been used since the start.
func (m meter) read(into *measures) error {
	into.Seconds = time.Since(m.began).Seconds()
	cpu, err := processorTime()
	if err != nil {
		return err
	}
	written, err := writtenBytes()
	if err != nil {
		return err
	}
	into.CPU, into.Written = (cpu - m.cpu).Seconds(), written-m.written
	return nil
}

// metered measures all of f.
func metered(f func(*measures) error) (result measures, err error) {
	m, err := startMeter()
	if err != nil {
		return result, err
	}
	if err := f(&result); err != nil {
		return result, err
	}
	return result, m.read(&result)
}

func processorTime() (time.Duration, error) {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0, fmt.Errorf("read the processor time: %w", err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()), nil
}

func writtenBytes() (int64, error) { return procField("/proc/self/io", "write_bytes") }

// anonymousMemory returns how many bytes a process has in memory that no file
// stands behind: what a map of the database holds is the system's to take away.
func anonymousMemory(pid int) (int64, error) {
	kib, err := procField(fmt.Sprintf("/proc/%d/status", pid), "RssAnon")
	return kib << 10, err
}

// procField returns the number behind a name in one of Linux' status files.
func procField(path, name string) (int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ":")
		if fields := strings.Fields(value); key == name && len(fields) > 0 {
			return strconv.ParseInt(fields[0], 10, 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", path, name)
}
