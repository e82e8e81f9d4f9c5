package backup

import (
	"context"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// window is how much is written before the system is told to bring it to disk. At most
// two of them wait to be written at a time, which is what somebody else's sync may have
// to wait for: some ten milliseconds on a cheap disk.
const window = 1 << 20

// Throttled returns a writer to the end of a file that is large and not urgent. It brings
// to disk what it writes, bit by bit: what gathers in the system's memory would be in
// front of whoever syncs something small on the same disk, and come all at once when
// the file is synced. After each bit it rests for as long as that took.
func Throttled(ctx context.Context, f *os.File) io.Writer {
	return &behind{ctx: ctx, f: f, since: time.Now()}
}

type behind struct {
	ctx    context.Context
	f      *os.File
	length int64 // what is written
	begun  int64 // up to where the system was told
	since  time.Time
}

func (b *behind) Write(p []byte) (int, error) {
	n, err := b.f.Write(p)
	b.length += int64(n)
	if err != nil || b.length-b.begun < window {
		return n, err
	}
	// These are hints: a file system that knows none of it is written to as ever.
	fd := int(b.f.Fd())
	unix.SyncFileRange(fd, b.begun, b.length-b.begun, unix.SYNC_FILE_RANGE_WRITE)
	if b.begun > 0 {
		before := max(0, b.begun-window)
		unix.SyncFileRange(fd, before, b.begun-before, unix.SYNC_FILE_RANGE_WAIT_BEFORE|unix.SYNC_FILE_RANGE_WRITE|unix.SYNC_FILE_RANGE_WAIT_AFTER)
	}
	b.begun = b.length
	rest := time.NewTimer(min(time.Since(b.since), time.Second))
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-b.ctx.Done():
		return n, b.ctx.Err()
	}
	b.since = time.Now()
	return n, nil
}
