package api_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// unpack undoes a content coding.
func unpack(coding string, packed []byte) (text []byte, err error) {
	var from io.Reader = bytes.NewReader(packed)
	switch coding {
	case "gzip":
		if from, err = gzip.NewReader(from); err != nil {
			return nil, err
		}
	case "zstd":
		decoder, err := zstd.NewReader(from)
		if err != nil {
			return nil, err
		}
		defer decoder.Close()
		from = decoder
	}
	return io.ReadAll(from)
}

// Long answers are compressed as the caller wants them, and are the same then.
func TestCompression(t *testing.T) {
	db := storetest.New(t, store.Options{})
	var batch store.Batch
	for i := range 3000 {
		batch.Records = append(batch.Records, store.Record{
			Guild: guildA, User: anna, Time: at(i), Message: snowflake(at(i), 0), Channel: store.Channel{ID: 1, Name: "c"},
			Content: fmt.Sprint("text ", i), Source: store.SourceLive,
		})
	}
	if _, err := db.Put(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	address, _ := tcp(t, server(db, "").Socket())
	for _, path := range []string{"/v1/export", "/v1/export?format=csv", "/v1/guilds/111111111111111111/messages?limit=1000"} {
		_, plain := fetch(t, "http://"+address+path, nil)
		for accept, want := range map[string]string{
			"": "", "identity": "", "br": "", "gzip": "gzip", "zstd": "zstd", "gzip, zstd": "zstd", "gzip;q=0.9, zstd;q=0.1": "gzip",
			"gzip;q=0": "", "gzip;q=0, zstd;q=0": "", "zstd;q=0, gzip": "gzip", "GZIP": "gzip", "deflate, gzip, br": "gzip",
			"gzip;q=nonsense": "", ";;;,,,": "", strings.Repeat("gzip;q=0.1,", 500): "gzip",
		} {
			response, body := fetch(t, "http://"+address+path, map[string]string{"Accept-Encoding": accept, "TE": "trailers"})
			coding := response.Header.Get("Content-Encoding")
			text, err := unpack(coding, body)
			if response.StatusCode != 200 || coding != want || err != nil || !bytes.Equal(text, plain) {
				t.Errorf("%s, Accept-Encoding: %.40s: got %s, coding %q, %d bytes of %d, %v", path, accept, response.Status, coding, len(text), len(plain), err)
			}
			if response.Header.Get("Vary") != "Accept-Encoding" || coding != "" && len(body) > len(plain)/3 {
				t.Errorf("%s, Accept-Encoding: %.40s: %v, %d bytes of %d", path, accept, response.Header, len(body), len(plain))
			}
		}
	}
	response, _ := fetch(t, "http://"+address+"/v1/nothing", map[string]string{"Accept-Encoding": "gzip"})
	if response.StatusCode != 404 || response.Header.Get("Content-Encoding") != "" {
		t.Errorf("a problem: got %s %v", response.Status, response.Header)
	}
	response, err := http.Head("http://" + address + "/v1/export")
	if err != nil || response.StatusCode != 200 || response.Header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("HEAD: %v, %v", response, err)
	}
}
