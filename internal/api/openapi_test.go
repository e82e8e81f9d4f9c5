package api_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"rollcall/internal/api"
	"rollcall/internal/health"
	"rollcall/internal/metrics"
	"rollcall/store"
)

// document is what the tests read of the OpenAPI document.
type document struct {
	Paths      map[string]map[string]operation // by path and method
	Components struct {
		Parameters map[string]parameter
	}
}

type operation struct {
	Parameters []struct {
		Ref string `json:"$ref"`
	}
	Responses map[string]struct {
		Content map[string]any
		Headers map[string]any
	}
}

type parameter struct {
	Name, In string
	Required bool
	Schema   struct {
		Ref              string `json:"$ref"`
		Type             string
		Minimum, Maximum *int
		Enum             []string
	}
	Example string
}

// described returns the document as the server gives it, and a function that
// compiles the schema at a place in it.
func described(t *testing.T, base string) (document, func(pointer ...string) *jsonschema.Schema) {
	t.Helper()
	response, text := fetch(t, base+"/v1/openapi.json", nil)
	if response.StatusCode != 200 {
		t.Fatal(response.Status)
	}
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("openapi.json", whole); err != nil {
		t.Fatal(err)
	}
	return d, func(pointer ...string) *jsonschema.Schema {
		t.Helper()
		at := "openapi.json#"
		for _, part := range pointer {
			at += "/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(part))
		}
		schema, err := compiler.Compile(at)
		if err != nil {
			t.Fatal(err)
		}
		return schema
	}
}

func fetch(t *testing.T, target string, header map[string]string) (*http.Response, []byte) {
	t.Helper()
	request, err := http.NewRequest("GET", target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	client := http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, text
}

// Every route is described, and nothing else is; every question, with every parameter,
// is answered as it is described, and so is what it refuses.
func TestOpenAPI(t *testing.T) {
	db, log := filled(t), slog.New(slog.DiscardHandler)
	vitals := health.New(health.Sources{Store: db})
	s := api.New(api.Options{Store: db, Vitals: vitals, Metrics: metrics.New(vitals, log).Handler(), Log: log,
		Reader: func(context.Context, store.ID, store.ID) (func(store.ID) bool, error) {
			return func(store.ID) bool { return true }, nil
		}})
	address, _ := tcp(t, s.Socket())
	base := "http://" + address
	d, schema := described(t, base)
	var routes []string
	used := map[string]bool{}
	for path, operations := range d.Paths {
		for method, o := range operations {
			routes = append(routes, strings.ToUpper(method)+" "+path)
			for _, p := range o.Parameters {
				used[p.Ref[strings.LastIndex(p.Ref, "/")+1:]] = true
			}
			if method == "get" {
				askEverything(t, base, path, o, d.Components.Parameters, schema)
			}
		}
	}
	served := api.Routes()
	slices.Sort(served)
	if slices.Sort(routes); !slices.Equal(served, routes) {
		t.Errorf("served    %q\ndescribed %q", served, routes)
	}
	for name := range d.Components.Parameters {
		if !used[name] {
			t.Errorf("parameter %s is described and used nowhere", name)
		}
	}
}

func askEverything(t *testing.T, base, path string, o operation, parameters map[string]parameter, schema func(...string) *jsonschema.Schema) {
	target, query, required := path, map[string]parameter{}, url.Values{}
	for _, ref := range o.Parameters {
		p := parameters[ref.Ref[strings.LastIndex(ref.Ref, "/")+1:]]
		if p.In == "path" {
			target = strings.Replace(target, "{"+p.Name+"}", p.Example, 1)
		} else {
			query[p.Name] = p
			if p.Required {
				required.Set(p.Name, p.Example)
			}
		}
	}
	check := func(query string) {
		t.Helper()
		what := target + "?" + query
		response, text := fetch(t, base+what, nil)
		kind := response.Header.Get("Content-Type")
		if response.StatusCode != 200 || o.Responses["200"].Content[kind] == nil {
			t.Errorf("%s: got %s of type %q: %s", what, response.Status, kind, text)
			return
		}
		for name := range o.Responses["200"].Headers {
			if response.Header.Get(name) == "" && name != "Link" {
				t.Errorf("%s: no header %s", what, name)
			}
		}
		conforms(t, what, schema("paths", path, "get", "responses", "200", "content", kind, "schema"), kind, text)
	}
	check(required.Encode())
	for _, name := range api.Parameters() {
		p, described := query[name]
		if strings.HasPrefix(path, "/v1") && !described {
			response, text := fetch(t, base+target+"?"+name+"=1", nil)
			refused(t, target+"?"+name, response, text, schema("components", "schemas", "Problem"))
		}
		for _, value := range valuesOf(p) {
			values := maps.Clone(required)
			values.Set(name, value)
			check(values.Encode())
		}
	}
}

// valuesOf returns values that a parameter may have, its bounds among them.
func valuesOf(p parameter) []string {
	switch {
	case p.Name == "":
		return nil
	case p.Name == "cursor":
		return nil // TestMessagesPaging follows them
	case p.Schema.Type == "integer":
		return []string{fmt.Sprint(*p.Schema.Minimum), fmt.Sprint(*p.Schema.Maximum)}
	case p.Schema.Type == "boolean":
		return []string{"true", "false"}
	case len(p.Schema.Enum) > 0:
		return p.Schema.Enum
	case p.Example != "":
		return []string{p.Example}
	}
	return []string{map[string]string{"user": "bert", "guild": "My Guild", "channel": "general"}[p.Name]}
}

// conforms checks an answer, of JSON lines each.
func conforms(t *testing.T, what string, schema *jsonschema.Schema, kind string, text []byte) {
	t.Helper()
	var values [][]byte
	switch kind {
	case "application/json":
		values = [][]byte{text}
	case "application/x-ndjson":
		for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
			values = append(values, bytes.Clone(lines.Bytes()))
		}
	default:
		quoted, _ := json.Marshal(string(text))
		values = [][]byte{quoted}
	}
	if len(values) == 0 {
		t.Errorf("%s: nothing to check", what)
	}
	for _, value := range values {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(value))
		if err == nil {
			err = schema.Validate(v)
		}
		if err != nil {
			t.Errorf("%s: %v\n%s", what, err, value)
		}
	}
}

func refused(t *testing.T, what string, response *http.Response, text []byte, schema *jsonschema.Schema) {
	t.Helper()
	if response.StatusCode != 400 || !strings.Contains(string(text), "no such parameter") || response.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: got %s %s", what, response.Status, text)
	}
	conforms(t, what, schema, "application/json", text)
}
