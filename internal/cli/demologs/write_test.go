package demologs_test

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/internal/cli/demologs"
)

func write(t *testing.T) (root string, sum demologs.Summary) {
	t.Helper()
	root = t.TempDir()
	sum, err := demologs.Write(root, demologs.Options{
		Guilds: []string{"11", "22"}, Days: 10, PerDay: 20, Until: time.Date(2026, 5, 11, 12, 0, 0, 0, time.UTC),
		Say: func(guild string) demologs.Saying {
			return demologs.Saying{Channel: "general", User: "5", Text: "hi <3 " + guild}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return root, sum
}

// Every line is one of the bot's, in order of time and before the end.
func TestWrite(t *testing.T) {
	root, sum := write(t)
	files, messages, size := 0, 0, 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		var from io.Reader = f
		if strings.HasSuffix(path, ".gz") {
			if from, err = gzip.NewReader(f); err != nil {
				return err
			}
		}
		text, err := io.ReadAll(from)
		if err != nil {
			return err
		}
		size += len(text)
		relative, _ := filepath.Rel(root, path)
		guild, day, last := strings.Split(filepath.ToSlash(relative), "/")[0], strings.Split(filepath.ToSlash(relative), "/")[1], ""
		for l := range strings.Lines(string(text)) {
			var v struct{ Timestamp, Server_id, User_id, Action, Message string }
			if err := json.Unmarshal([]byte(l), &v); err != nil {
				return err
			}
			if strings.ReplaceAll(v.Timestamp[:10], "-", "") != day || v.Server_id != guild || v.Timestamp < last || v.Timestamp >= "2026-05-11T12" || v.User_id != "5" {
				t.Errorf("%s: %s", relative, l)
			}
			last = v.Timestamp
			if v.Action == "receive_message" {
				messages++
				if v.Message != "hi <3 "+guild {
					t.Errorf("%s: %s", relative, l)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files != 20 || sum.Files != files || sum.Messages != messages || messages < 200 || sum.Bytes != int64(size) {
		t.Errorf("%d files, %d messages, %d bytes; told: %+v", files, messages, size, sum)
	}
}

func TestWriteIsDeterministic(t *testing.T) {
	digest := func(root string) (d [32]byte) {
		h := sha256.New()
		filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				text, _ := os.ReadFile(path)
				relative, _ := filepath.Rel(root, path)
				io.WriteString(h, relative)
				h.Write(text)
			}
			return err
		})
		return [32]byte(h.Sum(nil))
	}
	a, _ := write(t)
	b, _ := write(t)
	if digest(a) != digest(b) {
		t.Error("two runs differ")
	}
}
