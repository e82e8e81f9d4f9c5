package web_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"rollcall/internal/health"
	"rollcall/store"
)

var pictures = flag.String("pictures", "", "a `folder` for README's picture of the page; make pictures names it")

// mostPicture is how many bytes a picture that everybody downloads may have.
const mostPicture = 150_000

// TestPicture draws the page of a guild of the demo, once its logs are read.
func TestPicture(t *testing.T) {
	if *pictures == "" {
		t.Skip("make browser-test and make pictures run it")
	}
	folder := t.TempDir()
	program := filepath.Join(folder, "rollcall")
	if out, err := exec.Command("go", "build", "-o", program, "rollcall").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	demo := exec.Command(program, "demo")
	demo.Env = append(os.Environ(), "TMPDIR="+folder)
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		demo.Process.Signal(os.Interrupt)
		demo.Wait()
	})
	ask := func(args ...string) string {
		found, _ := filepath.Glob(filepath.Join(folder, "rollcall-demo-*", "rollcall.db"))
		if len(found) != 1 {
			return ""
		}
		out, _ := exec.Command(program, append(args, "--db", found[0])...).Output() // nothing while it starts
		return string(out)
	}
	ticks := time.NewTicker(100 * time.Millisecond)
	defer ticks.Stop()
	for deadline := time.Now().Add(patience); ; <-ticks.C {
		var r health.Report
		if json.Unmarshal([]byte(ask("status", "--json")), &r) == nil && r.Tracker != nil && r.Tracker.Backfill.Filled > 0 && r.Migration.CaughtUp {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the demo has not read its logs, or filled no gap")
		}
	}
	link := strings.TrimSpace(ask("web"))
	server, _, _ := strings.Cut(link, "/login")
	w := openLink(t, server, link)
	call(t, w, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "light"}}})
	var guilds []store.Guild
	if err := json.Unmarshal([]byte(ask("guilds", "--json")), &guilds); err != nil || len(guilds) == 0 {
		t.Fatalf("%v, %d guilds", err, len(guilds))
	}
	w.do(t, chromedp.EmulateViewport(1100, 1090), chromedp.Navigate(server+"/g/"+guilds[0].ID.String()), chromedp.WaitVisible(".series svg"))
	w.clean(t, "the page of a guild")
	shot, err := png.Decode(bytes.NewReader(get(t, w, chromedp.CaptureScreenshot())))
	if err != nil {
		t.Fatal(err)
	}
	writePNG(t, filepath.Join(*pictures, "page.png"), shot)
}

// writePNG writes a picture as small as it gets.
func writePNG(t *testing.T, path string, picture image.Image) {
	t.Helper()
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, picture); err != nil {
		t.Fatal(err)
	}
	if b.Len() > mostPicture {
		t.Errorf("%s has %d bytes, more than %d", path, b.Len(), mostPicture)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
