package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/simulator"
)

const (
	conffile = "/etc/rollcall/rollcall.env"
	key      = "/etc/rollcall/encryption-key"
	token    = "/etc/rollcall/token"
	wants    = "/etc/systemd/system/multi-user.target.wants/rollcall.service"
	helper   = "/var/lib/systemd/deb-systemd-helper-enabled"
	database = "/var/lib/rollcall/rollcall.db"
)

// packages builds the package of this machine in some versions.
func packages(t *testing.T, versions ...string) (files []string) {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	folder, here := t.TempDir(), platform{"linux", runtime.GOARCH}
	tools, err := installTools(filepath.Join(folder, "tools"))
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range versions {
		r := release{root, version, "0123456789ab", time.Unix(1_800_000_000, 0).UTC()}
		binary, licences := filepath.Join(folder, r.binary(here)), filepath.Join(folder, "licences.txt")
		if err := r.writeLicences(licences, []platform{here}); err != nil {
			t.Fatal(err)
		}
		staged, err := r.stage(filepath.Join(folder, "package-"+version), licences)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.build(binary, here); err != nil {
			t.Fatal(err)
		}
		if err := tools.pack(r, here, binary, staged, folder); err != nil {
			t.Fatal(err)
		}
		files = append(files, filepath.Join(folder, fmt.Sprintf("rollcall_%s_%s.deb", r.debianVersion(), here.arch)))
	}
	return files
}

func TestPackage(t *testing.T) {
	built := packages(t, "1.0.0-rc.1", "1.0.0")
	t.Run("life", func(t *testing.T) { life(t, built[0], built[1]) })
	t.Run("systemd", func(t *testing.T) { asksSystemd(t, built[0], built[1]) })
}

// nextCommands are what somebody does who has installed the package for the first time.
var nextCommands = []string{"install -m 600 /dev/stdin " + token, "systemctl start rollcall", "rollcall doctor"}

// life takes a machine through the life of the package: it is installed, the service runs
// on a simulated Discord, it is upgraded, removed and purged.
func life(t *testing.T, older, newer string) {
	m := newMachine(t)
	if m.exists(conffile) {
		t.Fatal("rollcall is installed on this machine, and this test would take that for its own")
	}

	told := m.install(older)
	for _, next := range nextCommands {
		if !strings.Contains(told, "\n  "+next) {
			t.Errorf("installing does not tell of %q:\n%s", next, told)
		}
	}
	owned := ownedBy(m)
	for _, path := range owned {
		if !m.exists(path) {
			t.Errorf("the package owns %s, which is not there", path)
		}
	}
	for _, want := range []string{
		"/usr/bin/rollcall", "/usr/lib/systemd/system/rollcall.service", conffile,
		"/usr/share/man/man1/rollcall.1.gz", "/usr/share/man/man1/rollcall-messages.1.gz", "/usr/share/man/man5/rollcall.env.5.gz",
		"/usr/share/bash-completion/completions/rollcall", "/usr/share/zsh/vendor-completions/_rollcall",
		"/usr/share/fish/vendor_completions.d/rollcall.fish",
		"/usr/share/doc/rollcall/copyright", "/usr/share/doc/rollcall/changelog.gz", "/usr/share/doc/rollcall/changelog.Debian.gz",
	} {
		if !slices.Contains(owned, want) {
			t.Errorf("the package does not have %s", want)
		}
	}
	if got := m.changed(append(owned, wants, helper)...); len(got) > 0 {
		t.Errorf("installing touches what the package does not own: %q", got)
	}
	if !m.exists(wants) {
		t.Error("the service is not enabled")
	}
	looksRight(m, owned)

	// The operator sets it up, and people talk.
	sim, err := simulator.Start(simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	general := sim.AddGuild(simulator.GuildSpec{Name: "The Lounge"}).AddChannel(simulator.ChannelSpec{Name: "general"})
	ada := sim.AddUser(simulator.UserSpec{Name: "Ada"})
	said := 0
	say := func(n int) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		for range n {
			if _, err := general.Say(ctx, ada, "hello"); err != nil {
				t.Fatal(err)
			}
			said++
		}
	}
	edited := m.read(conffile) + "ROLLCALL_DISCORD_URL=" + sim.URL() + "\nROLLCALL_LISTEN=\n"
	m.write(conffile, edited, 0o640)
	m.write(token, sim.Token()+"\n", 0o600)
	m.write(key, "of nothing here\n", 0o600)
	s := m.start()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	if err := sim.WaitReady(ctx, 1); err != nil {
		t.Fatal(err)
	}
	say(3)
	remembers(m, said)

	// An upgrade while the service runs, which systemd would restart afterwards; what is
	// said meanwhile is fetched.
	if told := m.install(newer); strings.Contains(told, nextCommands[0]) {
		t.Errorf("an upgrade tells what to do first:\n%s", told)
	}
	s.stop()
	say(2)
	if got := m.run("rollcall", "version"); !strings.HasPrefix(got, "rollcall 1.0.0 ") {
		t.Errorf("after the upgrade it is %q", got)
	}
	if got := m.read(conffile); got != edited {
		t.Errorf("the upgrade changes the operator's settings to\n%s", got)
	}
	s = m.start()
	say(1)
	remembers(m, said)
	s.stop()
	remembers(m, said) // without the daemon, too

	// An upgrade that brings other settings, and an operator who does not want the service.
	m.run("systemctl", "disable", "rollcall.service")
	newest := withOtherSettings(t, newer)
	m.install(newest, "--force-confdef", "--force-confold")
	if got := m.read(conffile); got != edited {
		t.Errorf("other settings of the package change the operator's to\n%s", got)
	}
	if m.exists(wants) {
		t.Error("the upgrade enables what the operator has disabled")
	}
	m.run("/var/lib/dpkg/info/rollcall.postinst", "configure", "1.0.0-1")
	if m.exists(wants) {
		t.Error("the second run of postinst enables what the operator has disabled")
	}
	m.run("systemctl", "enable", "rollcall.service")

	m.run("dpkg", "--remove", "rollcall")
	if m.exists("/usr/bin/rollcall") || m.read(conffile) != edited {
		t.Error("removing leaves the program, or takes the settings")
	}
	m.install(newest)
	if got := m.read(conffile); got != edited || !m.exists(wants) {
		t.Error("what is installed again is not as it was")
	}

	farewell := m.run("dpkg", "--purge", "rollcall")
	for _, kept := range []string{token, key, "/var/lib/private/rollcall"} {
		if !strings.Contains(farewell, "rollcall: "+kept+" is yours and stays") {
			t.Errorf("purging does not tell that %s stays: %s", kept, farewell)
		}
	}
	if !m.exists(database) || m.read(token) != sim.Token()+"\n" || !m.exists(key) {
		t.Error("purging takes the operator's messages, token or key")
	}
	// What this test, as the operator and as systemd, has made.
	ours := []string{token, key, "/etc/rollcall", "/var/lib/rollcall", "/var/lib/private", "/run"}
	if got := m.changed(ours...); len(got) > 0 {
		t.Errorf("purging leaves %q", got)
	}
	if left := m.changed("/var", "/run"); !slices.Equal(left, []string{"/etc/rollcall", key, token}) {
		t.Errorf("purging leaves %q in /etc", left)
	}
	if got := m.run("dpkg", "--audit"); got != "" {
		t.Errorf("dpkg complains: %s", got)
	}
}

// ownedBy returns what the package owns and no other does.
func ownedBy(m *machine) (owned []string) {
	m.t.Helper()
	for path := range strings.Lines(m.run("dpkg", "-L", "rollcall")) {
		path = strings.TrimSpace(path)
		if _, err := os.Lstat(path); os.IsNotExist(err) { // it is not on this machine without the package
			owned = append(owned, path)
		}
	}
	return owned
}

// looksRight lets those judge who read what is installed.
func looksRight(m *machine, owned []string) {
	m.t.Helper()
	m.run("dpkg", "--verify", "rollcall")
	said, _ := m.try("systemd-analyze", "verify", "--man=yes", "rollcall.service") // it fails for others' units, too
	if strings.Contains(said, "rollcall") {
		m.t.Errorf("systemd complains of the unit: %s", said)
	}
	m.run("bash", "-n", "/usr/share/bash-completion/completions/rollcall")
	for _, path := range owned {
		if !strings.HasPrefix(path, "/usr/share/man/") || !strings.HasSuffix(path, ".gz") {
			continue
		}
		if said := m.run("sh", "-c", `man --warnings -E UTF-8 -l -Tutf8 -Z "$1" 2>&1 >/dev/null`, "sh", path); said != "" {
			m.t.Errorf("man complains of %s: %s", path, said)
		}
	}
	for _, name := range []string{"rollcall", "rollcall-messages", "rollcall.env"} {
		m.run("man", "-w", name)
	}
}

// remembers waits until the program answers that so many messages are remembered.
func remembers(m *machine, want int) {
	m.t.Helper()
	err := poll(func() error {
		out, err := m.try("rollcall", "--db", database, "--json", "guilds")
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		var guilds []struct {
			Name     string `json:"guild_name"`
			Messages int    `json:"total_messages"`
		}
		if err := json.Unmarshal([]byte(out), &guilds); err != nil {
			return err
		}
		if len(guilds) != 1 || guilds[0].Name != "The Lounge" || guilds[0].Messages != want {
			return fmt.Errorf("want %d messages of The Lounge: %s", want, out)
		}
		return nil
	})
	if err != nil {
		m.t.Fatal(err)
	}
}

// withOtherSettings makes a later version of a package, which brings other settings.
func withOtherSettings(t *testing.T, deb string) string {
	t.Helper()
	tree := filepath.Join(t.TempDir(), "tree")
	dpkg := func(args ...string) {
		t.Helper()
		if _, err := output(exec.Command("dpkg-deb", args...)); err != nil {
			t.Fatal(err)
		}
	}
	change := func(path, old, new string) {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), old) {
			t.Fatalf("%s has no %q", path, old)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), old, new, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	dpkg("--raw-extract", deb, tree)
	change(filepath.Join(tree, "DEBIAN", "control"), "Version: 1.0.0-1", "Version: 1.1.0-1")
	change(filepath.Join(tree, conffile), "#ROLLCALL_LOG_LEVEL", "#ROLLCALL_NEWS=1\n#ROLLCALL_LOG_LEVEL")
	dpkg("--build", tree, tree+".deb")
	return tree + ".deb"
}

// asksSystemd looks at what the package asks of a systemd that runs, and that it bears one
// that refuses everything.
func asksSystemd(t *testing.T, older, newer string) {
	m := newMachine(t)
	m.write("/run/systemd/system/here", "", 0o644)
	os.Remove(m.path("/usr/sbin/policy-rc.d")) // with which containers forbid what is asked here
	m.run("mv", "/usr/bin/systemctl", "/usr/bin/systemctl.real")
	m.write("/usr/bin/systemctl", `#!/bin/sh
case "$*" in
--root=*) exec systemctl.real "$@" ;; # links alone
*is-enabled*) echo enabled; exit 0 ;;
*is-active*) exit 0 ;;
esac
echo "$*" >>/run/asked
echo "no" >&2
exit 1
`, 0o755)
	for _, step := range []struct {
		name string
		do   func()
		want []string
	}{
		{"install", func() { m.install(older) }, []string{"--system daemon-reload", "--quiet --system start rollcall.service"}},
		{"upgrade", func() { m.install(newer) }, []string{"--system daemon-reload", "--quiet --system restart rollcall.service"}},
		{"remove", func() { m.run("dpkg", "--remove", "rollcall") }, []string{"stop rollcall.service", "--system daemon-reload"}},
		{"purge", func() { m.run("dpkg", "--purge", "rollcall") }, []string{"daemon-reload"}},
	} {
		m.write("/run/asked", "", 0o644)
		step.do()
		if got := strings.Split(strings.TrimSpace(m.read("/run/asked")), "\n"); !slices.Equal(got, step.want) {
			t.Errorf("%s asks %q, want %q", step.name, got, step.want)
		}
	}
}

func TestDebianVersions(t *testing.T) {
	versions := []string{"0.0.0+81.gabc", "1.0.0-rc.1", "1.0.0-rc.1+3.gabc", "1.0.0-rc.2", "1.0.0", "1.0.0+5.gabc", "1.0.1"}
	for i, v := range versions[1:] {
		before, after := release{version: versions[i]}.debianVersion(), release{version: v}.debianVersion()
		if _, err := output(exec.Command("dpkg", "--compare-versions", before, "lt", after)); err != nil {
			t.Errorf("dpkg does not take %s for earlier than %s: %v", before, after, err)
		}
	}
}
