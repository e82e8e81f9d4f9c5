package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"rollcall/internal/health"
	"rollcall/internal/simulator"
)

// address returns where the daemon answers over TCP.
func (p *process) address() string {
	p.t.Helper()
	p.waitLog(`"msg":"http"`)
	var line struct{ Msg, Address string }
	for text := range strings.Lines(p.log.String()) {
		if json.Unmarshal([]byte(text), &line) == nil && line.Msg == "http" {
			return line.Address
		}
	}
	p.t.Fatal("no address in the log")
	return ""
}

// get asks over TCP without a token.
func (p *process) get(path string) (status int, body string) {
	p.t.Helper()
	response, err := http.Get("http://" + p.address() + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// metric returns the value of a series, named as in the page.
func (p *process) metric(series string) string {
	p.t.Helper()
	_, page := p.get("/metrics")
	for line := range strings.Lines(page) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return "absent"
}

// logLine is a line of the other bot's log of yesterday.
func logLine(guild, user, message string) string {
	at := time.Now().UTC().AddDate(0, 0, -1).Format("2006-01-02T") + "12:00:00.123456Z"
	text, _ := json.Marshal(message)
	return fmt.Sprintf(`{"timestamp":%q,"level":"INFO","source":"server","server_id":%q,"channel_or_file":"general","user_id":%q,"action":"receive_message","message":%s}`+"\n", at, guild, user, text)
}

// writeLog writes a guild's log of yesterday.
func writeLog(t *testing.T, folder, guild, text string) {
	t.Helper()
	name := filepath.Join(folder, "logs", guild, time.Now().UTC().AddDate(0, 0, -1).Format("20060102"), "info.jsonl")
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The metrics, the status and the readiness of a running daemon say what happened to it.
func TestObserved(t *testing.T) {
	discord, _ := newDiscord(t)
	guild := discord.Guilds()[0]
	general := guild.Channels()[0]
	ann := discord.AddUser(simulator.UserSpec{Name: "Ann"})
	say := func(text string) {
		t.Helper()
		if _, err := general.Say(t.Context(), ann, text); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 3 {
		say(fmt.Sprint("before anybody listened ", n))
	}
	folder := t.TempDir()
	writeLog(t, folder, guild.ID.String(), logLine(guild.ID.String(), "77", "from the logs")+"not JSON\n")
	p := startDaemon(t, folder, "TOKEN="+discord.Token(), "DISCORD_URL="+discord.URL(), "COMMIT_INTERVAL=0",
		"LISTEN=127.0.0.1:0", "BACKFILL=all", "MIGRATION_START_DELAY=0s")
	if err := discord.WaitReady(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	say("live")
	want := map[string]string{
		`rollcall_messages_total{outcome="stored",source="live"}`:           "1",
		`rollcall_messages_total{outcome="stored",source="backfill"}`:       "3",
		`rollcall_messages_total{outcome="stored",source="log"}`:            "1",
		`rollcall_messages_total{outcome="malformed",source="log"}`:         "1",
		`rollcall_database_messages`:                                        "5",
		`rollcall_gateway_state{shard="0",state="connected"}`:               "1",
		`rollcall_gateway_identifies_total{shard="0"}`:                      "1",
		`rollcall_history_channels{state="left"}`:                           "0",
		`rollcall_history_messages`:                                         "3",
		`rollcall_migration_read_files{guild="` + guild.ID.String() + `"}`:  "1",
		`rollcall_migration_lag_seconds{guild="` + guild.ID.String() + `"}`: "0",
		`rollcall_migration_caught_up`:                                      "1",
		`rollcall_quarantined_lines`:                                        "1",
		`rollcall_queue_wait_seconds_count`:                                 "1",
		`rollcall_part_healthy{part="gateway"}`:                             "1",
		`rollcall_gaps_open`:                                                "0",
		`rollcall_rest_requests_total{code="429"}`:                          "0",
	}
	for series, value := range want {
		got := ""
		if err := waitFor(func() bool { got = p.metric(series); return got == value }); err != nil {
			t.Errorf("%s is %s, want %s", series, got, value)
		}
	}

	_, page := p.get("/metrics")
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	if len(families) < 60 {
		t.Errorf("there are only %d metrics", len(families))
	}
	problems, err := promlint.New(bytes.NewReader([]byte(page))).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("the page is not as it should be: %v, %v", problems, err)
	}
	for _, private := range []string{"Ann", "Lounge", "general", ann.ID.String(), "listened"} {
		if strings.Contains(page, private) {
			t.Errorf("the metrics hold %q", private)
		}
	}

	var report health.Report
	if err := json.Unmarshal([]byte(p.rollcall("status", "--json")), &report); err != nil {
		t.Fatal(err)
	}
	if report.Daemon == nil || report.Tracker == nil || report.Database.Messages != 5 || len(report.Tracker.Shards) != 1 || len(report.Migration.Guilds) != 1 {
		t.Errorf("the status is %+v", report)
	}
	screen := p.rollcall("status")
	for _, line := range []string{"gateway    ok         1 shard connected; 1 guild, 2 channels", "migration  following  100 % of ", "history    done       2 of 2 channels read back"} {
		if !strings.Contains(screen, line) {
			t.Errorf("the screen lacks %q:\n%s", line, screen)
		}
	}

	discord.RefuseConnections(true)
	for _, c := range discord.Conns() {
		c.Cut()
	}
	var status int
	var body string
	if err := waitFor(func() bool { status, body = p.get("/readyz"); return status == 503 }); err != nil || !strings.Contains(body, `"gateway":{"status":"failed","detail":"shard 0 is `) {
		t.Errorf("without Discord /readyz says %d %s", status, body)
	}
	if status, body := p.get("/healthz"); status != 200 {
		t.Errorf("without Discord /healthz says %d %s", status, body)
	}
	if got := p.metric(`rollcall_gateway_state{shard="0",state="connected"}`); got != "0" {
		t.Errorf("without Discord a shard is connected: %s", got)
	}
	if screen := p.rollcall("status"); !strings.Contains(screen, "\nShards:\n") || !strings.Contains(screen, "gateway    failed") {
		t.Errorf("without Discord the screen is\n%s", screen)
	}
}

// What people write is never in the log, at no level, whatever is wrong with it.
func TestLogHoldsNoContent(t *testing.T) {
	const mark = "Xyzzy-4711"
	discord, _ := newDiscord(t)
	guild := discord.Guilds()[0]
	general := guild.Channels()[0]
	denied := guild.AddChannel(simulator.ChannelSpec{Name: "denied"})
	ann := discord.AddUser(simulator.UserSpec{Name: "Ann"})
	robot := discord.AddUser(simulator.UserSpec{Name: "Robot", Bot: true})
	posted := 0
	post := func(c *simulator.Channel, d simulator.Draft) {
		t.Helper()
		posted++
		if d.Content == "" {
			d.Content = fmt.Sprint(mark, " number ", posted)
		}
		if _, err := c.Post(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	everyKind := func() {
		for _, c := range []*simulator.Channel{general, denied} {
			post(c, simulator.Draft{Author: ann})
			post(c, simulator.Draft{Author: robot})
			post(c, simulator.Draft{Webhook: mark})
			post(c, simulator.Draft{Author: ann, Attachments: 1, Embeds: 1})
			post(c, simulator.Draft{Author: ann, Components: simulator.UnknownComponents()})
			post(c, simulator.Draft{Author: ann, Forward: &simulator.Message{ID: 5, Content: mark, ChannelName: mark}})
			post(c, simulator.Draft{Author: ann, Poll: &simulator.Poll{Question: mark, Answers: []string{mark}}, Stickers: []string{mark}})
			for _, broken := range []map[string]any{
				{"content": map[string]string{"text": mark}}, {"content": []string{mark}}, {"author": mark}, {"type": mark}, {"id": mark},
				{"channel_id": mark}, {"timestamp": mark}, {"member": mark}, {"attachments": mark}, {"referenced_message": mark},
				{"poll": mark}, {"poll": map[string]any{"question": mark, "answers": []any{mark, map[string]any{"poll_media": mark}}}},
				{"sticker_items": []any{mark, map[string]any{"name": []string{mark}}}}, {"message_reference": mark},
				{"message_snapshots": mark}, {"message_snapshots": []any{mark, map[string]any{"message": mark}}},
			} {
				post(c, simulator.Draft{Author: ann, Fields: broken})
			}
		}
	}
	everyKind()
	folder := t.TempDir()
	id := guild.ID.String()
	writeLog(t, folder, id, logLine(id, "77", mark)+mark+"\n"+logLine(id, mark, mark)+`{"message":"`+mark+"\n"+
		`{"timestamp":"`+mark+`","level":"INFO","source":"server","user_id":"7","action":"receive_message","message":"`+mark+`"}`+"\n"+
		strings.Replace(logLine(id, "78", mark), `"message":"`, `"message":{"a":"`, 1)+strings.Replace(logLine("79", "79", mark), "}", `,"extra":"`+mark+`"`, 1))
	env := []string{"TOKEN=" + discord.Token(), "DISCORD_URL=" + discord.URL(), "COMMIT_INTERVAL=0", "LISTEN=127.0.0.1:0", "API_TOKEN=s3cret",
		"BACKFILL=all", "MIGRATION_START_DELAY=0s", "LOG_LEVEL=debug", "CHANNELS_DENY=" + denied.ID.String()}
	p := startDaemon(t, folder, env...)
	if err := discord.WaitReady(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	everyKind()
	conn := discord.Conns()[0]
	for _, payload := range []string{
		mark, `"` + mark + `"`, `{"op":0,"t":"MESSAGE_CREATE","s":900,"d":"` + mark + `"}`, `{"op":0,"t":"MESSAGE_CREATE","s":901,"d":{"content":"` + mark + `"}}`,
		`{"op":0,"t":"GUILD_CREATE","s":902,"d":"` + mark + `"}`, `{"op":0,"t":"` + mark + `","s":903,"d":{}}`, `{"op":"` + mark + `"}`,
	} {
		conn.Send(payload)
	}
	guild.SetNick(ann, "Annie")
	for _, path := range []string{"/" + mark, "/v1/guilds/" + mark + "/messages", "/v1/guilds/" + id + "/messages?grep=" + mark + "(", "/metrics?x=" + mark} {
		p.get(path)
	}
	p.rollcall("messages", id, "--grep", mark)
	stored := func(source string, least int) {
		t.Helper()
		var text string
		if err := waitFor(func() bool {
			text = p.rollcall("export")
			return strings.Count(text, `"source":"`+source+`"`) >= least
		}); err != nil {
			t.Errorf("of %s not everything was taken in: %v\n%s", source, err, text)
		}
	}
	stored("live", 3)
	stored("backfill", 3)
	stored("log", 1)
	p.signal(syscall.SIGTERM)
	p.wait()
	everyKind() // missed, and fetched from the history
	second := startDaemon(t, folder, env...)
	second.waitLog(`"msg":"what was missed has been fetched"`)
	second.signal(syscall.SIGTERM)
	second.wait()

	log := p.log.String() + second.log.String()
	for _, line := range []string{"cannot be read and was left out", "a malformed line is left out", `"level":"DEBUG"`} {
		if !strings.Contains(log, line) {
			t.Errorf("the log was to hold %q", line)
		}
	}
	for line := range strings.Lines(log) {
		if strings.Contains(line, mark) {
			t.Errorf("the log holds what was written: %s", line)
		}
	}
	// And none per message: there were some fifty of each kind.
	if n := strings.Count(log, "\n"); n > 60 {
		t.Errorf("the log has %d lines", n)
	}
}

// systemd is told READY when the socket answers, how the daemon is, WATCHDOG at half
// its time, and STOPPING.
func TestNotify(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // there is no systemd to tell
	}
	folder := t.TempDir()
	heard, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(folder, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer heard.Close()
	t.Setenv("NOTIFY_SOCKET", filepath.Join(folder, "notify"))
	t.Setenv("WATCHDOG_USEC", "100000")
	p := startDaemon(t, folder)
	status := ""
	next := func() string {
		t.Helper()
		for {
			heard.SetReadDeadline(time.Now().Add(within))
			text := make([]byte, 4096)
			n, err := heard.Read(text)
			if err != nil {
				t.Fatal(err)
			}
			if text, ok := strings.CutPrefix(string(text[:n]), "STATUS="); ok {
				status = text
				continue
			}
			return string(text[:n])
		}
	}
	if got := next(); got != "READY=1" {
		t.Fatalf("first: %q", got)
	}
	if got := p.rollcall("guilds", "--json"); got != "[]\n" { // through the socket: the file is locked
		t.Errorf("ready, but: %q", got)
	}
	for range 3 {
		if got := next(); got != "WATCHDOG=1" {
			t.Fatalf("then: %q", got)
		}
	}
	if !strings.HasPrefix(status, "tracking is off; 0 messages in ") {
		t.Errorf("the status is %q", status)
	}
	p.signal(syscall.SIGTERM)
	for got := ""; got != "STOPPING=1"; {
		if got = next(); got != "STOPPING=1" && got != "WATCHDOG=1" {
			t.Fatalf("at the end: %q", got)
		}
	}
	if state := p.wait(); !state.Success() {
		t.Errorf("the daemon ended with %v", state)
	}
}
