package curatore

import (
	"context"
	"fmt"
	"strings"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// An ImportSchedule starts imports of an instance of a connection at times of the
// day, for each organization that has stored settings for it ([Organization.Configure]).
// While an import that it has started is live, it starts no other for that
// organization. How many processes have it does not matter.
type ImportSchedule struct {
	Connection string
	Instance   string // "" is the only one
	Cron       string // such as "30 2 * * *", or @hourly, @daily, @weekly
	Zone       string // an IANA time zone; "" is UTC
}

// schedule declares the schedules. The jobs service reports what is wrong with
// their times when it starts.
func (c *Curator) schedule() error {
	for i, s := range c.config.Schedules {
		job := c.importRuns[s.Connection]
		if job == nil {
			_, err := c.connection(s.Connection)
			return fmt.Errorf("schedule %d: %w", i+1, err)
		}
		job.Schedule(jobs.Schedule{
			Name: scheduleName(s), Cron: s.Cron, Zone: s.Zone, Options: jobs.Options{Label: "scheduled", ResourceID: s.Connection},
			Organizations: func(ctx context.Context, tx *database.Tx) (ids []string, err error) {
				err = tx.Select(ctx, &ids, "SELECT organization_id FROM connection_settings WHERE connection = ? AND instance = ? ORDER BY 1", s.Connection, s.Instance)
				return ids, err
			},
		}, importConfig{Options: connectors.Options{Instance: s.Instance}})
	}
	return nil
}

// scheduleName is made of names, of which an instance may have any text.
func scheduleName(s ImportSchedule) string {
	name := "import_" + s.Connection
	if s.Instance == "" {
		return name
	}
	return name + "-" + strings.ToLower(fmt.Sprintf("%x", s.Instance))[:min(40, 2*len(s.Instance))]
}
