package tracker

import (
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"

	"rollcall/store"
)

type member struct{ key, value string }

func members(object string) ([]member, error) {
	var all []member
	err := walk([]byte(object), func(key, value []byte) error {
		all = append(all, member{string(key), string(value)})
		return nil
	})
	return all, err
}

func TestWalk(t *testing.T) {
	tests := map[string]struct {
		in   string
		want []member
		bad  bool
	}{
		"empty":           {in: `{}`},
		"spaces":          {in: " \t\r\n{ \"a\" : 1 , \"b\" : [ ] } ", want: []member{{"a", "1"}, {"b", "[ ]"}}},
		"every kind":      {in: `{"a":"x","b":-1.5e+9,"c":true,"d":false,"e":null,"f":{},"g":[]}`, want: []member{{"a", `"x"`}, {"b", "-1.5e+9"}, {"c", "true"}, {"d", "false"}, {"e", "null"}, {"f", "{}"}, {"g", "[]"}}},
		"nested":          {in: `{"a":{"b":[{"c":"}"},"]"]},"d":2}`, want: []member{{"a", `{"b":[{"c":"}"},"]"]}`}, {"d", "2"}}},
		"quotes":          {in: `{"a":"\"","b":"\\","c":"\\\"}","d\"":1}`, want: []member{{"a", `"\""`}, {"b", `"\\"`}, {"c", `"\\\"}"`}, {`d\"`, "1"}}},
		"the same twice":  {in: `{"a":1,"a":2}`, want: []member{{"a", "1"}, {"a", "2"}}},
		"nothing":         {in: ``, bad: true},
		"spaces alone":    {in: `  `, bad: true},
		"a list":          {in: `[]`, bad: true},
		"null":            {in: `null`, bad: true},
		"two objects":     {in: `{}{}`, bad: true},
		"no end":          {in: `{"a":1`, bad: true},
		"no end of text":  {in: `{"a":"b}`, bad: true},
		"no end of key":   {in: `{"a`, bad: true},
		"no end of list":  {in: `{"a":[1,{"b":2}`, bad: true},
		"no value":        {in: `{"a":}`, bad: true},
		"no value at all": {in: `{"a":`, bad: true},
		"no colon":        {in: `{"a" 1}`, bad: true},
		"no comma":        {in: `{"a":1 "b":2}`, bad: true},
		"a comma more":    {in: `{"a":1,}`, bad: true},
		"a bare key":      {in: `{a:1}`, bad: true},
		"a bare slash":    {in: `{"a":\}`, bad: true},
		"only an opening": {in: `{`, bad: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := members(test.in)
			if (err != nil) != test.bad {
				t.Fatalf("error %v", err)
			}
			if err == nil && !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// On whatever is JSON, walk agrees with encoding/json; on whatever is not, it does
// not panic.
func FuzzWalk(f *testing.F) {
	for _, in := range []string{
		`{"a":{"b":[1,"]"]},"c":"\\\"","d":-1.5e9,"":null}`, `{"a":"\ud800","id":"1"}`, `[1,[2,"]"],{}]`, ` {} `, `{"a":1}{`, `"x"`, "{\"a\":\"\xff\"}",
	} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		got := make(map[string]string)
		plain := true
		err := walk(in, func(key, value []byte) error {
			plain = plain && isPlain(key)
			got[string(key)] = string(value)
			return nil
		})
		n := countElements(in)
		var list []json.RawMessage
		if json.Unmarshal(in, &list) == nil && len(in) > 0 && in[0] == '[' && n != len(list) {
			t.Errorf("%d elements, want %d", n, len(list))
		}
		var want map[string]json.RawMessage
		if json.Unmarshal(in, &want) != nil || want == nil {
			if err == nil && json.Valid(in) {
				t.Error("taken for an object")
			}
			return
		}
		if err != nil {
			t.Fatalf("not taken for an object: %v", err)
		}
		if !plain {
			return
		}
		if len(got) != len(want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		for key, value := range want {
			if got[key] != string(value) {
				t.Errorf("%q is %q, want %q", key, got[key], value)
			}
			var s, w string
			gotErr, wantErr := readString([]byte(got[key]), &s), json.Unmarshal(value, &w)
			if (gotErr != nil) != (wantErr != nil) || gotErr == nil && (s != w || !utf8.ValidString(s)) {
				t.Errorf("%q read as text is %q %v, want %q %v", value, s, gotErr, w, wantErr)
			}
			var id, wantID store.ID
			gotErr, wantErr = readID([]byte(got[key]), &id), json.Unmarshal(value, &wantID)
			if gotErr == nil && (wantErr != nil || id != wantID) {
				t.Errorf("%q read as an id is %v %v, want %v %v", value, id, gotErr, wantID, wantErr)
			}
		}
	})
}
