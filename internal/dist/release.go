package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// release is what is built, and under which name.
type release struct {
	root    string    // the folder of the program's module
	version string    // a semantic version without a v
	commit  string    // as git names it
	time    time.Time // of the commit, in UTC
}

// naming is what the caller says of a release; git tells what is empty.
type naming struct{ version, commit, time string }

// semantic is what a version may be: https://semver.org.
var semantic = regexp.MustCompile(`^(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$`)

func newRelease(root string, named naming) (release, error) {
	r := release{root: root, version: strings.TrimPrefix(named.version, "v"), commit: named.commit}
	var err error
	if r.version == "" {
		if r.version, err = versionOf(root); err != nil {
			return r, fmt.Errorf("%w; name the version", err)
		}
	}
	if !semantic.MatchString(r.version) {
		return r, fmt.Errorf("version cannot be %q: want a semantic version such as 1.2.3 or 1.2.3-rc.1", r.version)
	}
	if r.commit == "" {
		if r.commit, err = git(root, "rev-parse", "HEAD"); err != nil {
			return r, fmt.Errorf("%w; name the commit", err)
		}
	}
	if named.time == "" {
		if named.time, err = git(root, "log", "-1", "--format=%ct"); err != nil {
			return r, fmt.Errorf("%w; name the commit's time", err)
		}
	}
	seconds, err := strconv.ParseInt(named.time, 10, 64)
	if err != nil {
		return r, fmt.Errorf("the commit's time cannot be %q: want seconds of unix", named.time)
	}
	r.time = time.Unix(seconds, 0).UTC()
	return r, nil
}

// versionOf asks git for the version: that of the tag, with what came after it as build
// metadata, such as 1.2.3+5.g0123456789ab or, with uncommitted changes, 1.2.3+dirty.
// Before the first tag it is 0.0.0 and all commits came after it.
func versionOf(root string) (string, error) {
	described, err := git(root, "describe", "--tags", "--match", "v[0-9]*", "--always", "--long", "--abbrev=12", "--dirty")
	if err != nil {
		return "", err
	}
	count := ""
	if !strings.HasPrefix(described, "v") {
		if count, err = git(root, "rev-list", "--count", "HEAD"); err != nil {
			return "", err
		}
	}
	return fromDescription(described, count), nil
}

// fromDescription makes a version of what git describe says with --always and --long:
// v1.2.3-5-g0123456789ab, or the commit alone, of which count is the number. Either may
// end with -dirty.
func fromDescription(described, count string) string {
	clean, dirty := strings.CutSuffix(described, "-dirty")
	version, after := "0.0.0", ""
	if fields := strings.Split(clean, "-"); len(fields) >= 3 {
		n := len(fields)
		version = strings.TrimPrefix(strings.Join(fields[:n-2], "-"), "v")
		if fields[n-2] != "0" {
			after = fields[n-2] + "." + fields[n-1]
		}
	} else {
		after = count + ".g" + clean
	}
	metadata := []string{}
	if after != "" {
		metadata = append(metadata, after)
	}
	if dirty {
		metadata = append(metadata, "dirty")
	}
	if len(metadata) == 0 {
		return version
	}
	return version + "+" + strings.Join(metadata, ".")
}

func git(root string, args ...string) (string, error) {
	out, err := output(exec.Command("git", append([]string{"-C", root}, args...)...))
	return strings.TrimSpace(out), err
}

// output runs a command and returns what it prints. Its error has the last line of what
// the command said of it.
func output(cmd *exec.Cmd) (string, error) {
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && len(exit.Stderr) > 0 {
		lines := strings.Split(strings.TrimSpace(string(exit.Stderr)), "\n")
		err = fmt.Errorf("%w: %s", err, lines[len(lines)-1])
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return string(out), nil
}

// write builds the release for the platforms into a folder in which there is nothing yet.
func (r release) write(folder string, platforms []platform) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if entries, err := os.ReadDir(folder); err != nil {
		return err
	} else if len(entries) > 0 {
		return fmt.Errorf("there is something in %q: want an empty folder", folder)
	}
	work, err := os.MkdirTemp("", "rollcall-dist-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)

	tools, err := installTools(filepath.Join(work, "tools"))
	if err != nil {
		return err
	}
	licences := filepath.Join(folder, "rollcall-"+r.version+"-licences.txt")
	if err := r.writeLicences(licences, platforms); err != nil {
		return err
	}
	shared, err := r.stage(filepath.Join(work, "package"), licences)
	if err != nil {
		return err
	}
	for _, p := range platforms {
		fmt.Println("build", p)
		binary := filepath.Join(folder, r.binary(p))
		if err := r.build(binary, p); err != nil {
			return err
		}
		bill := filepath.Join(folder, strings.TrimSuffix(r.binary(p), ".exe")+".cdx.json")
		if err := tools.bill(r, p, binary, bill); err != nil {
			return err
		}
		if p.os != "linux" {
			continue
		}
		if err := tools.pack(r, p, binary, shared, folder); err != nil {
			return err
		}
	}
	return writeSums(folder)
}

// writeSums writes the SHA-256 of every file of a folder into SHA256SUMS, for sha256sum -c.
func writeSums(folder string) error {
	entries, err := os.ReadDir(folder) // in the order of their names
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(content), e.Name())
	}
	return os.WriteFile(filepath.Join(folder, "SHA256SUMS"), []byte(sums.String()), 0o644)
}
