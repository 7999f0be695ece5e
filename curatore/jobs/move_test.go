package jobs

import (
	"errors"
	"testing"

	"github.com/curatore/curatore-go/content"
)

// Whatever changes the status of a run asks the state machine first, before it comes
// near the database.
func TestNoOtherMoves(t *testing.T) {
	var s Service
	for _, from := range Statuses() {
		for _, to := range Statuses() {
			if from.CanBecome(to) {
				continue
			}
			if _, err := s.move(t.Context(), nil, move{id: "a", from: from, to: to}); !errors.Is(err, content.ErrConflict) {
				t.Errorf("from %s to %s: %v, want content.ErrConflict", from, to, err)
			}
		}
	}
	if err := s.tryFinish(t.Context(), []*finish{{to: Completed}, {to: Running}}); !errors.Is(err, content.ErrConflict) {
		t.Errorf("an end that is none: %v, want content.ErrConflict", err)
	}
}
