package cjk

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const idle = time.Minute

// TestLetGo shows that a dictionary that nobody needs is let go, that one which
// a Segmenter still has is found again, and that the memory comes back.
func TestLetGo(t *testing.T) {
	dictionaries()                        // are another's; what they take is there before
	synctest.Test(t, func(t *testing.T) { // its clock goes on when all wait
		before := heap()
		d := New(idle)
		s := d.NewSegmenter()
		if used := int64(heap()) - int64(before); used > 1<<20 {
			t.Errorf("%d KiB in use before anything was cut", used>>10)
		}

		s.Chinese(nil, "今天")
		s.Japanese(nil, "今日")
		used := heap() - before
		t.Logf("%d KiB in use with both dictionaries", used>>10)
		if used > 32<<20 {
			t.Errorf("%d KiB in use with both dictionaries", used>>10)
		}

		<-time.After(idle - time.Second)
		d.NewSegmenter().Chinese(nil, "今天") // not idle
		<-time.After(idle - time.Second)
		if chinese, japanese := d.holds(); !chinese || !japanese {
			t.Fatal("let go though not idle")
		}
		<-time.After(2 * time.Second)
		synctest.Wait()
		if chinese, japanese := d.holds(); chinese || japanese {
			t.Fatal("not let go though idle")
		}

		again := d.NewSegmenter()
		again.Chinese(nil, "今天")
		if again.chinese != s.chinese {
			t.Error("read again though a Segmenter has it")
		}
		<-time.After(2 * idle)
		synctest.Wait()

		s, again = nil, nil
		if left := int64(heap()) - int64(before); left > 1<<20 {
			t.Errorf("%d KiB in use after all was let go", left>>10)
		}
		if d.chinese.seen.Value() != nil || d.japanese.seen.Value() != nil {
			t.Error("a dictionary is held by somebody")
		}

		s = d.NewSegmenter()
		if got := pieces("今天晚上", s.Chinese(nil, "今天晚上")); got != "今天 晚上" {
			t.Errorf("read again: %s", got)
		}
		<-time.After(2 * idle)
		runtime.KeepAlive(s)
	})
}

// holds says which dictionaries are held for the next Segmenter.
func (d *Dictionaries) holds() (chinese, japanese bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.chinese.held != nil, d.japanese.held != nil
}

// heap returns the bytes that are in use.
func heap() uint64 {
	runtime.GC()
	runtime.GC() // what the first one finalized
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestTogether has many cut while the dictionaries come and go.
func TestTogether(t *testing.T) {
	d := New(time.Nanosecond)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				s := d.NewSegmenter()
				if got := pieces("今天晚上", s.Chinese(nil, "今天晚上")); got != "今天 晚上" {
					t.Errorf("chinese: %s", got)
				}
				if got := pieces("東京に", s.Japanese(nil, "東京に")); got != "東京 (に)" {
					t.Errorf("japanese: %s", got)
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkRead is what the first message in a language waits for. What is read
// is let go at once.
func BenchmarkRead(b *testing.B) {
	b.Run("chinese", func(b *testing.B) {
		for b.Loop() {
			New(time.Nanosecond).takeChinese()
		}
	})
	b.Run("japanese", func(b *testing.B) {
		for b.Loop() {
			New(time.Nanosecond).takeJapanese()
		}
	})
}
