package jsonscan_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"rollcall/internal/jsonscan"
)

// tree reads the next value of c as encoding/json does into an any, with numbers as they
// are written.
func tree(c *jsonscan.Cursor) any {
	switch c.Peek() {
	case '{':
		object := map[string]any{}
		c.Members(func(key string) { object[key] = tree(c) })
		return object
	case '[':
		list := []any{}
		c.Elements(func() { list = append(list, tree(c)) })
		return list
	}
	switch v := c.Value(); v.Kind {
	case jsonscan.Text:
		return v.Text()
	case jsonscan.Number:
		return json.Number(v.Raw)
	case jsonscan.Bool:
		return v.Raw == "true"
	}
	return nil
}

func standard(t *testing.T, text string) (v any, ok bool) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if d.Decode(&v) != nil || d.More() {
		return nil, false
	}
	return v, json.Valid([]byte(text))
}

// Whatever is JSON is read as encoding/json reads it, whole or skipped, and whatever is
// cut off is noticed.
func FuzzCursor(f *testing.F) {
	for _, text := range []string{
		`{"a":[1,-2.5e3,true,false,null,"x",{}],"b\u0041":{"c":"d"}}`, "[\n        {\n            \"indented\": [ ]\n        }\n]",
		`"\ud83d\ude00 \ud83d \n \" \\ 港"`, `[[[[[[[[[["deep"]]]]]]]]]]`, `{"a":1,"a":2}`, "\"\xff\xfe\"", `[]`, ` {} `, `12`, `{"a":"}]\"{"}`, `["12345678\\","1234567\""]`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := jsonscan.Cursor{S: text}
		got := tree(&c)
		skipped := jsonscan.Cursor{S: text}
		skipped.Skip()
		counted := jsonscan.Cursor{S: text}
		n := counted.Count()
		want, ok := standard(t, text)
		if _, number := want.(json.Number); !ok || number || want == true || want == false || want == nil {
			return // of which there might be more
		}
		if c.Bad || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q is %#v (bad: %v), want %#v", text, got, c.Bad, want)
		}
		if skipped.Bad || skipped.I != c.I {
			t.Errorf("%q is skipped up to %d (bad: %v), read up to %d", text, skipped.I, skipped.Bad, c.I)
		}
		if list, isList := want.([]any); isList && n != len(list) || counted.Bad {
			t.Errorf("%q has %d elements (bad: %v)", text, n, counted.Bad)
		}
		cut := jsonscan.Cursor{S: text[:c.I-1]}
		if tree(&cut); !cut.Bad {
			t.Errorf("%q is not found to be cut off", cut.S)
		}
		cut = jsonscan.Cursor{S: text[:c.I-1]}
		if cut.Skip(); !cut.Bad {
			t.Errorf("%q is skipped although it is cut off", cut.S)
		}
	})
}

func TestCursorIsBad(t *testing.T) {
	for _, text := range []string{"", " ", "{", "[", `{"a"`, `{"a":`, `{"a":1`, `[1`, `"a`, `{1:2}`, `{"a" 1}`, "[\x01]", "[\x00]", `[}`, `{]`, `nul`, `[tru]`, `"\x"`, "\"\n\"", "12"} {
		c := jsonscan.Cursor{S: text}
		if tree(&c); !c.Bad {
			t.Errorf("%q is read", text)
		}
		for range 3 { // a bad cursor stays where it is
			var key string
			if c.Member(&key) || c.Element(']') || c.Open('[') || c.Value().Kind != jsonscan.Absent {
				t.Errorf("%q goes on", text)
			}
		}
	}
}
