package disk_test

import (
	"path/filepath"
	"testing"

	"rollcall/internal/disk"
)

func TestFree(t *testing.T) {
	folder := t.TempDir()
	if free, err := disk.Free(folder); err != nil || free <= 0 {
		t.Errorf("a folder's disk has %d bytes: %v", free, err)
	}
	if free, err := disk.Free(filepath.Join(folder, "none", "none")); err == nil {
		t.Errorf("a path that is not there has %d bytes", free)
	}
}
