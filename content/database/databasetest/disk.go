package databasetest

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A Disk is a small disk that a test fills and empties.
type Disk struct {
	t       testing.TB
	ballast string
}

// Fill leaves no room on the disk.
func (d *Disk) Fill() {
	d.t.Helper()
	f, err := os.Create(d.ballast)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // its content is never read
	for page := make([]byte, 4096); err == nil; {
		_, err = f.Write(page)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		d.t.Fatalf("fill the disk: %v", err)
	}
}

// Free gives the room back.
func (d *Disk) Free() {
	d.t.Helper()
	if err := os.Remove(d.ballast); err != nil {
		d.t.Fatal(err)
	}
}

// newDisk returns the disk that is mounted on a folder.
func newDisk(t testing.TB, dir string) *Disk { return &Disk{t, filepath.Join(dir, "ballast")} }
