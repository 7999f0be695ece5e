package connectors_test

import (
	"testing"

	"go.uber.org/goleak"
)

// No import leaves a goroutine behind, however it ends.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
