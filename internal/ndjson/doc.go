// Package ndjson reads files of lines: plain, .gz or .zst, from any place on.
//
//	f, err := ndjson.Open(ctx, "info.jsonl.gz")
//	lines, err := f.Lines(offset)
//	for {
//		line, err := lines.Next() // io.EOF at the end
//	}
//
// Offsets count decompressed bytes, so that a place in a file stays the same
// place when the file is compressed later. A line ends with "\n" or "\r\n",
// neither of which is part of its text. What stands behind the last "\n" is
// handed out as an unfinished line: whether it counts is for the caller to say.
//
// A line is at most MaxLine bytes long. Of a longer one only the place is
// told, and the reader goes on behind it without ever holding it; Reader.PartLong
// finds what may still be of use at its end. An open file
// holds a buffer as large as the longest line since it was last emptied, and
// the lines handed out share the memory of the block they were read in (256
// KiB, or one long line): who keeps one of them keeps its block.
//
// Where compressed input is cut short or damaged, the lines that could be
// decoded come first, then an error that wraps ErrCorrupt. A compressed file of no
// bytes is damaged; zeros behind the last member of a .gz end it.
package ndjson
