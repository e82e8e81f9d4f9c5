package web_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"rollcall/store"
)

// CI names a browser (make browser-test); without one these tests do not run.
var (
	chromium = flag.String("chromium", "", "the path of a Chromium, to look at the pages with")
	axe      = flag.String("axe", "", "the path of axe-core's axe.min.js, to check that everybody can read the pages")
	shots    = flag.String("shots", "", "a folder for pictures of the pages")
)

// window is a tab of a real browser. It notes what goes wrong in it.
type window struct {
	ctx context.Context
	mu  sync.Mutex
	bad []string
}

// openWindow opens a browser that is signed in.
func openWindow(t *testing.T, h *house) *window {
	t.Helper()
	link, _ := h.door.Link()
	return openLink(t, h.server.URL, link)
}

// openLink opens a browser at a link of a server.
func openLink(t *testing.T, server, link string) *window {
	t.Helper()
	if *chromium == "" {
		t.Skip("no -chromium: make browser-test has one, and CI runs that")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(*chromium), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.UserDataDir(t.TempDir()))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop := chromedp.NewContext(allocator)
	t.Cleanup(stop)
	w := &window{ctx: ctx}
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *log.EventEntryAdded:
			if !strings.Contains(e.Entry.Text, "status of 400") { // TestBadFilters has those
				w.note("log: " + e.Entry.Text)
			}
		case *runtime.EventExceptionThrown:
			w.note("exception: " + e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			if e.Type == "error" {
				w.note(fmt.Sprint("console: ", e.Args))
			}
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, server) && !strings.HasPrefix(e.Request.URL, "data:") {
				w.note("a request elsewhere: " + e.Request.URL)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	call(t, w, log.Enable, cdp.Empty{})
	call(t, w, network.Enable, network.EnableParams{})
	w.do(t, chromedp.Navigate(link), chromedp.WaitVisible("h1"))
	return w
}

// patience is how long something in the browser may take.
const patience = time.Minute

// call sends a command of the browser's protocol.
func call[P, R any](t *testing.T, w *window, command cdp.Command[P, R], parameters P) {
	t.Helper()
	ctx, stop := context.WithTimeout(w.ctx, patience)
	defer stop()
	if _, err := chromedp.Call(ctx, command, parameters); err != nil {
		t.Fatal(err)
	}
}

func (w *window) do(t *testing.T, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, stop := context.WithTimeout(w.ctx, patience)
	defer stop()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// get runs an action that has a value.
func get[T any](t *testing.T, w *window, action chromedp.Action[T]) T {
	t.Helper()
	ctx, stop := context.WithTimeout(w.ctx, patience)
	defer stop()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func (w *window) note(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bad = append(w.bad, what)
}

// clean fails the test if anything went wrong since it was called last.
func (w *window) clean(t *testing.T, where string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, what := range w.bad {
		t.Errorf("%s: %s", where, what)
	}
	w.bad = nil
}

// Every page at three widths, light and dark, with and without JavaScript: it fits, nothing is
// refused, nothing is asked for elsewhere, and everybody can read it.
func TestBrowserPages(t *testing.T) {
	h := newHouse(t)
	w := openWindow(t, h)
	var rules string
	if *axe != "" {
		text, err := os.ReadFile(*axe)
		if err != nil {
			t.Fatal(err)
		}
		rules = string(text)
	}
	for i, path := range pages() {
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{360, 800, 1440} {
				where := fmt.Sprintf("%s at %d, %s", path, width, scheme)
				call(t, w, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
				w.do(t, chromedp.EmulateViewport(width, 900), chromedp.Navigate(h.server.URL+path), chromedp.WaitVisible("h1"))
				overflow := get(t, w, chromedp.Evaluate[string](`(() => {
					const wide = document.documentElement.scrollWidth - innerWidth;
					if (wide <= 0) return "";
					const e = [...document.querySelectorAll("main *")].find((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll"));
					return wide + " pixels too wide: " + (e ? e.outerHTML.slice(0, 200) : "?");
				})()`))
				if overflow != "" {
					t.Errorf("%s: %s", where, overflow)
				}
				if width == 800 && rules != "" {
					w.accessible(t, where, rules)
				}
				if *shots != "" && width == 1440 {
					picture := get(t, w, chromedp.FullScreenshot(90))
					if err := os.WriteFile(filepath.Join(*shots, fmt.Sprintf("%02d-%s.jpeg", i, scheme)), picture, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				w.clean(t, where)
			}
		}
		call(t, w, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		w.do(t, chromedp.Navigate(h.server.URL+path))
		title := get(t, w, chromedp.Title())
		call(t, w, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{})
		if !strings.HasSuffix(title, "· rollcall") {
			t.Errorf("%s without JavaScript: %q", path, title)
		}
	}
}

// accessible runs axe-core over the page. It is evaluated by the debugger, which no policy binds.
func (w *window) accessible(t *testing.T, where, rules string) {
	t.Helper()
	get(t, w, chromedp.Evaluate[int](rules+"; 0"))
	text := get(t, w, chromedp.Evaluate[string](
		`axe.run().then((r) => JSON.stringify(r.violations.map((v) => v.id + ": " + v.help + ": " + v.nodes[0].html.slice(0, 200))))`, chromedp.EvalAwaitPromise))
	var violations []string
	if err := json.Unmarshal([]byte(text), &violations); err != nil {
		t.Fatal(err)
	}
	for _, v := range violations {
		t.Errorf("%s: %s", where, v)
	}
}

// What is said while a page is open appears on it, as text.
func TestBrowserLive(t *testing.T) {
	h := newHouse(t)
	w := openWindow(t, h)
	w.do(t, chromedp.Navigate(h.server.URL+"/g/"+guild.String()), chromedp.WaitVisible("h1"))
	get(t, w, chromedp.Poll[bool](`document.querySelector("[data-live]").textContent.startsWith("Live")`))
	h.say(t, store.Record{User: mallory, Content: "<img src=x onerror=alert(1)> just now\u202e"}, 30)
	get(t, w, chromedp.Poll[bool](`document.querySelector(".lines .said").textContent === "<img src=x onerror=alert(1)> just now[U+202E]"`))
	if n := get(t, w, chromedp.Evaluate[int](`document.querySelectorAll("img").length`)); n != 0 {
		t.Error("a message made an element")
	}
	w.clean(t, "live")
}

// Dragging over the series leads to the window that was picked.
func TestBrowserBrush(t *testing.T) {
	h := newHouse(t)
	w := openWindow(t, h)
	w.do(t, chromedp.EmulateViewport(1200, 900), chromedp.Navigate(h.server.URL+"/g/"+guild.String()+"?since=2026-05-10&until=2026-05-20"), chromedp.WaitVisible(".series svg"))
	box := get(t, w, chromedp.Evaluate[[]float64](`(() => { const b = document.querySelector(".series .bar").getBoundingClientRect(); return [b.left, b.right, b.top + b.height / 2]; })()`))
	arrived := get(t, w, chromedp.WaitEvent(page.FrameNavigated, func(page.EventFrameNavigated) bool { return true }, chromedp.DragAndDropXY(box[0]-3, box[2], box[1]+3, box[2])))
	if !strings.HasSuffix(arrived.Frame.URL, "?since=2026-05-17&until=2026-05-18") {
		t.Error(arrived.Frame.URL)
	}
	w.clean(t, "brush")
}
