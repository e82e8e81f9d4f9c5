package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"rollcall/config"
	"rollcall/internal/doctor"
)

// installed is a root folder with the packaged service.
func installed(t *testing.T, more map[string]string) string {
	t.Helper()
	unit, err := os.ReadFile(filepath.Join("..", "..", "deploy", "rollcall.service"))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	files := map[string]string{"usr/lib/systemd/system/rollcall.service": string(unit)}
	for name, text := range more {
		files[name] = text
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// cleared is the environment without anything of rollcall, restored afterwards.
func cleared(t *testing.T) {
	t.Helper()
	for _, v := range (config.Config{}).Variables() {
		t.Setenv(v.Name, "")
		os.Unsetenv(v.Name)
	}
}

func TestCommandsUseTheService(t *testing.T) {
	root := installed(t, map[string]string{"etc/rollcall/rollcall.env": "ROLLCALL_DB=/srv/own.db\nROLLCALL_TZ=Asia/Tokyo\n"})
	for _, tc := range []struct {
		name string
		env  map[string]string
		args []string
		db   string
		tz   string
	}{
		{name: "nothing is named", db: "/srv/own.db", tz: "Asia/Tokyo"},
		{name: "the flag", args: []string{"--db", "mine.db"}, db: "mine.db", tz: "UTC"},
		{name: "the variable", env: map[string]string{"ROLLCALL_DB": "mine.db"}, db: "mine.db", tz: "UTC"},
		{name: "another variable", env: map[string]string{"ROLLCALL_TZ": "Europe/Paris"}, db: "/srv/own.db", tz: "Europe/Paris"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cleared(t)
			for name, value := range tc.env {
				t.Setenv(name, value)
			}
			a := &app{root: root}
			var have config.Config
			tree := a.commands()
			look := &cobra.Command{Use: "look", RunE: func(c *cobra.Command, _ []string) (err error) {
				have, err = a.config(c)
				return err
			}}
			tree.AddCommand(look)
			tree.SetArgs(append([]string{"look"}, tc.args...))
			if err := tree.Execute(); err != nil {
				t.Fatal(err)
			}
			if have.DB != tc.db || have.TZ.String() != tc.tz {
				t.Errorf("have %q and %s", have.DB, have.TZ)
			}
		})
	}
}

// After a restart the daemon has what the service's settings say now. What is only this
// shell's, and paths that systemd hands secrets over under, are no difference of these.
func TestDifferences(t *testing.T) {
	root := installed(t, map[string]string{
		"etc/rollcall/rollcall.env": "ROLLCALL_TZ=Asia/Tokyo\nROLLCALL_LOGS=srv/logs\nROLLCALL_LISTEN=127.0.0.1:7878\n", "etc/rollcall/token": "TOKEN",
	})
	for _, tc := range []struct {
		name    string
		daemon  map[string]string
		env     map[string]string
		service bool
		want    []string
	}{
		{name: "the same", daemon: map[string]string{"TZ": "Asia/Tokyo", "LOGS": "/srv/logs"}, service: true},
		{
			name: "the settings were changed", daemon: map[string]string{"LOGS": "/srv/logs", "BACKFILL": "all"}, service: true,
			want: []string{`After a restart of the service ROLLCALL_BACKFILL will be "gap".`, `After a restart of the service ROLLCALL_TZ will be "Asia/Tokyo".`},
		},
		{
			name: "the shell has its own", daemon: map[string]string{"TZ": "Asia/Tokyo", "LOGS": "/srv/logs"}, service: true,
			env:  map[string]string{"ROLLCALL_TZ": "Europe/Paris"},
			want: []string{`This shell sets ROLLCALL_TZ to "Europe/Paris", which the daemon does not know of.`},
		},
		{name: "a daemon of a shell", daemon: map[string]string{"BACKFILL": "all"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cleared(t)
			for name, value := range tc.env {
				t.Setenv(name, value)
			}
			var service *config.Service
			if tc.service {
				var err error
				if service, err = (&app{root: root}).service(true); err != nil {
					t.Fatal(err)
				}
			}
			own, err := config.Load()
			if err != nil {
				t.Fatal(err)
			}
			daemon := config.Default().Variables()
			for i := range daemon {
				if value, ok := tc.daemon[strings.TrimPrefix(daemon[i].Name, "ROLLCALL_")]; ok {
					daemon[i].Value = value
				}
				if daemon[i].Name == "ROLLCALL_TOKEN_FILE" {
					daemon[i].Value = "/run/credentials/rollcall.service/token"
				}
				if daemon[i].Name == "ROLLCALL_TOKEN" && tc.service {
					daemon[i].Value = "(hidden)"
				}
			}
			if have := differences(daemon, own.Variables(), service); !slices.Equal(have, tc.want) {
				t.Errorf("have %q, want %q", have, tc.want)
			}
		})
	}
}

// Settings that may not be read are told of, with what to do.
func TestServiceMayNotBeRead(t *testing.T) {
	cleared(t)
	root := installed(t, map[string]string{"etc/rollcall/rollcall.env/is a folder": ""}) // which root cannot read either
	a := &app{root: root}
	_, err := a.service(true)
	if err == nil || !strings.HasPrefix(err.Error(), "the settings of the service may not be read: ") || !strings.HasSuffix(err.Error(), ": do this with sudo, or name a database with --db") {
		t.Errorf("have %v", err)
	}
}

func TestDoctorOfTheService(t *testing.T) {
	const systemctl = "#!/bin/sh\necho "
	for _, tc := range []struct {
		name   string
		files  map[string]string
		ok     bool
		detail string
	}{
		{"no token", nil, false, "etc/rollcall/token\": no such file or directory: the service does not start"},
		{"no systemd", map[string]string{"etc/rollcall/token": "T"}, true, "systemd does not run here"},
		{"it runs", map[string]string{"etc/rollcall/token": "T", "run/systemd/system/x": "", "bin/systemctl": systemctl + "active"}, true, "it runs"},
		{"it failed", map[string]string{"etc/rollcall/token": "T", "run/systemd/system/x": "", "bin/systemctl": systemctl + "failed\nexit 3"}, false, "it is failed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			root := installed(t, tc.files)
			t.Setenv("PATH", filepath.Join(root, "bin")+string(filepath.ListSeparator)+os.Getenv("PATH"))
			service, err := config.FindService(root)
			if err != nil {
				t.Fatal(err)
			}
			e := examination{service: service, root: root}
			if c := e.ofService(t.Context()); c.Check != doctor.Service || c.OK != tc.ok || !strings.Contains(c.Detail, tc.detail) || c.OK == (c.Fix != "") {
				t.Errorf("have %+v", c)
			}
		})
	}
}
