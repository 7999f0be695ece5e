package jobs

import (
	"context"
	"fmt"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// Replay starts a run again that failed, or timed out, for good: a new run of the
// same job with the same arguments, priority and unique key, whose ReplayOf is the
// old one. Query.DeadOnly lists those that can be replayed. A run is replayed
// once; what comes of it can be replayed in its turn. One that has not failed,
// was replayed before, or whose queue does not allow it, is content.ErrConflict.
func (s *Service) Replay(ctx context.Context, scope content.Scope, id string) (run *Run, err error) {
	organization, err := s.authority.Organization(scope)
	if err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		if err := tx.Lock(ctx, "jobs replay "+cleanText(id, maxName)); err != nil {
			return err
		}
		dead, err := s.get(ctx, tx, organization, id)
		if err != nil {
			return err
		}
		j := s.byType[dead.Type]
		var again int
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM runs WHERE replay_of = ? AND replay_of <> ''", id).Scan(&again); err != nil {
			return err
		}
		switch {
		case dead.Status != Failed && dead.Status != TimedOut:
			return fmt.Errorf("%w: run %s cannot be replayed, it is %s", content.ErrConflict, id, dead.Status)
		case j == nil:
			return fmt.Errorf("%w: there is no job %q any more to replay run %s", content.ErrConflict, dead.Type, id)
		case j.queue.NoReplay:
			return fmt.Errorf("%w: runs of queue %s cannot be replayed", content.ErrConflict, j.queue.Label)
		case again > 0:
			return fmt.Errorf("%w: run %s was replayed before; replay what came of it", content.ErrConflict, id)
		}
		o := Options{Label: dead.Label, ResourceID: dead.ResourceID, Priority: dead.Priority, UniqueKey: dead.UniqueKey, MaxAttempts: dead.MaxAttempts, TraceID: dead.TraceID}
		if run, err = s.insert(ctx, tx, organization, scope.Principal(), j, dead.Config, o, id); err != nil {
			return err
		}
		if run.Duplicate {
			return fmt.Errorf("%w: run %s is alive with the same unique key", content.ErrConflict, run.ID)
		}
		return s.tell(ctx, tx, told{organization, id, []note{newNote(s.now(), Info, EventReplayed, "replayed as run "+run.ID, map[string]string{"run": run.ID})}})
	})
	if err != nil {
		return nil, err
	}
	return run, nil
}
