package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/config"
)

func TestSecretNeverShown(t *testing.T) {
	const text = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.secret"
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(aKey), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := load(t, map[string]string{"TOKEN": text, "ENCRYPTION_KEY_FILE": file})
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "secret", c.Token, "config", c)
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "secret", c.Token, "config", c)
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	table, err := json.Marshal(c.Variables())
	if err != nil {
		t.Fatal(err)
	}
	hiding := struct{ inner config.Config }{c} // fmt does not ask the methods of what it cannot export
	shown := map[string]string{"slog": logged.String(), "json": string(encoded), "table": string(table)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%U", "%p", "%10v", "%.3s"} {
		shown[verb] = fmt.Sprintf(verb, c.Token) + fmt.Sprintf(verb, &c.Token) + fmt.Sprintf(verb, c) + fmt.Sprintf(verb, hiding)
	}
	for how, s := range shown {
		if strings.Contains(s, aKey) || strings.Contains(s, "48 49 50") || strings.Contains(s, "0123456789abcdef") || strings.Contains(s, "303132") {
			t.Errorf("%s shows the key: %s", how, s)
		}
		if strings.Contains(s, "MTk4") || strings.Contains(s, fmt.Sprintf("%x", text)) || strings.Contains(s, "secret\"") && how[0] == '%' {
			t.Errorf("%s shows it: %s", how, s)
		}
	}
	if c.Token.Reveal() != text || c.Token.String() != "(hidden)" {
		t.Errorf("got %q, shown as %q", c.Token.Reveal(), c.Token)
	}
	if s := (config.Secret{}).String(); s != "" {
		t.Errorf("an empty one is shown as %q", s)
	}
}
