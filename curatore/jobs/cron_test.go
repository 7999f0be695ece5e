package jobs

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// When the clocks are set forward, times that they leave out are not fired; when they
// are set back, each time of the day is fired once, and each hour that passes.
func TestSchedulesWhenClocksAreSet(t *testing.T) {
	for _, c := range []struct {
		name, cron, zone, after string
		want                    string // the next times
	}{
		{"an hour that comes twice", "30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "10-25T02:30+02 10-26T02:30+01 10-27T02:30+01"},
		{"the second of them has begun", "30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", "10-26T02:30+01"},
		{"several times in it", "*/30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "10-25T02:00+02 10-25T02:30+02 10-26T02:00+01"},
		{"each hour, twice too", "0 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", "10-25T02:00+01 10-25T03:00+01 10-25T04:00+01"},
		{"all hours by their numbers", "15 0-23 * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", "10-25T02:15+02 10-25T02:15+01 10-25T03:15+01"},
		{"an hour that does not come", "30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "03-30T02:30+02 03-31T02:30+02"},
		{"each hour, without it", "0 * * * *", "Europe/Berlin", "2026-03-28T23:30:00Z", "03-29T01:00+01 03-29T03:00+02"},
		{"midnight comes twice", "30 23 * * *", "America/Santiago", "2026-04-04T12:00:00Z", "04-04T23:30-03 04-05T23:30-04"},
		{"midnight does not come", "0 0 * * *", "America/Santiago", "2026-09-05T12:00:00Z", "09-07T00:00-03"},
		{"half an hour comes twice", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", "04-05T01:45+11 04-06T01:45+10"},
		{"no clocks are set", "30 2 * * *", "", "2026-10-24T12:00:00Z", "10-25T02:30Z 10-26T02:30Z"},
		{"a pause", "@every 90m", "Europe/Berlin", "2026-10-24T23:30:00Z", "10-25T02:00+01 10-25T03:30+01"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sc := schedule{}
			var err error
			if sc.zone, err = time.LoadLocation(c.zone); err != nil {
				t.Fatal(err)
			}
			if sc.when, err = parseCron(c.cron); err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339, c.after)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Fields(c.want)
			var got []string
			for range want {
				at = sc.next(at)
				got = append(got, at.In(sc.zone).Format("01-02T15:04Z07"))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
