package store_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/store"
)

// keyText is the text of the key of 32 bytes n.
func keyText(n byte) string { return strings.Repeat(fmt.Sprintf("%02x", n), 32) }

// key returns the key of 32 bytes n.
func key(t testing.TB, n byte) store.Key {
	t.Helper()
	k, err := store.ParseKey(keyText(n))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestParseKey(t *testing.T) {
	secret := []byte("\xfb\xff\xfe and twenty-nine bytes behind it")[:32]
	want := store.NewKey()
	for _, text := range []string{
		base64.StdEncoding.EncodeToString(secret), base64.RawStdEncoding.EncodeToString(secret),
		base64.URLEncoding.EncodeToString(secret), base64.RawURLEncoding.EncodeToString(secret),
		hex.EncodeToString(secret), strings.ToUpper(hex.EncodeToString(secret)), "\t" + hex.EncodeToString(secret) + "\r\n",
	} {
		k, err := store.ParseKey(text)
		if err != nil || k.Encode() != base64.StdEncoding.EncodeToString(secret) {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if !want.IsSet() || k.ID() == want.ID() || len(k.ID()) != 8 {
			t.Errorf("ids %q and %q", k.ID(), want.ID())
		}
	}
	again, err := store.ParseKey(want.Encode())
	if err != nil || again.ID() != want.ID() || again.Encode() != want.Encode() {
		t.Errorf("a new key does not come back: %v", err)
	}
	for _, text := range []string{
		"", "secret", hex.EncodeToString(secret[:31]), hex.EncodeToString(secret) + "00", base64.StdEncoding.EncodeToString(secret[:31]),
		strings.Repeat("x", 64), strings.Repeat("=", 44), string(secret), hex.EncodeToString(secret) + "\n" + hex.EncodeToString(secret),
		base64.RawStdEncoding.EncodeToString(secret)[:42] + "/", // bits beyond the last byte
	} {
		if _, err := store.ParseKey(text); !errors.Is(err, store.ErrBadKey) || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%q: have %v", text, err)
		}
	}
}

// Whatever prints a key, or what it is in, shows its id at most.
func TestKeyIsNotShown(t *testing.T) {
	k := key(t, 0x5a)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{k, &k, store.Options{Key: k}, struct{ inner store.Options }{store.Options{Key: k}}} {
			shown := fmt.Sprintf(verb, v)
			for _, secret := range []string{"5a5a5a", "WlpaW", "90, 90", "90 90", "ZZZ", "0x5a, 0x5a"} {
				if strings.Contains(shown, secret) {
					t.Errorf("%s of %T: %s", verb, v, shown)
				}
			}
		}
	}
}

// A key that is missing, wrong or too many is found when the file is opened, told in
// one line and apart, and the file is not touched.
func TestOpenWithKey(t *testing.T) {
	folder := t.TempDir()
	plain, encrypted := filepath.Join(folder, "plain.db"), filepath.Join(folder, "encrypted.db")
	for path, k := range map[string]store.Key{plain: {}, encrypted: key(t, 1)} {
		db := openWith(t, path, store.Options{Key: k})
		if _, err := db.Put(t.Context(), store.Batch{Records: []store.Record{live(1, 2, 3, "x")}}); err != nil {
			t.Fatal(err)
		}
		if db.KeyID() != k.ID() {
			t.Errorf("%s says that its key is %q", path, db.KeyID())
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name, path string
		key        store.Key
		want       error
		text       string
	}{
		{"missing", encrypted, store.Key{}, store.ErrKeyMissing, "it is encrypted, with key " + key(t, 1).ID()},
		{"wrong", encrypted, key(t, 2), store.ErrKeyWrong, "it is encrypted with key " + key(t, 1).ID() + ", not with " + key(t, 2).ID()},
		{"too many", plain, key(t, 1), store.ErrNotEncrypted, "it is not encrypted"},
		{"right", encrypted, key(t, 1), nil, ""},
		{"none needed", plain, store.Key{}, nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := readFile(t, tc.path)
			db, err := store.Open(tc.path, store.Options{Key: tc.key})
			if err == nil {
				db.Close()
			}
			if !errors.Is(err, tc.want) {
				t.Fatalf("have %v", err)
			}
			if err != nil && err.Error() != fmt.Sprintf("open database %q: %s", tc.path, tc.text) {
				t.Errorf("have %v", err)
			}
			if string(readFile(t, tc.path)) != string(before) {
				t.Error("the file was changed")
			}
		})
	}
}
