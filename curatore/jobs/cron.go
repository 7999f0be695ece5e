package jobs

import (
	"errors"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// cronForm is the form of Schedule.Cron.
var cronForm = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// parseCron reads a cron expression without a time zone, which is Schedule.Zone: the
// parser would take one in front, and panic on half of one.
func parseCron(expression string) (cron.Schedule, error) {
	if strings.Contains(expression, "=") {
		return nil, errors.New("it names a time zone; use Zone for that")
	}
	return cronForm.Parse(expression)
}

// next is the first time of a schedule after a moment. It is zero when there is
// none within some years.
func (sc *schedule) next(after time.Time) time.Time {
	at := sc.when.Next(after.In(sc.zone))
	for sc.byTheClock() && comesAgain(at) {
		at = sc.when.Next(at)
	}
	return at.UTC()
}

// comesAgain reports whether the clocks of a time's zone have shown it before,
// because they were set back since.
func comesAgain(at time.Time) bool {
	change, _ := at.ZoneBounds()
	if at.IsZero() || change.IsZero() {
		return false
	}
	_, before := change.Add(-time.Second).Zone()
	_, now := at.Zone()
	return at.Sub(change) < time.Duration(before-now)*time.Second
}

// byTheClock reports whether a schedule fires at hours of the day, of which it leaves
// some out.
func (sc *schedule) byTheClock() bool {
	const all = 1<<24 - 1
	fields, ok := sc.when.(*cron.SpecSchedule)
	return ok && fields.Hour&all != all
}
