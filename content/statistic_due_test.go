package content_test

import (
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
)

// A statistic about what lies ahead needs a time and a number of days.
func TestDueStatistics(t *testing.T) {
	type bid struct {
		content.Record
		Key   string     `db:"bid_key" content:"key,title"`
		Due   *time.Time `db:"due" content:"filter"`
		Plain *time.Time `db:"plain"`
	}
	for name, c := range map[string]struct {
		st content.Statistic
		ok bool
	}{
		"right":        {content.Statistic{Name: "x", Due: "due", Days: 7}, true},
		"no days":      {content.Statistic{Name: "x", Due: "due"}, false},
		"no field":     {content.Statistic{Name: "x", Days: 7}, false},
		"no time":      {content.Statistic{Name: "x", Due: "bid_key", Days: 7}, false},
		"no filter":    {content.Statistic{Name: "x", Due: "plain", Days: 7}, false},
		"unknown":      {content.Statistic{Name: "x", Due: "due_at", Days: 7}, false},
		"the negative": {content.Statistic{Name: "x", Due: "due", Days: -1}, false},
	} {
		_, err := content.NewRegistry(content.Define(content.Spec[bid]{Name: "bid", Label: "Bid", Group: "bids", Statistics: []content.Statistic{c.st}}))
		if (err == nil) != c.ok || err != nil && !strings.Contains(err.Error(), "Due is a time") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
