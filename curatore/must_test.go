package curatore_test

import (
	"io/fs"
	"testing"

	"github.com/curatore/curatore-go/curatore"
)

func TestMust(t *testing.T) {
	if got := curatore.Must(5, nil); got != 5 {
		t.Error(got)
	}
	defer func() {
		if err := recover(); err != fs.ErrNotExist {
			t.Errorf("it panicked with %v", err)
		}
	}()
	curatore.Must(5, fs.ErrNotExist)
	t.Error("it went on")
}
