#!/usr/bin/env bash
# klauspost/compress: which error a zstd frame gives that needs more memory than is allowed
#   depends on how the frame is written, and one of the two speaks of something else
#
# One would guess: with WithDecoderMaxWindow, a frame that needs a larger window fails with
#   ErrWindowSizeExceeded.
# What really happens: so it does where the frame has a window descriptor. A frame of one
#   segment, whose window is its content (as the zstd tool writes for a file whose size it
#   knows, with --long), gives ErrDecoderSizeExceeded instead: "decompressed size exceeds
#   configured limit", though no limit of that is configured and its own is 64 GiB. Who looks
#   for the first alone takes such a file for a damaged one.
# Version: github.com/klauspost/compress v1.20.3
# Output seen on 2026-11-28:
#   a window of 256 MiB: window size exceeded
#   one segment of 200 MiB: decompressed size exceeds configured limit
#   one segment of 100 MiB: 104857600 bytes
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >go.mod <<'EOF'
module finding
go 1.26
EOF
cat >main.go <<'EOF'
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"log"

	"github.com/klauspost/compress/zstd"
)

const block = 128 << 10 // the greatest block

// zeros appends n bytes of zeros as blocks that repeat one byte.
func zeros(frame []byte, n int) []byte {
	for ; n > 0; n -= block {
		head := uint32(min(n, block))<<3 | 1<<1
		if n <= block {
			head |= 1 // the last one
		}
		frame = append(frame, byte(head), byte(head>>8), byte(head>>16), 0)
	}
	return frame
}

// windowed is a frame of one block with a window descriptor.
func windowed(log2 int) []byte {
	return zeros([]byte{0x28, 0xb5, 0x2f, 0xfd, 0, byte(log2-10) << 3}, 1)
}

// segment is a frame of one segment of n zeros.
func segment(n int) []byte {
	return zeros(binary.LittleEndian.AppendUint32([]byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0}, uint32(n)), n)
}

func main() {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range []struct {
		name  string
		frame []byte
	}{
		{"a window of 256 MiB", windowed(28)},
		{"one segment of 200 MiB", segment(200 << 20)},
		{"one segment of 100 MiB", segment(100 << 20)},
	} {
		err := d.Reset(bytes.NewReader(f.frame))
		n := int64(0)
		if err == nil {
			n, err = io.Copy(io.Discard, struct{ io.Reader }{d})
		}
		if err != nil {
			fmt.Printf("%s: %v\n", f.name, err)
		} else {
			fmt.Printf("%s: %d bytes\n", f.name, n)
		}
	}
}
EOF
go get github.com/klauspost/compress@v1.20.3 2>/dev/null
go mod tidy 2>/dev/null
go run . | tee seen
diff - seen <<'EOF'
a window of 256 MiB: window size exceeded
one segment of 200 MiB: decompressed size exceeds configured limit
one segment of 100 MiB: 104857600 bytes
EOF
