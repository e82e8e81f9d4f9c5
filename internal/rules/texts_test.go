package rules

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"rollcall/store"
)

func TestStoresTexts(t *testing.T) {
	const stores, drops = `{"mode":"unrestricted","store_content":true}`, `{"mode":"unrestricted","store_content":false}`
	tests := map[string]struct {
		o     Options
		files map[string]string
		want  bool
	}{
		"all guilds":                          {want: true},
		"none":                                {o: Options{DropContent: true}},
		"none but one":                        {o: Options{DropContent: true}, files: map[string]string{"1.json": drops, "2.json": stores}, want: true},
		"one that is denied":                  {o: Options{DropContent: true, GuildsDeny: []store.ID{2}}, files: map[string]string{"2.json": stores}},
		"all that are allowed do not":         {o: Options{GuildsAllow: []store.ID{1}}, files: map[string]string{"1.json": drops, "2.json": stores}},
		"one that is allowed does":            {o: Options{DropContent: true, GuildsAllow: []store.ID{1}}, files: map[string]string{"1.json": stores}, want: true},
		"all but one":                         {files: map[string]string{"1.json": drops}, want: true},
		"a file that cannot be read, no more": {o: Options{DropContent: true}, files: map[string]string{"1.json": "{", "x.json": stores, "2.txt": stores}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.o.Log = slog.New(slog.DiscardHandler)
			if test.files != nil {
				test.o.ConfigDir = t.TempDir()
				for name, text := range test.files {
					if err := os.WriteFile(filepath.Join(test.o.ConfigDir, name), []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			r, err := New(test.o)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.StoresTexts(); got != test.want {
				t.Errorf("StoresTexts = %v", got)
			}
		})
	}
}
