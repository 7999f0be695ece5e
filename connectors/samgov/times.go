package samgov

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// day reads a date; the time and zone behind it do not matter.
func day(t text) (*time.Time, error) {
	if t == "" {
		return nil, nil
	}
	s := string(t)
	if len(s) > 10 && (s[10] == 'T' || s[10] == ' ') {
		s = s[:10]
	}
	for _, layout := range []string{time.DateOnly, wireDay, "Jan 02, 2006", "Jan 2, 2006"} {
		if v, err := time.Parse(layout, s); err == nil {
			return &v, nil
		}
	}
	return nil, fmt.Errorf("%q is no date", string(t))
}

// instants are the forms of times. One without a zone is meant in the place of whoever
// reads it.
var instants = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05-0700", "2006-01-02T15:04-07:00", "2006-01-02T15:04:05", "2006-01-02T15:04",
	time.DateTime, "2006-01-02 15:04:05 MST", "2006-Jan-02 15:04:05-0700 MST", "2006-Jan-02 15:04:05-0700", "2006-Jan-02 15:04:05 MST",
	"1/2/2006 3:04 PM", "1/2/2006 3:04 PM MST", "Jan 2, 2006 3:04 PM", "Jan 2, 2006 3:04 PM MST", time.RFC1123, time.RFC1123Z,
}

// moment reads a time in one of its forms. The abbreviation of a zone that is not known
// in the place could be any.
func moment(s string, place *time.Location) (time.Time, bool) {
	for _, layout := range instants {
		v, err := time.ParseInLocation(layout, s, place)
		if err != nil {
			continue
		}
		zone, offset := v.Zone()
		return v.UTC(), offset != 0 || zone == "UTC" || zone == "GMT" || zone == ""
	}
	return time.Time{}, false
}

// instant reads a time; one without a zone is Eastern, and a date is its end.
func instant(t text) (*time.Time, error) {
	if t == "" {
		return nil, nil
	}
	if v, ok := moment(string(t), eastern); ok {
		return &v, nil
	}
	d, err := day(t)
	if err != nil || len(t) > len("Jan 02, 2006") { // a time behind the date, which must not be left out
		return nil, fmt.Errorf("%q is no time", string(t))
	}
	end := time.Date(d.Year(), d.Month(), d.Day(), 23, 59, 59, 0, eastern).UTC()
	return &end, nil
}

// nextAccess reads the time at which a key that is used up may come back:
// {"nextAccessTime": "2026-Mar-02 00:00:00+0000 UTC"}. One without a zone is UTC, and a
// number counts seconds, or milliseconds, since 1970.
func nextAccess(body []byte) (time.Time, bool) {
	var answer struct {
		Next text `json:"nextAccessTime"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Next == "" {
		return time.Time{}, false
	}
	if n, err := strconv.ParseInt(string(answer.Next), 10, 64); err == nil {
		if n < 1e11 {
			n *= 1000
		}
		return time.UnixMilli(n).UTC(), n > 0
	}
	return moment(string(answer.Next), time.UTC)
}
