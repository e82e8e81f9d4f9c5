package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// describeMachine says what was measured on, without naming it.
func describeMachine(folder string) (string, error) {
	median, slow, err := syncLatency(folder)
	if err != nil {
		return "", fmt.Errorf("measure the disk: %w", err)
	}
	memory, err := procField("/proc/meminfo", "MemTotal")
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, %d cores, %d GiB of memory, %s/%s, %s. "+
		"Writing and syncing 4 KiB takes %s ms, %s ms at the 99th percentile. Load when it began: %s.",
		processor(), runtime.NumCPU(), (memory+1<<19)>>20, runtime.GOOS, runtime.GOARCH, runtime.Version(),
		decimal(median), decimal(slow), load()), nil
}

// processor returns the name that the processor gives itself.
func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

// load returns how many processes wanted to run during the last minute.
func load() string {
	text, _ := os.ReadFile("/proc/loadavg")
	minute, _, _ := strings.Cut(string(text), " ")
	return minute
}

// syncLatency returns how many milliseconds a small durable write takes.
func syncLatency(folder string) (median, slow float64, err error) {
	f, err := os.CreateTemp(folder, "sync-")
	if err != nil {
		return 0, 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	const writes = 200
	page := make([]byte, 4096)
	if _, err := f.Write(make([]byte, writes*len(page))); err != nil {
		return 0, 0, err
	}
	if err := f.Sync(); err != nil {
		return 0, 0, err
	}
	var took []float64
	for i := range writes {
		page[0]++
		start := time.Now()
		if _, err := f.WriteAt(page, int64(i*len(page))); err != nil {
			return 0, 0, err
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return 0, 0, err
		}
		took = append(took, float64(time.Since(start).Microseconds())/1000)
	}
	slices.Sort(took)
	return quantile(took, 0.5), quantile(took, 0.99), nil
}
