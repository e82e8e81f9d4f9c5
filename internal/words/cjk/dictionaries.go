package cjk

import (
	"fmt"
	"sync"
	"time"
	"weak"
)

// Dictionaries owns the dictionaries: it reads one when it is first needed and
// lets it go when it is idle. Safe for concurrent use.
type Dictionaries struct {
	idle time.Duration

	mu       sync.Mutex
	timer    *time.Timer // nil until a dictionary is needed
	chinese  shelf[chinese]
	japanese shelf[japanese]
}

// shelf holds a dictionary that may have been let go.
type shelf[T any] struct {
	held *T
	// seen finds it again if a Segmenter still has it, so that there never are two.
	seen weak.Pointer[T]
}

// New returns dictionaries of which none is read yet. One that no Segmenter has
// come to need for as long as idle is let go; its memory is free once the
// Segmenters that have used it are gone too.
func New(idle time.Duration) *Dictionaries { return &Dictionaries{idle: idle} }

// NewSegmenter returns a Segmenter. It costs nothing until it is used.
func (d *Dictionaries) NewSegmenter() *Segmenter { return &Segmenter{dictionaries: d} }

func (d *Dictionaries) takeChinese() *chinese {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.touch()
	return d.chinese.take(chineseFile, readChinese)
}

func (d *Dictionaries) takeJapanese() *japanese {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.touch()
	return d.japanese.take(japaneseFile, readJapanese)
}

// touch starts the time of idleness anew.
func (d *Dictionaries) touch() {
	if d.timer == nil {
		d.timer = time.AfterFunc(d.idle, d.letGo)
		return
	}
	d.timer.Reset(d.idle)
}

func (d *Dictionaries) letGo() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.chinese.held, d.japanese.held = nil, nil
}

func (s *shelf[T]) take(file []byte, read func([]byte) (*T, error)) *T {
	if s.held == nil {
		s.held = s.seen.Value()
	}
	if s.held == nil {
		data, err := unpack(file)
		if err == nil {
			s.held, err = read(data)
		}
		if err != nil {
			panic(fmt.Sprintf("embedded dictionary: %v", err)) // the tests read what is embedded
		}
		s.seen = weak.Make(s.held)
	}
	return s.held
}
