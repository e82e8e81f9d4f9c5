package config_test

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"rollcall/config"
)

// plant writes files below a root folder.
func plant(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func packagedUnit(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "deploy", "rollcall.service"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFindService(t *testing.T) {
	const unit = "usr/lib/systemd/system/rollcall.service"
	packaged := packagedUnit(t)
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  map[string]string // nil: no service
	}{
		{"nothing is installed", map[string]string{"etc/rollcall/rollcall.env": "ROLLCALL_TZ=UTC\n"}, nil},
		{"the package as it comes", map[string]string{unit: packaged},
			map[string]string{"ROLLCALL_DB": "/var/lib/rollcall/rollcall.db", "ROLLCALL_LOGS": "/var/lib/rollcall/logs"}},
		{"its settings", map[string]string{unit: packaged, "etc/rollcall/rollcall.env": "# a comment\n;another\nROLLCALL_DB=/srv/own.db\nROLLCALL_TZ=\"Europe/Berlin\"\nROLLCALL_OPT_OUT='1,2'\nROLLCALL_GUILDS_DENY=3,\\\n4\nOTHER=x\n"},
			map[string]string{"ROLLCALL_DB": "/srv/own.db", "ROLLCALL_LOGS": "/var/lib/rollcall/logs", "ROLLCALL_TZ": "Europe/Berlin", "ROLLCALL_OPT_OUT": "1,2", "ROLLCALL_GUILDS_DENY": "3, 4"}},
		{"the token is where systemd reads it", map[string]string{unit: packaged, "etc/rollcall/token": "T\n"},
			map[string]string{"ROLLCALL_DB": "/var/lib/rollcall/rollcall.db", "ROLLCALL_LOGS": "/var/lib/rollcall/logs", "ROLLCALL_TOKEN_FILE": "ROOT/etc/rollcall/token"}},
		{"a drop-in", map[string]string{unit: packaged,
			"etc/systemd/system/rollcall.service.d/key.conf": "[Service]\nLoadCredential=encryption-key:/etc/rollcall/key\nEnvironment=\"ROLLCALL_TZ=Asia/Tokyo\" ROLLCALL_LISTEN=\nEnvironmentFile=/etc/more.env\n",
			"etc/rollcall/key": "k", "etc/more.env": "ROLLCALL_LOGS=/srv/logs\n"},
			map[string]string{"ROLLCALL_DB": "/var/lib/rollcall/rollcall.db", "ROLLCALL_LOGS": "/srv/logs", "ROLLCALL_TZ": "Asia/Tokyo", "ROLLCALL_LISTEN": "", "ROLLCALL_ENCRYPTION_KEY_FILE": "ROOT/etc/rollcall/key"}},
		{"the operator's own unit wins", map[string]string{unit: packaged, "etc/systemd/system/rollcall.service": "[Service]\nEnvironment=ROLLCALL_DB=%S/mine.db\n"},
			map[string]string{"ROLLCALL_DB": "/var/lib/mine.db"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			root := t.TempDir()
			plant(t, root, tc.files)
			s, err := config.FindService(root)
			if err != nil {
				t.Fatal(err)
			}
			if tc.want == nil {
				if s != nil {
					t.Errorf("found %+v", s)
				}
				return
			}
			for name, value := range tc.want {
				if rest, ok := cutRoot(value); ok {
					tc.want[name] = filepath.Join(root, rest)
				}
			}
			if s == nil || !maps.Equal(s.Variables, tc.want) {
				t.Errorf("have %+v, want %v", s, tc.want)
			}
		})
	}
}

func cutRoot(value string) (string, bool) {
	const mark = "ROOT"
	if len(value) < len(mark) || value[:len(mark)] != mark {
		return "", false
	}
	return value[len(mark):], true
}

// An environment file that is named and cannot be read is told of.
func TestFindServiceUnreadable(t *testing.T) {
	root := t.TempDir()
	plant(t, root, map[string]string{"usr/lib/systemd/system/rollcall.service": packagedUnit(t)})
	if err := os.MkdirAll(filepath.Join(root, "etc/rollcall/rollcall.env"), 0o755); err != nil { // a folder: root may read everything else
		t.Fatal(err)
	}
	if s, err := config.FindService(root); err == nil {
		t.Errorf("found %+v", s)
	}
}

// What this process has itself counts.
func TestAdopt(t *testing.T) {
	t.Setenv("ROLLCALL_TZ", "UTC")
	t.Setenv("ROLLCALL_TOKEN", "mine")
	for _, name := range []string{"ROLLCALL_DB", "ROLLCALL_TOKEN_FILE", "ROLLCALL_LISTEN"} {
		t.Setenv(name, "") // restored afterwards
		os.Unsetenv(name)
	}
	s := &config.Service{Variables: map[string]string{
		"ROLLCALL_DB": "var/own.db", "ROLLCALL_TZ": "Asia/Tokyo", "ROLLCALL_TOKEN_FILE": "/t", "ROLLCALL_LISTEN": "127.0.0.1:9",
	}}
	if err := s.Adopt(); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	if c.DB != "/var/own.db" || c.TZ.String() != "UTC" || c.Token.Reveal() != "mine" || c.Listen != "127.0.0.1:9" {
		t.Errorf("have %+v", c)
	}
}

// No unit and no environment file makes the reader fail or invent a name with white space.
func FuzzService(f *testing.F) {
	f.Add("[Service]\nEnvironment=\"ROLLCALL_DB=%S/x\" A=b\n", "ROLLCALL_TZ=\"UTC\"\n")
	f.Add("Environment=\nEnvironmentFile=\n\\", "A='")
	f.Fuzz(func(t *testing.T, unit, env string) {
		root := t.TempDir()
		plant(t, root, map[string]string{"etc/systemd/system/rollcall.service": "EnvironmentFile=-/etc/e\n" + unit, "etc/e": env})
		s, err := config.FindService(root)
		if err != nil {
			return // an environment file that is not there
		}
		for name := range s.Variables {
			if len(name) < len("ROLLCALL_") || name[:len("ROLLCALL_")] != "ROLLCALL_" {
				t.Errorf("%q", name)
			}
		}
	})
}
