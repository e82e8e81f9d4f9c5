package metrics_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"go.yaml.in/yaml/v3"

	"rollcall/internal/metrics"
)

// What stands in expressions of Prometheus beside metrics, as far as ours go.
var (
	functions = []string{"absent", "count", "delta", "histogram_quantile", "increase", "max", "min", "predict_linear", "rate", "sum", "time"}
	operators = []string{"and", "or", "unless", "by", "without", "on", "ignoring"}
)

var (
	quoted   = regexp.MustCompile(`"[^"\\]*"`)
	spans    = regexp.MustCompile(`\[(\d+[smhd]|\$__rate_interval)\]`)
	grouping = regexp.MustCompile(`\b(by|without|on|ignoring) *\(([a-z_, ]*)\)`)
	selector = regexp.MustCompile(`\b([a-zA-Z_:][a-zA-Z0-9_:]*) *(\(|\{[^{}]*\})?`)
	matcher  = regexp.MustCompile(`([a-z_]+) *(=|!=|=~|!~) *("[^"\\]*")`)
)

// judge says what is wrong with an expression, given the series that there are.
func judge(p page, expr string) error {
	bare := quoted.ReplaceAllString(expr, `""`)
	for _, pair := range []string{"()", "{}", "[]"} {
		if strings.Count(bare, pair[:1]) != strings.Count(bare, pair[1:]) {
			return fmt.Errorf("%s do not match", pair)
		}
	}
	if strings.Count(bare, "[") != len(spans.FindAllString(bare, -1)) {
		return fmt.Errorf("a range is none")
	}
	var grouped []string
	for _, g := range grouping.FindAllStringSubmatch(expr, -1) {
		for name := range strings.SplitSeq(g[2], ",") {
			grouped = append(grouped, strings.TrimSpace(name))
		}
	}
	labels := []string{"instance", "le"}
	found := 0
	rest := spans.ReplaceAllString(grouping.ReplaceAllString(expr, " "), " ")
	for _, s := range selector.FindAllStringSubmatch(rest, -1) {
		name, after := s[1], s[2]
		if slices.Contains(operators, name) || after == "(" && slices.Contains(functions, name) {
			continue
		}
		found++
		own, err := p.labelsOf(name)
		if err != nil {
			return err
		}
		for _, m := range matcher.FindAllStringSubmatch(after, -1) {
			values, known := own[m[1]]
			if m[1] == "instance" || m[1] == "job" {
				continue
			}
			if value := strings.Trim(m[3], `"`); !known || m[2] == "=" && !slices.Contains(values, value) {
				return fmt.Errorf("%s has no %s of %s", name, m[1], value)
			}
		}
		for label := range own {
			labels = append(labels, label)
		}
	}
	for _, label := range grouped {
		if !slices.Contains(labels, label) {
			return fmt.Errorf("nothing has the label %s", label)
		}
	}
	if found == 0 {
		return fmt.Errorf("there is no metric")
	}
	return nil
}

// labelsOf returns the labels of a series as it is called in expressions, with their values.
func (p page) labelsOf(name string) (map[string][]string, error) {
	if name == "up" { // which Prometheus makes itself
		return nil, nil
	}
	family := p.families[name]
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && family == nil {
			if family = p.families[base]; family != nil && family.GetType() != dto.MetricType_HISTOGRAM {
				family = nil
			}
		}
	}
	if family == nil {
		return nil, fmt.Errorf("there is no metric %s", name)
	}
	labels := map[string][]string{}
	for _, m := range family.Metric {
		for _, l := range m.Label {
			labels[l.GetName()] = append(labels[l.GetName()], l.GetValue())
		}
	}
	return labels, nil
}

// read reads a file of the repository.
func read(t *testing.T, path ...string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// everything is a page with all metrics that there are.
func everything(t *testing.T) page {
	m := metrics.New(lively(t), slog.New(slog.DiscardHandler))
	countOne(m)
	return scrape(t, m)
}

// The dashboard asks for nothing that is not there.
func TestDashboard(t *testing.T) {
	p := everything(t)
	var dashboard struct {
		Panels []struct {
			ID      int
			Title   string
			Type    string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(read(t, "deploy", "grafana-dashboard.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	ids := map[int]bool{}
	expressions := 0
	for _, panel := range dashboard.Panels {
		if ids[panel.ID] || panel.GridPos.X+panel.GridPos.W > 24 {
			t.Errorf("panel %d, %q, has another one's id or is too wide", panel.ID, panel.Title)
		}
		ids[panel.ID] = true
		if panel.Type != "row" && len(panel.Targets) == 0 {
			t.Errorf("panel %q shows nothing", panel.Title)
		}
		for _, target := range panel.Targets {
			expressions++
			if err := judge(p, target.Expr); err != nil {
				t.Errorf("panel %q: %s: %v", panel.Title, target.Expr, err)
			}
		}
	}
	if expressions < 40 {
		t.Errorf("only %d expressions were found", expressions)
	}
}

// The alert rules have the shape that Prometheus reads, ask for nothing that is not
// there, and are all explained.
func TestAlerts(t *testing.T) {
	p := everything(t)
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert       string
				Expr        string
				For         string
				Labels      map[string]string
				Annotations map[string]string
			}
		}
	}
	rules := yaml.NewDecoder(bytes.NewReader(read(t, "deploy", "alerts.yml")))
	rules.KnownFields(true)
	if err := rules.Decode(&file); err != nil {
		t.Fatal(err)
	}
	docs := string(read(t, "docs", "operations.md"))
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			if err := judge(p, rule.Expr); err != nil {
				t.Errorf("%s: %s: %v", rule.Alert, rule.Expr, err)
			}
			if s := rule.Labels["severity"]; s != "page" && s != "ticket" {
				t.Errorf("%s has the severity %q", rule.Alert, s)
			}
			if rule.For != "" && !regexp.MustCompile(`^\d+[mh]$`).MatchString(rule.For) {
				t.Errorf("%s waits for %q", rule.Alert, rule.For)
			}
			if rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" || !strings.Contains(docs, "`"+rule.Alert+"`") {
				t.Errorf("%s is not explained", rule.Alert)
			}
		}
	}
	if len(file.Groups) != 1 || len(file.Groups[0].Rules) < 10 {
		t.Errorf("got %+v", file)
	}
}

// docs/operations.md has a line for each metric, and for no other.
func TestMetricsAreDocumented(t *testing.T) {
	p := everything(t)
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(rollcall_[a-z_]+)").FindAllSubmatch(read(t, "docs", "operations.md"), -1) {
		documented[string(m[1])] = true
		if p.families[string(m[1])] == nil {
			t.Errorf("there is no %s", m[1])
		}
	}
	for name := range p.families {
		if strings.HasPrefix(name, "rollcall_") && !documented[name] {
			t.Errorf("%s is not in docs/operations.md", name)
		}
	}
}

// What judge is to find.
func TestJudge(t *testing.T) {
	p := everything(t)
	for expr, want := range map[string]string{
		`rollcall_gaps_open`: "",
		`sum by (le) (rate(rollcall_commit_records_bucket[5m])) > 1e9`: "",
		`rollcall_gap_open`:                      "there is no metric rollcall_gap_open",
		`rollcall_gaps_open_sum`:                 "there is no metric rollcall_gaps_open_sum",
		`rates(rollcall_gaps_open[5m])`:          "there is no metric rates",
		`rate(rollcall_gaps_open[5 minutes])`:    "a range is none",
		`sum(rollcall_gaps_open`:                 "() do not match",
		`rollcall_gateway_state{state="online"}`: "rollcall_gateway_state has no state of online",
		`rollcall_gaps_open{user="1"}`:           "rollcall_gaps_open has no user of 1",
		`sum by (user) (rollcall_gaps_open)`:     "nothing has the label user",
		`time()`:                                 "there is no metric",
	} {
		got := ""
		if err := judge(p, expr); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", expr, got, want)
		}
	}
}
