package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// within is the limit of every wait for something that is to happen.
const within = 30 * time.Second

// machine is this Debian, with a layer over it that takes what is written: the real dpkg,
// with all that is installed, and nothing of it is changed. No systemd runs in it.
type machine struct {
	t     *testing.T
	root  string // where it is mounted
	upper string // the layer
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	base := t.TempDir()
	m := &machine{t, filepath.Join(base, "root"), filepath.Join(base, "layer", "upper")}
	m.mount("tmpfs", filepath.Join(base, "layer"), "tmpfs", 0, "mode=755")
	work := filepath.Join(base, "layer", "work")
	for _, folder := range []string{m.upper, work} {
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	m.mount("overlay", m.root, "overlay", 0, "lowerdir=/,upperdir="+m.upper+",workdir="+work)
	m.mount("proc", filepath.Join(m.root, "proc"), "proc", 0, "")
	m.mount("/dev", filepath.Join(m.root, "dev"), "", syscall.MS_BIND, "")
	return m
}

// mount mounts something until the test ends.
func (m *machine) mount(source, target, kind string, flags uintptr, options string) {
	m.t.Helper()
	if err := os.MkdirAll(target, 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := syscall.Mount(source, target, kind, flags, options); err != nil {
		m.t.Fatalf("mount %s on %s: %v; this test needs root, and a kernel that has overlays", source, target, err)
	}
	m.t.Cleanup(func() {
		if err := syscall.Unmount(target, syscall.MNT_DETACH); err != nil {
			m.t.Errorf("unmount %s: %v", target, err)
		}
	})
}

// path is a path of the machine, seen from here.
func (m *machine) path(path string) string { return filepath.Join(m.root, path) }

// command prepares a command of the machine. Its program is found in the machine's PATH.
func (m *machine) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/usr/bin/env", args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: m.root}
	return cmd
}

// try runs a command to its end and returns what it says.
func (m *machine) try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	out, err := m.command(ctx, args...).CombinedOutput()
	return string(out), err
}

// run runs a command that has to succeed.
func (m *machine) run(args ...string) string {
	m.t.Helper()
	out, err := m.try(args...)
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// install installs a package from outside, with its manual and documentation even where
// the machine leaves those of other packages out.
func (m *machine) install(deb string, options ...string) string {
	m.t.Helper()
	const inside = "/tmp/rollcall-under-test.deb"
	if err := copyFile(m.path(inside), deb); err != nil {
		m.t.Fatal(err)
	}
	defer os.Remove(m.path(inside))
	return m.run(append(append([]string{"dpkg", "--path-include=/usr/share/*"}, options...), "-i", inside)...)
}

func (m *machine) read(path string) string {
	m.t.Helper()
	content, err := os.ReadFile(m.path(path))
	if err != nil {
		m.t.Fatal(err)
	}
	return string(content)
}

func (m *machine) write(path, content string, mode fs.FileMode) {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Dir(m.path(path)), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(m.path(path), []byte(content), mode); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) exists(path string) bool {
	_, err := os.Lstat(m.path(path))
	return err == nil
}

// bookkeeping is what dpkg, and what other packages do when any package is installed,
// may change.
var bookkeeping = []string{"/var/lib/dpkg/", "/var/log/dpkg.log", "/var/cache/man/", "/tmp"}

// changed lists what has been made, changed or removed in the machine, but for the
// bookkeeping and for what is below the given paths.
func (m *machine) changed(except ...string) []string {
	m.t.Helper()
	var paths []string
	err := filepath.WalkDir(m.upper, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		inside := strings.TrimPrefix(path, m.upper)
		if d.IsDir() {
			// A folder is in the layer if something in it is; was it there before?
			if _, err := os.Lstat(filepath.Join("/", inside)); err == nil {
				return nil
			}
		}
		if slices.ContainsFunc(bookkeeping, func(p string) bool { return strings.HasPrefix(inside, p) }) {
			return nil
		}
		if slices.ContainsFunc(except, func(p string) bool { return inside == p || strings.HasPrefix(inside, p+"/") }) {
			return nil
		}
		paths = append(paths, inside)
		return nil
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return paths
}

// service is the unit as it is installed, run as systemd would, but for the sandbox.
type service struct {
	m     *machine
	cmd   *exec.Cmd
	log   bytes.Buffer
	ended chan error
}

// dynamic is a user that exists for the service only. Nothing but its number is known.
const dynamic = 61_234

// start starts the service and waits until it says that it is ready.
func (m *machine) start() *service {
	m.t.Helper()
	unit := readUnit(m.t, m.read("/usr/lib/systemd/system/rollcall.service"))
	state, credentials := "/var/lib/private/"+unit.one("StateDirectory"), "/run/credentials/rollcall.service"
	m.own(state)
	m.own(credentials)
	if link := m.path("/var/lib/" + unit.one("StateDirectory")); !m.exists("/var/lib/" + unit.one("StateDirectory")) {
		if err := os.Symlink("private/"+unit.one("StateDirectory"), link); err != nil {
			m.t.Fatal(err)
		}
	}
	name, from, _ := strings.Cut(unit.one("LoadCredential"), ":")
	m.write(filepath.Join(credentials, name), m.read(from), 0o444)
	if condition := unit.one("ConditionPathExists"); condition != from {
		m.t.Errorf("the service starts if %s exists, and needs %s", condition, from)
	}

	s := &service{m: m, ended: make(chan error, 1)}
	ready := newNotifications(m)
	script := "umask " + unit.one("UMask") + ` && exec "$@"`
	s.cmd = m.command(context.Background(), append([]string{"sh", "-c", script, "sh"}, strings.Fields(unit.one("ExecStart"))...)...)
	s.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: dynamic, Gid: dynamic}
	s.cmd.Env = append(s.cmd.Env, "NOTIFY_SOCKET="+ready.inside)
	for _, v := range unit["Environment"] {
		s.cmd.Env = append(s.cmd.Env, strings.NewReplacer("%S", "/var/lib", "%d", credentials).Replace(v))
	}
	for line := range strings.Lines(m.read(strings.TrimPrefix(unit.one("EnvironmentFile"), "-"))) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			s.cmd.Env = append(s.cmd.Env, line)
		}
	}
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	go func() { s.ended <- s.cmd.Wait() }()
	m.t.Cleanup(func() { s.cmd.Process.Kill() })
	if err := ready.await("READY=1"); err != nil {
		s.cmd.Process.Kill()
		<-s.ended
		m.t.Fatalf("the service does not get ready: %v\n%s", err, &s.log)
	}
	return s
}

// stop stops the service as systemd does.
func (s *service) stop() {
	s.m.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.m.t.Fatal(err)
	}
	select {
	case err := <-s.ended:
		if err != nil {
			s.m.t.Fatalf("the service ends with %v\n%s", err, &s.log)
		}
	case <-time.After(within):
		s.m.t.Fatalf("the service does not end within %s", within)
	}
}

// own makes a folder that is the service's own. systemd has it in a folder that only root
// may enter, and lets the service see it all the same.
func (m *machine) own(folder string) {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Dir(m.path(folder)), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Mkdir(m.path(folder), 0o700); err != nil && !os.IsExist(err) {
		m.t.Fatal(err)
	}
	if err := errors.Join(os.Chown(m.path(folder), dynamic, dynamic), os.Chmod(filepath.Dir(m.path(folder)), 0o711)); err != nil {
		m.t.Fatal(err)
	}
}

// unit is the settings of a unit.
type unit map[string][]string

func readUnit(t *testing.T, text string) unit {
	t.Helper()
	u := unit{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			u[key] = append(u[key], value)
		}
	}
	for _, want := range []string{"ExecStart", "StateDirectory", "LoadCredential", "EnvironmentFile", "UMask", "ConditionPathExists"} {
		if len(u[want]) != 1 {
			t.Fatalf("the unit sets %s %d times; this test knows how to run it with one", want, len(u[want]))
		}
	}
	return u
}

func (u unit) one(key string) string { return u[key][0] }

// poll asks until done returns nil, and returns its last error if that takes too long.
func poll(done func() error) error {
	ticks := time.NewTicker(25 * time.Millisecond)
	defer ticks.Stop()
	for deadline := time.Now().Add(within); ; <-ticks.C {
		err := done()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %s: %w", within, err)
		}
	}
}
