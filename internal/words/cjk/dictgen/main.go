package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

func main() {
	for name, generate := range generators() {
		data, err := generate()
		if err == nil {
			err = os.WriteFile(filepath.Join("..", "data", name), compress(data), 0o644)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "dictgen: %s: %v\n", name, err)
			os.Exit(1)
		}
	}
}

// generators has for each file what makes it.
func generators() map[string]func() ([]byte, error) {
	return map[string]func() ([]byte, error){
		"chinese.dict.zst":  chinese,
		"japanese.dict.zst": japanese,
	}
}

// compress takes seconds and saves every user a megabyte.
func compress(data []byte) []byte {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(8<<20))
	if err != nil {
		panic(err) // the options are constants
	}
	return w.EncodeAll(data, nil)
}
