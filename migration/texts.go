package migration

import "strings"

// textBlock is how many bytes of texts are kept together.
const textBlock = 64 << 10

// texts keeps what people wrote apart from the lines that it stands in, so that
// these, thrice as long, need not stay in memory until it is stored.
type texts struct{ block *strings.Builder }

// keep returns a copy of s. The copies share blocks, which stay in memory as long
// as any of them does.
func (t *texts) keep(s string) string {
	if len(s) == 0 {
		return ""
	}
	if len(s) >= textBlock/4 {
		return strings.Clone(s)
	}
	if t.block == nil || t.block.Cap()-t.block.Len() < len(s) {
		t.block = new(strings.Builder)
		t.block.Grow(textBlock)
	}
	start := t.block.Len()
	t.block.WriteString(s)
	return t.block.String()[start:]
}
