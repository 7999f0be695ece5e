package curatore_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Nothing leaves a goroutine behind: not an import that fails, is cancelled or
// panics, nor a database that is closed meanwhile.
func TestMain(m *testing.M) {
	becomeWorker() // does not return in a process that another test has started
	goleak.VerifyTestMain(m)
}
